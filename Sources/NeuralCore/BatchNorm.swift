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

    /// Weights that together with a bias do what a convolution without bias and this normalisation did one after the other.
    ///
    /// `weights` is `[channels, …]`. The factors stay in double until the weights are packed, so that folding adds one rounding only.
    public func folded(into weights: Tensor) -> NetworkDescription.Weights {
        let (g, b, m, v) = (gamma.elements, beta.elements, mean.elements, variance.elements)
        let factors = g.indices.map { Double(g[$0]) / (Double(v[$0]) + epsilon).squareRoot() }
        let bias = g.indices.map { Float(Double(b[$0]) - Double(m[$0]) * factors[$0]) }
        return NetworkDescription.Weights(values: weights, factors: factors, bias: bias)
    }
}
