import NeuralCore

/// MTCNN's three nets (Zhang, Zhang, Li and Qiao 2016, arXiv:1604.02878) as facenet-pytorch has them: each ends in what the candidates are
/// judged by, two logits (not a face, a face), four offsets of the box and, in the last, five points.
package enum FaceNet: String, CaseIterable, Sendable {
    /// Looks at a whole picture: a value for each 12×12 pixels, 2 apart.
    case proposal = "pnet"
    /// Looks at candidates of 24×24 pixels.
    case refinement = "rnet"
    /// Looks at candidates of 48×48 pixels.
    case output = "onet"

    /// Where the values of an output pixel begin.
    static let offsetPlace = 2
    static let pointPlace = 6

    /// Offsets and scale of a net's input: (byte − 127.5) / 128.
    static let inputScale: Float = 0.0078125
    static let inputOffset: Float = -127.5 * 0.0078125

    /// A layer with the pooling after it.
    struct Layer {
        let name: String
        /// Of its PReLU.
        let slopes: String
        let inChannels: Int
        let outChannels: Int
        let kernel: Int
        /// Extent of the maximum that follows, if one does.
        var pool: Int?
        /// True if the weights are those of a fully connected layer over the columns, rows and channels, in this order, of its input.
        var isDense = false
    }

    /// Pixels of a candidate's side; for the first net, of the field of view.
    var extent: Int {
        switch self {
        case .proposal: 12
        case .refinement: 24
        case .output: 48
        }
    }

    var layers: [Layer] {
        switch self {
        case .proposal: [
            Layer(name: "conv1", slopes: "prelu1", inChannels: 3, outChannels: 10, kernel: 3, pool: 2),
            Layer(name: "conv2", slopes: "prelu2", inChannels: 10, outChannels: 16, kernel: 3),
            Layer(name: "conv3", slopes: "prelu3", inChannels: 16, outChannels: 32, kernel: 3),
        ]
        case .refinement: [
            Layer(name: "conv1", slopes: "prelu1", inChannels: 3, outChannels: 28, kernel: 3, pool: 3),
            Layer(name: "conv2", slopes: "prelu2", inChannels: 28, outChannels: 48, kernel: 3, pool: 3),
            Layer(name: "conv3", slopes: "prelu3", inChannels: 48, outChannels: 64, kernel: 2),
            Layer(name: "dense4", slopes: "prelu4", inChannels: 64, outChannels: 128, kernel: 3, isDense: true),
        ]
        case .output: [
            Layer(name: "conv1", slopes: "prelu1", inChannels: 3, outChannels: 32, kernel: 3, pool: 3),
            Layer(name: "conv2", slopes: "prelu2", inChannels: 32, outChannels: 64, kernel: 3, pool: 3),
            Layer(name: "conv3", slopes: "prelu3", inChannels: 64, outChannels: 64, kernel: 3, pool: 2),
            Layer(name: "conv4", slopes: "prelu4", inChannels: 64, outChannels: 128, kernel: 2),
            Layer(name: "dense5", slopes: "prelu5", inChannels: 128, outChannels: 256, kernel: 3, isDense: true),
        ]
        }
    }

    /// The first layer whose weights outweigh its pictures, if there is one: from there on many candidates are taken at once.
    private var lateLayer: String? {
        switch self {
        case .proposal: nil
        case .refinement: "conv3"
        case .output: "conv4"
        }
    }

    /// The layers that all read the last value, with the number of their outputs: computed as one.
    var heads: [(name: String, outputs: Int)] {
        switch self {
        case .proposal: [("conv4_1", 2), ("conv4_2", 4)]
        case .refinement: [("dense5_1", 2), ("dense5_2", 4)]
        case .output: [("dense6_1", 2), ("dense6_2", 4), ("dense6_3", 10)]
        }
    }

    /// The shape of every tensor, by its name.
    static let shapes: [String: [Int]] = {
        var shapes: [String: [Int]] = [:]
        for net in allCases {
            for layer in net.layers {
                let taps = layer.kernel * layer.kernel
                shapes["\(net.rawValue).\(layer.name).weight"] = layer.isDense
                    ? [layer.outChannels, layer.inChannels * taps]
                    : [layer.outChannels, layer.inChannels, layer.kernel, layer.kernel]
                shapes["\(net.rawValue).\(layer.name).bias"] = [layer.outChannels]
                shapes["\(net.rawValue).\(layer.slopes).weight"] = [layer.outChannels]
            }
            let channels = net.layers.last?.outChannels ?? 0
            for head in net.heads {
                shapes["\(net.rawValue).\(head.name).weight"] = [head.outputs, channels] + (net == .proposal ? [1, 1] : [])
                shapes["\(net.rawValue).\(head.name).bias"] = [head.outputs]
            }
        }
        return shapes
    }()

    /// The net on pictures of the given size, up to its heads; with them where they look at one place, not at all places of a picture.
    func description(height: Int, width: Int, framesAtOnce: Int, weights: FaceDetectorWeights) -> NetworkDescription {
        var network = NetworkDescription(channels: 3, height: height, width: width, framesAtOnce: framesAtOnce, depthFirst: self == .proposal)
        var current = network.input
        for layer in layers {
            if layer.name == lateLayer { network.beginStage(framesAtOnce: NetworkPlan.maximumBatch) }
            let values = tensor(layer.name + ".weight", weights)
            current = network.convolution(
                "\(rawValue).\(layer.name)", of: current, outChannels: layer.outChannels, kernel: layer.kernel,
                weights: FaceNet.weights(
                    layer.isDense ? FaceNet.planar(values, layer) : values, bias: tensor(layer.name + ".bias", weights).elements),
                relu: true, slopes: tensor(layer.slopes + ".weight", weights).elements)
            if let pool = layer.pool {
                current = network.maximumPool(
                    "\(rawValue).pool of \(layer.name)", of: current, kernel: pool, padding: 0, coversRest: true)
            }
        }
        guard self != .proposal else { return network }
        let (headWeights, headBias) = headParameters(weights)
        _ = network.convolution(
            "\(rawValue).heads", of: current, outChannels: headBias.count, kernel: 1,
            weights: FaceNet.weights(Tensor(shape: [headWeights.count], elements: headWeights), bias: headBias), relu: false)
        return network
    }

    /// The heads as one layer over the last value's channels: `[outputs, channels]` and `[outputs]`.
    func headParameters(_ weights: FaceDetectorWeights) -> (weights: [Float], bias: [Float]) {
        func elements(_ name: String) -> [Float] { tensor(name, weights).elements }
        return (heads.flatMap { elements($0.name + ".weight") }, heads.flatMap { elements($0.name + ".bias") })
    }

    private func tensor(_ name: String, _ weights: FaceDetectorWeights) -> Tensor {
        guard let tensor = weights.tensors["\(rawValue).\(name)"] else { preconditionFailure("\(name) is missing from validated weights") }
        return tensor
    }

    private static func weights(_ values: Tensor, bias: [Float]) -> NetworkDescription.Weights {
        NetworkDescription.Weights(values: values, factors: [Double](repeating: 1, count: bias.count), bias: bias)
    }

    /// A fully connected layer's weights as those of a convolution, `[outChannels, inChannels, row, column]`.
    private static func planar(_ dense: Tensor, _ layer: Layer) -> Tensor {
        let kernel = layer.kernel
        return Tensor(shape: [layer.outChannels, layer.inChannels, kernel, kernel]) { values in
            dense.withUnsafeBuffer { dense in
                for out in 0..<layer.outChannels {
                    for channel in 0..<layer.inChannels {
                        for row in 0..<kernel {
                            for column in 0..<kernel {
                                values[((out * layer.inChannels + channel) * kernel + row) * kernel + column] =
                                    dense[((out * kernel + column) * kernel + row) * layer.inChannels + channel]
                            }
                        }
                    }
                }
            }
        }
    }
}
