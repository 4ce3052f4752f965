import Foundation

/// Binary cross entropy on logits, in double: PyTorch's `BCEWithLogitsLoss` with `pos_weight`, `weight` and the mean over a batch.
public struct BinaryCrossEntropy: Codable, Sendable, Equatable {
    /// What a real picture's loss is multiplied with, above 0.
    public var realWeight: Double
    /// What a fake picture's loss is multiplied with, above 0.
    public var fakeWeight: Double

    public init(realWeight: Double = 1, fakeWeight: Double = 1) {
        self.realWeight = realWeight
        self.fakeWeight = fakeWeight
    }

    /// The mean loss of a batch and its gradient by each logit; true is fake.
    ///
    /// `weights` (one a picture, ≥ 0) multiply besides the classes'; empty means 1 each.
    public func evaluate(logits: [Double], labels: [Bool], weights: [Double] = []) -> (loss: Double, gradient: [Double]) {
        precondition(logits.count == labels.count && !logits.isEmpty, "a label for each logit")
        precondition(weights.isEmpty || weights.count == logits.count, "a weight for each logit or none")
        let share = 1 / Double(logits.count)
        var loss = 0.0
        var gradient = [Double](repeating: 0, count: logits.count)
        for index in logits.indices {
            let weight = (labels[index] ? fakeWeight : realWeight) * (weights.isEmpty ? 1 : weights[index])
            let logit = labels[index] ? logits[index] : -logits[index]
            // −ln σ(z), without overflow on either side.
            loss += weight * (max(0, -logit) + log1p(exp(-abs(logit)))) * share
            let slope = -1 / (1 + exp(logit))
            gradient[index] = weight * (labels[index] ? slope : -slope) * share
        }
        return (loss, gradient)
    }
}
