/// How parameters follow their gradients.
public struct OptimiserSettings: Codable, Sendable, Equatable {
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101).
        case adamw
        /// Stochastic gradient descent with momentum.
        case sgd
    }

    public var kind: Kind
    /// Learning rate of the backbone, above 0.
    public var rate: Double
    /// Learning rate of the head, above 0.
    public var headRate: Double
    /// Weight decay of convolutions' and linear weights; norms and biases are spared. 0…1.
    public var weightDecay: Double
    /// Of `sgd`, 0…<1.
    public var momentum: Double
    /// Of `adamw`: how much of the first moment is kept a step, 0…<1.
    public var beta1: Double
    /// Of `adamw`: how much of the second moment is kept a step, 0…<1.
    public var beta2: Double
    /// Of `adamw`: added to the root of the second moment, above 0.
    public var epsilon: Double
    /// Gradients of a greater norm over all parameters are scaled down to it; 0 leaves them.
    public var clipNorm: Double
    /// Radius ρ of sharpness-aware minimisation (Foret et al. 2021, arXiv:2010.01412), which takes a second gradient each step; 0 is without.
    public var sharpnessRadius: Double

    public init(
        kind: Kind = .adamw, rate: Double = 1e-4, headRate: Double = 1e-3, weightDecay: Double = 0.01, momentum: Double = 0.9,
        beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, clipNorm: Double = 5, sharpnessRadius: Double = 0
    ) {
        self.kind = kind
        self.rate = rate
        self.headRate = headRate
        self.weightDecay = weightDecay
        self.momentum = momentum
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.clipNorm = clipNorm
        self.sharpnessRadius = sharpnessRadius
    }
}
