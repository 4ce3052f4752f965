import NeuralCore

/// The network of MediaPipe's face mesh, as convolutions that a plan computes.
///
/// Its blocks are depthwise 3×3 convolutions, each followed by a pointwise one, a residual and a PReLU. Between the first two stands nothing
/// else, so that they are one 3×3 convolution over all channels with the products of their weights: nine times the pointwise one's arithmetic, on
/// kernels made for it, and none of a kind of its own.
struct FaceMeshNetwork {
    static let fileName = "face-mesh.safetensors"
    /// Pixels of the input's side.
    static let extent = 192
    /// Coordinates of a point in the output: column and row in pixels of the input, and a depth.
    static let pointValues = 3
    /// Where in the output the logit of there being a face is: after the points.
    static let presencePlace = pointValues * FaceMesh.pointCount

    /// A depthwise and a pointwise convolution, and what is added to them: the block's input or, where the picture is halved, its maxima over
    /// 2×2 pixels. Channels that the input lacks are zeros.
    private struct Block {
        let name: String
        let inChannels: Int
        let outChannels: Int
        let halves: Bool
    }

    private static let stemChannels = 16
    private static let headChannels = 32

    private static let trunk: [Block] = {
        let widths = [16, 16, 32, 32, 32, 64, 64, 64, 128, 128, 128, 128, 128, 128]
        var before = stemChannels
        return widths.enumerated().map { index, width in
            defer { before = width }
            return Block(name: "trunk.\(index)", inChannels: before, outChannels: width, halves: index % 3 == 2)
        }
    }()
    private static let trunkChannels = 128
    /// Both heads are blocks, a narrowing to `headChannels`, a block on those, and a convolution over the 3×3 pixels that are left.
    private static let meshBlocks = [
        Block(name: "mesh.0", inChannels: trunkChannels, outChannels: trunkChannels, halves: true),
        Block(name: "mesh.1", inChannels: trunkChannels, outChannels: trunkChannels, halves: false),
        Block(name: "mesh.2", inChannels: trunkChannels, outChannels: trunkChannels, halves: false),
        Block(name: "mesh.3", inChannels: headChannels, outChannels: headChannels, halves: false),
    ]
    private static let presenceBlocks = [
        Block(name: "presence.0", inChannels: trunkChannels, outChannels: trunkChannels, halves: true),
        Block(name: "presence.1", inChannels: headChannels, outChannels: headChannels, halves: false),
    ]

    /// The shape of every tensor, by its name.
    static let shapes: [String: [Int]] = {
        var shapes: [String: [Int]] = [:]
        func add(_ name: String, _ weight: [Int], slopes: String? = nil) {
            shapes["\(name).weight"] = weight
            shapes["\(name).bias"] = [weight[0]]
            if let slopes { shapes["\(slopes).slopes"] = [weight[0]] }
        }
        for block in trunk + meshBlocks + presenceBlocks {
            add("\(block.name).depthwise", [block.inChannels, 1, 3, 3])
            add("\(block.name).pointwise", [block.outChannels, block.inChannels, 1, 1], slopes: block.name)
        }
        add("stem", [stemChannels, 3, 3, 3], slopes: "stem")
        for (head, outputs) in [("mesh", presencePlace), ("presence", 1)] {
            add("\(head).reduce", [headChannels, trunkChannels, 1, 1], slopes: "\(head).reduce")
            add("\(head).output", [outputs, headChannels, 3, 3])
        }
        return shapes
    }()

    /// Of `shapes`.
    let tensors: [String: Tensor]

    private func elements(_ name: String) -> [Float] {
        guard let tensor = tensors[name] else { preconditionFailure("\(name) is missing from validated weights") }
        return tensor.elements
    }

    /// One picture to one pixel: `presencePlace` values of points, then the logit of there being a face.
    var description: NetworkDescription {
        var network = NetworkDescription(
            channels: 3, height: FaceMeshNetwork.extent, width: FaceMeshNetwork.extent, framesAtOnce: 1)
        var current = network.convolution(
            "stem", of: network.input, outChannels: FaceMeshNetwork.stemChannels, kernel: 4, stride: 2, padding: 1,
            weights: FaceMeshNetwork.weights(FaceMeshNetwork.halving(elements("stem.weight")), bias: elements("stem.bias")),
            relu: true, slopes: elements("stem.slopes"))
        for block in FaceMeshNetwork.trunk { current = add(block, of: current, to: &network) }
        // A network has one output: each head's has room for the other's and zeros there, and the last adds them up.
        let presence = addHead("presence", FaceMeshNetwork.presenceBlocks, of: current, firstOutput: FaceMeshNetwork.presencePlace, to: &network)
        _ = addHead("mesh", FaceMeshNetwork.meshBlocks, of: current, firstOutput: 0, residual: presence, to: &network)
        return network
    }

