/// Inference-time batch normalisation: y = (x − mean) / √(variance + ε) · gamma + beta, per channel.
public struct BatchNorm: Sendable {
    /// PyTorch's default ε, which every torchvision ResNet uses.
    public static let defaultEpsilon = 1e-5

    private let gamma: Tensor
    private let beta: Tensor
    private let mean: Tensor
    private let variance: Tensor
    private let epsilon: Double

    /// Statistics and affine values, each `[channels]`.
    public init(
        gamma: Tensor, beta: Tensor, mean: Tensor, variance: Tensor, epsilon: Double = BatchNorm.defaultEpsilon
    ) {
        precondition(
            Set([gamma.count, beta.count, mean.count, variance.count]).count == 1, "one value per channel each")
        self.gamma = gamma
        self.beta = beta
        self.mean = mean
        self.variance = variance
        self.epsilon = epsilon
    }

    /// The convolution's weights and a bias that together do what convolution and normalisation did one after the other.
    ///
    /// `weights` is `[channels, …]`; computed in double so that folding adds one rounding only.
    public func folded(into weights: Tensor) -> (weights: Tensor, bias: Tensor) {
        let channels = gamma.count
        let (g, b, m, v) = (gamma.elements, beta.elements, mean.elements, variance.elements)
        precondition(weights.count % channels == 0, "the weights' first axis must be the channels")
        let factors = (0..<channels).map { Double(g[$0]) / (Double(v[$0]) + epsilon).squareRoot() }
        let perChannel = weights.count / channels
        let scaled = Tensor(shape: weights.shape) { destination in
            weights.withUnsafeBuffer { source in
                for channel in 0..<channels {
                    let factor = factors[channel]
                    for index in channel * perChannel..<(channel + 1) * perChannel {
                        destination[index] = Float(Double(source[index]) * factor)
                    }
                }
            }
        }
        let bias = (0..<channels).map { Float(Double(b[$0]) - Double(m[$0]) * factors[$0]) }
        return (scaled, Tensor(shape: [channels], elements: bias))
    }
}
