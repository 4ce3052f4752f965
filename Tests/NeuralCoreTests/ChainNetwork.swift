import NeuralCore

/// A random chain of convolutions with and without padding, PReLUs and maxima of every kind, ending in a layer over the whole picture: what face
/// nets are made of.
struct ChainNetwork {
    struct Layer {
        var outChannels: Int
        var kernel: Int
        var padding: Int
        var weights: [Float]
        var bias: [Float]
        /// Nil: no ReLU at all.
        var slopes: [Float]?
        var pool: (kernel: Int, padding: Int, coversRest: Bool)?
    }

    let channels: Int
    let height: Int
    let width: Int
    private(set) var layers: [Layer] = []

    /// Channels and extents that are no multiple of anything. With `endsWhole` the last kernel is as large as its picture.
    init(channels: Int, height: Int, width: Int, depth: Int, endsWhole: Bool, random: inout TestRandom) {
        self.channels = channels
        self.height = height
        self.width = width
        var (inChannels, rows, columns) = (channels, height, width)
        func layer(_ outChannels: Int, kernel: Int, padding: Int, hasSlopes: Bool) -> Layer {
            let count = inChannels * kernel * kernel
            let spread = (3 / Float(count)).squareRoot()
            return Layer(
                outChannels: outChannels, kernel: kernel, padding: padding,
                weights: random.floats(outChannels * count, in: -spread...spread), bias: random.floats(outChannels, in: -0.5...0.5),
                slopes: hasSlopes ? random.floats(outChannels, in: -0.4...1.2) : nil)
        }
        for _ in 0..<depth {
            let kernel = Int.random(in: 1...3, using: &random)
            let padding = kernel == 3 ? Int.random(in: 0...1, using: &random) : 0
            var next = layer(Int.random(in: 1...37, using: &random), kernel: kernel, padding: padding, hasSlopes: true)
            let size = (rows: rows + 2 * padding - kernel + 1, columns: columns + 2 * padding - kernel + 1)
            guard min(size.rows, size.columns) >= 1 else { break }
            (rows, columns, inChannels) = (size.rows, size.columns, next.outChannels)
            if min(rows, columns) >= 3, Bool.random(using: &random) {
                let pools: [(Int, Int, Bool)] = [(2, 0, true), (2, 0, false), (3, 0, true), (3, 0, false), (3, 1, false)]
                let (kernel, padding, rest) = pools[Int.random(in: 0..<pools.count, using: &random)]
                next.pool = (kernel, padding, rest)
                func pooled(_ extent: Int) -> Int {
                    let free = extent + 2 * padding - kernel
                    return (rest ? (free + 1) / 2 : free / 2) + 1
                }
                (rows, columns) = (pooled(rows), pooled(columns))
            }
            layers.append(next)
        }
        if endsWhole && rows == columns {
            layers.append(layer(Int.random(in: 1...40, using: &random), kernel: rows, padding: 0, hasSlopes: true))
            (rows, columns, inChannels) = (1, 1, layers[layers.count - 1].outChannels)
        }
        layers.append(layer(Int.random(in: 1...9, using: &random), kernel: 1, padding: 0, hasSlopes: false))
    }

    var inputCount: Int { channels * height * width }
    private var outChannels: Int { layers[layers.count - 1].outChannels }

    func plan(_ selection: KernelSelection, framesAtOnce: Int = 2, depthFirst: Bool = false, batch: Int = 4) throws -> NetworkPlan {
        var network = NetworkDescription(
            channels: channels, height: height, width: width, framesAtOnce: framesAtOnce, depthFirst: depthFirst)
        var current = network.input
        for (index, layer) in layers.enumerated() {
            current = network.convolution(
                "layer \(index)", of: current, outChannels: layer.outChannels, kernel: layer.kernel, padding: layer.padding,
                weights: .init(
                    values: Tensor(shape: [layer.weights.count], elements: layer.weights),
                    factors: [Double](repeating: 1, count: layer.outChannels), bias: layer.bias),
                relu: layer.slopes != nil, slopes: layer.slopes)
            if let pool = layer.pool {
                current = network.maximumPool(
                    "pool \(index)", of: current, kernel: pool.kernel, padding: pool.padding, coversRest: pool.coversRest)
            }
        }
        return try NetworkPlan(network, selection: selection, batch: batch, team: ThreadTeam(size: 1))
    }

    /// The definition's output, `[height, width, channels]`.
    func reference(_ frame: ArraySlice<Float>) -> [Double] {
        var image = PlaneReference.Image(channels: channels, height: height, width: width, values: frame.map { Double($0) })
        for layer in layers {
            image = PlaneReference.convolution(
                image, outChannels: layer.outChannels, kernel: layer.kernel, stride: 1, padding: layer.padding,
                weights: layer.weights, bias: layer.bias, relu: false)
            if let slopes = layer.slopes { image = PlaneReference.parametricRelu(image, slopes: slopes) }
            if let pool = layer.pool {
                image = PlaneReference.maximumPool(image, kernel: pool.kernel, padding: pool.padding, coversRest: pool.coversRest)
            }
        }
        return image.channelsLast
    }

    /// What the plan computes of planar frames, without the channels that pad a pixel.
    func run(_ plan: NetworkPlan, _ context: PlanContext, frames: [Float]) -> [Float] {
        let output = context.run(frames: frames.count / inputCount) { frame, row, destination in
            for x in 0..<width {
                for c in 0..<channels {
                    destination[x * channels + c] = frames[frame * inputCount + (c * height + row) * width + x]
                }
            }
        }
        return stride(from: 0, to: output.count, by: plan.outputShape[2]).flatMap { output[$0..<$0 + outChannels] }
    }
}

extension ChainNetwork: CustomStringConvertible {
    var description: String {
        "\(channels)x\(height)x\(width)" + layers.map { layer in
            ", \(layer.kernel)x\(layer.kernel)+\(layer.padding) to \(layer.outChannels)"
                + (layer.pool.map { ", pool \($0.kernel)+\($0.padding)\($0.coversRest ? " ceil" : "")" } ?? "")
        }.joined()
    }
}

extension ChainNetwork {
    /// The same with the slopes of the first layer moved by a tenth.
    func withOtherSlopes() -> ChainNetwork {
        var other = self
        other.layers[0].slopes = layers[0].slopes?.map { $0 + 0.1 }
        return other
    }
}