    private func add(
        _ block: Block, of input: NetworkDescription.Value, to network: inout NetworkDescription
    ) -> NetworkDescription.Value {
        var weights = FaceMeshNetwork.product(
            depthwise: elements("\(block.name).depthwise.weight"), pointwise: elements("\(block.name).pointwise.weight"))
        let bias = FaceMeshNetwork.bias(
            depthwise: elements("\(block.name).depthwise.bias"), pointwise: elements("\(block.name).pointwise.weight"),
            bias: elements("\(block.name).pointwise.bias"))
        var residual = input
        if block.halves {
            weights = FaceMeshNetwork.halving(weights)
            residual = addMaxima(of: input, block, to: &network)
        }
        return network.convolution(
            block.name, of: input, outChannels: block.outChannels, kernel: block.halves ? 4 : 3, stride: block.halves ? 2 : 1,
            padding: 1, weights: FaceMeshNetwork.weights(weights, bias: bias), residual: residual, relu: true,
            slopes: elements("\(block.name).slopes"))
    }

    /// The maxima over 2×2 pixels, with as many channels as the block has.
    ///
    /// A plan pools only what nothing else reads: a copy, then, by a convolution that multiplies by one, and by zero for channels to fill up.
    private func addMaxima(
        of input: NetworkDescription.Value, _ block: Block, to network: inout NetworkDescription
    ) -> NetworkDescription.Value {
        var ones = [Float](repeating: 0, count: block.outChannels * block.inChannels)
        for channel in 0..<block.inChannels { ones[channel * block.inChannels + channel] = 1 }
        let copy = network.convolution(
            "\(block.name).copy", of: input, outChannels: block.outChannels, kernel: 1,
            weights: FaceMeshNetwork.weights(ones, bias: [Float](repeating: 0, count: block.outChannels)), relu: false)
        return network.maximumPool("\(block.name).maxima", of: copy, kernel: 2, padding: 0)
    }

    private func addHead(
        _ name: String, _ blocks: [Block], of trunk: NetworkDescription.Value, firstOutput: Int,
        residual: NetworkDescription.Value? = nil, to network: inout NetworkDescription
    ) -> NetworkDescription.Value {
        var current = trunk
        for block in blocks.dropLast() { current = add(block, of: current, to: &network) }
        current = network.convolution(
            "\(name).reduce", of: current, outChannels: FaceMeshNetwork.headChannels, kernel: 1,
            weights: FaceMeshNetwork.weights(elements("\(name).reduce.weight"), bias: elements("\(name).reduce.bias")),
            relu: true, slopes: elements("\(name).reduce.slopes"))
        for block in blocks.suffix(1) { current = add(block, of: current, to: &network) }
        let outputs = FaceMeshNetwork.presencePlace + 1
        let (own, ownBias) = (elements("\(name).output.weight"), elements("\(name).output.bias"))
        let perOutput = own.count / ownBias.count
        func zeros(_ count: Int) -> [Float] { [Float](repeating: 0, count: count) }
        let rest = outputs - firstOutput - ownBias.count
        return network.convolution(
            "\(name).output", of: current, outChannels: outputs, kernel: 3,
            weights: FaceMeshNetwork.weights(
                zeros(firstOutput * perOutput) + own + zeros(rest * perOutput), bias: zeros(firstOutput) + ownBias + zeros(rest)),
            residual: residual, relu: false)
    }

    private static func weights(_ values: [Float], bias: [Float]) -> NetworkDescription.Weights {
        NetworkDescription.Weights(
            values: Tensor(shape: [values.count], elements: values), factors: [Double](repeating: 1, count: bias.count), bias: bias)
    }

    /// `[out, in, 3, 3]` from `[in, 1, 3, 3]` and `[out, in, 1, 1]`.
    private static func product(depthwise: [Float], pointwise: [Float]) -> [Float] {
        let inChannels = depthwise.count / 9
        return [Float](unsafeUninitializedCapacity: 9 * pointwise.count) { values, count in
            for (index, weight) in pointwise.enumerated() {
                let channel = index % inChannels
                for tap in 0..<9 { values[9 * index + tap] = weight * depthwise[9 * channel + tap] }
            }
            count = 9 * pointwise.count
        }
    }

    /// The pointwise convolution's own bias and what it makes of the depthwise one's, which no padding follows.
    private static func bias(depthwise: [Float], pointwise: [Float], bias: [Float]) -> [Float] {
        bias.indices.map { out in
            Float(depthwise.indices.reduce(Double(bias[out])) { sum, channel in
                sum + Double(pointwise[out * depthwise.count + channel]) * Double(depthwise[channel])
            })
        }
    }

    /// Kernels of 4×4 whose first row and column are zeros, from kernels of 3×3.
    ///
    /// TensorFlow's `SAME` padding has, with stride 2 and an even picture, no zeros before it and one behind; a plan pads both sides alike.
    private static func halving(_ kernels: [Float]) -> [Float] {
        var wide = [Float](repeating: 0, count: kernels.count / 9 * 16)
        for kernel in 0..<kernels.count / 9 {
            for row in 0..<3 {
                for column in 0..<3 { wide[16 * kernel + 4 * (row + 1) + column + 1] = kernels[9 * kernel + 3 * row + column] }
            }
        }
        return wide
    }
}
