import Foundation

/// The temperature under which a model's probabilities fit best: P(fake) = sigmoid(logit / temperature) (Guo et al. 2017, arXiv:1706.04599,
/// section 4.2). It changes no order, so no area under a curve.
public struct TemperatureFit: Sendable, Equatable, Codable {
    /// Where the best is looked for. Labels that a threshold of 0 divides rightly would else drive it to 0, logits that mislead to infinity.
    public static let range = 0.1...10.0

    public var temperature: Double
    /// Whether the best lies at an end of `range` or beyond: the data does not tell it.
    public var isAtBound: Bool
    /// Mean −log of the right label's probability at temperature 1, in nats.
    public var lossBefore: Double
    /// The same at `temperature`.
    public var lossAfter: Double
    public var count: Int

    /// Fits to logits whose labels are known, true for a fake; nil unless both labels occur and all logits are finite.
    ///
    /// - Parameter isBalanced: whether each label counts half however many it has. A temperature fitted so says what a clip is worth where reals
    ///   and fakes are equally likely.
    public init?(labels: [Bool], logits: [Double], isBalanced: Bool = false) {
        precondition(labels.count == logits.count, "\(labels.count) labels for \(logits.count) logits")
        let fakes = labels.count { $0 }, reals = labels.count - fakes
        guard fakes > 0, reals > 0, logits.allSatisfy(\.isFinite) else { return nil }
        let weights = labels.map { isFake in
            isBalanced ? 0.5 / Double(isFake ? fakes : reals) : 1 / Double(labels.count)
        }
        func loss(_ inverse: Double) -> Double {
            zip(zip(labels, logits), weights).reduce(0) { sum, item in
                let signed = (item.0.0 ? -1 : 1) * item.0.1 * inverse
                // log(1 + e^x) without overflow.
                return sum + item.1 * (max(signed, 0) + log1p(exp(-abs(signed))))
            }
        }
        func slope(_ inverse: Double) -> Double {
            zip(zip(labels, logits), weights).reduce(0) { sum, item in
                sum + item.1 * (1 / (1 + exp(-item.0.1 * inverse)) - (item.0.0 ? 1 : 0)) * item.0.1
            }
        }
        // The loss is convex in 1 / temperature, so its slope crosses 0 once at most.
        var (low, high) = (1 / Self.range.upperBound, 1 / Self.range.lowerBound)
        isAtBound = slope(low) >= 0 || slope(high) <= 0
        if slope(low) >= 0 { high = low } else if slope(high) <= 0 { low = high }
        while high - low > 1e-12 * high {
            let middle = (low + high) / 2
            if middle <= low || middle >= high { break }
            if slope(middle) < 0 { low = middle } else { high = middle }
        }
        let inverse = (low + high) / 2
        temperature = min(max(1 / inverse, Self.range.lowerBound), Self.range.upperBound)
        lossBefore = loss(1)
        lossAfter = loss(inverse)
        count = labels.count
    }
}
