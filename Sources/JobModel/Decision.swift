import Glibc

/// How a model's card turns logits into labels.
public struct DecisionRule: Hashable, Sendable {
    /// The logit is divided by this before the sigmoid; > 0.
    public var temperature: Double
    /// P(fake) at and above which the label is `fake`.
    public var threshold: Double
    /// Between these probabilities the model abstains.
    public var abstention: ClosedRange<Double>
    public var isTrained: Bool

    public init(temperature: Double, threshold: Double, abstention: ClosedRange<Double>, isTrained: Bool) {
        precondition(temperature > 0)
        self.temperature = temperature
        self.threshold = threshold
        self.abstention = abstention
        self.isTrained = isTrained
    }

    /// P(fake) of a logit after calibration.
    public func probability(ofLogit logit: Double) -> Double {
        1 / (1 + exp(-logit / temperature))
    }

    /// The label of a probability, and why it is `uncertain` if it is.
    public func decide(probability: Double) -> (label: Verdict.Label, reasons: [Verdict.Reason]) {
        var reasons: [Verdict.Reason] = []
        if !isTrained { reasons.append(.untrainedModel) }
        if abstention.contains(probability) { reasons.append(.insideAbstentionBand) }
        guard reasons.isEmpty else { return (.uncertain, reasons) }
        return (probability >= threshold ? .fake : .real, [])
    }
}
