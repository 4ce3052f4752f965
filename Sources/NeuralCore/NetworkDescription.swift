/// What a network computes, layer by layer, without saying how: what a `NetworkPlan` is compiled from.
public struct NetworkDescription: Sendable {
    /// One image-shaped value between layers.
    public struct Value: Sendable, Hashable {
        let index: Int
    }

    /// A convolution's weights with what a folded normalisation makes of them.
    public struct Weights: Sendable {
        /// `[outChannels, inChannels, kernel, kernel]`.
        package let values: Tensor
        /// `[outChannels]`: each output channel's weights are multiplied by its factor, in double.
        package let factors: [Double]
        /// `[outChannels]`.
        package let bias: [Float]

        /// Weights whose number and whose factors' and biases' number fit.
        public init(values: Tensor, factors: [Double], bias: [Float]) {
            precondition(factors.count == bias.count && values.count % max(1, bias.count) == 0)
            self.values = values
            self.factors = factors
            self.bias = bias
        }
    }

    struct Dimensions: Sendable {
        let channels: Int
        let height: Int
        let width: Int
    }

    struct Convolution: Sendable {
        let name: String
        let shape: ConvolutionShape
        let weights: Weights
        let input: Int
        let output: Int
        let residual: Int?
        let hasRelu: Bool
        /// What a ReLU multiplies negative values with, a channel; nil for zeros.
        let slopes: [Float]?
        let stage: Int
    }

    struct MaximumPool: Sendable {
        let name: String
        let shape: PoolShape
        let input: Int
        let output: Int
    }

    enum Layer: Sendable {
        case convolution(Convolution)
        case maximumPool(MaximumPool)
    }

    private(set) var layers: [Layer] = []
    private(set) var dimensions: [Dimensions]
    /// Most frames that go through each stage side by side.
    private(set) var stageFrames: [Int]

    /// The network's input.
    public let input: Value

    /// True if the first stage goes through each picture by rows: see `init`.
    let isDepthFirst: Bool

    private var pooled: Set<Int> = []

    /// A network on images of the given size. `framesAtOnce` is for the first stage: how many frames a thread takes through its layers
    /// before it goes on, so that what lies between them stays in the cache.
    ///
    /// With `depthFirst`, for pictures too large for that, the first stage's layers take turns of a few rows. They have to be a chain without
    /// residuals; values are the same to the bit, and where a family's kernels do not compute by rows nothing changes.
    public init(channels: Int, height: Int, width: Int, framesAtOnce: Int, depthFirst: Bool = false) {
        precondition(channels > 0 && height > 0 && width > 0 && framesAtOnce > 0)
        input = Value(index: 0)
        dimensions = [Dimensions(channels: channels, height: height, width: width)]
        stageFrames = [framesAtOnce]
        isDepthFirst = depthFirst
    }

    /// Begins a stage for deeper layers, whose weights outweigh their pictures and want more frames at once.
    public mutating func beginStage(framesAtOnce: Int) {
        precondition(framesAtOnce > 0)
        stageFrames.append(framesAtOnce)
    }

    /// A convolution with a square kernel; `residual`, which is not the network's input, is added before the ReLU.
    ///
    /// With `slopes`, `[outChannels]`, the ReLU is a parametric one (He et al. 2015, arXiv:1502.01852, equation 1): a negative value is
    /// multiplied with its channel's slope. A fully connected layer is a convolution whose kernel is as large as its picture.
    public mutating func convolution(
        _ name: String, of input: Value, outChannels: Int, kernel: Int, stride: Int = 1, padding: Int = 0,
        weights: Weights, residual: Value? = nil, relu: Bool, slopes: [Float]? = nil
    ) -> Value {
        let before = dimensions[input.index]
        let shape = ConvolutionShape(
            inChannels: before.channels, height: before.height, width: before.width, outChannels: outChannels, kernel: kernel,
            stride: stride, padding: padding)
        precondition(weights.values.count == shape.weightCount, "\(name): \(weights.values.count) weights, \(shape.weightCount) wanted")
        precondition(weights.bias.count == outChannels, "\(name): \(weights.bias.count) biases, \(outChannels) wanted")
        precondition(slopes.map { relu && $0.count == outChannels } ?? true, "\(name): a slope a channel, and with a ReLU only")
        let output = append(Dimensions(channels: outChannels, height: shape.outHeight, width: shape.outWidth))
        precondition(
            !isDepthFirst || stageFrames.count > 1 || residual == nil && input.index == dimensions.count - 2,
            "\(name): a stage that goes by rows is a chain")
        precondition(!pooled.contains(input.index), "\(name) reads a value that was pooled and exists in no other form")
        if let residual {
            precondition(residual.index != self.input.index && !pooled.contains(residual.index), "\(name): no such residual")
            let other = dimensions[residual.index]
            precondition(
                other.channels == outChannels && other.height == shape.outHeight && other.width == shape.outWidth,
                "\(name): the residual has another shape")
        }
        layers.append(
            .convolution(
                Convolution(
                    name: name, shape: shape, weights: weights, input: input.index, output: output.index,
                    residual: residual?.index, hasRelu: relu, slopes: slopes, stage: stageFrames.count - 1)))
        return output
    }

    /// A maximum with stride 2 of the last convolution's output, which nothing else can read; the two may be computed as one, so
    /// the convolution has no residual.
    ///
    /// Over 3×3 pixels with padding 1 or 0, or over 2×2 without. With `coversRest` (PyTorch's `ceil_mode`) a last window of fewer pixels takes
    /// what whole windows leave over.
    public mutating func maximumPool(
        _ name: String, of input: Value, kernel: Int = 3, padding: Int = 1, coversRest: Bool = false
    ) -> Value {
        guard case .convolution(let convolution)? = layers.last, convolution.output == input.index, convolution.residual == nil
        else {
            preconditionFailure("\(name) must follow the convolution that it pools")
        }
        pooled.insert(input.index)
        let before = dimensions[input.index]
        let shape = PoolShape(
            kernel: kernel, padding: padding, coversRest: coversRest, height: before.height, width: before.width)
        let output = append(Dimensions(channels: before.channels, height: shape.outHeight, width: shape.outWidth))
        layers.append(.maximumPool(MaximumPool(name: name, shape: shape, input: input.index, output: output.index)))
        return output
    }

    private mutating func append(_ value: Dimensions) -> Value {
        dimensions.append(value)
        return Value(index: dimensions.count - 1)
    }
}

extension NetworkDescription.Weights {
    /// The weights times their factors, rounded to float: what is packed.
    public func foldedValues() -> Tensor {
        values.withUnsafeBuffer { source in
            let depth = source.count / max(1, factors.count)
            return Tensor(shape: values.shape) { target in
                for index in source.indices { target[index] = Float(Double(source[index]) * factors[index / depth]) }
            }
        }
    }
}
