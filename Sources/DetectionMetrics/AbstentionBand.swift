/// A range of probabilities about the threshold within which nothing is decided, so that what is decided is wrong rarely enough.
public struct AbstentionBand: Sendable, Equatable, Codable {
    /// The band's ends, both inside: nothing with low ≤ P(fake) ≤ high is decided.
    public var low: Double
    public var high: Double
    /// Those outside, and how many of them are wrong.
    public var wrong: Proportion
    /// Those outside among all.
    public var decided: Proportion

    /// The narrowest band that holds `threshold` and leaves at most `targetError` of those outside wrong, a fake below it or a real above it; of
    /// bands as narrow the one that decides most. nil where none does and decides at least one.
    ///
    /// - Parameters:
    ///   - labels: true for a fake.
    ///   - probabilities: P(fake), 0…1, as many as labels.
    ///   - targetError: a share, 0…1.
    public init?(labels: [Bool], probabilities: [Double], threshold: Double, targetError: Double) {
        precondition(labels.count == probabilities.count, "\(labels.count) labels for \(probabilities.count) probabilities")
        precondition(probabilities.allSatisfy { (0...1).contains($0) }, "a probability outside 0…1")
        // The band's ends that make a difference: the threshold itself and each probability on its side.
        let below = zip(labels, probabilities).filter { $0.1 < threshold }.sorted { $0.1 > $1.1 }
        let above = zip(labels, probabilities).filter { $0.1 > threshold }.sorted { $0.1 < $1.1 }
        let lows = Self.ends(below.map { (isWrong: $0.0, probability: $0.1) }, from: threshold)
        let highs = Self.ends(above.map { (isWrong: !$0.0, probability: $0.1) }, from: threshold)
        var best: (width: Double, low: End, high: End)?
        for low in lows {
            for high in highs {
                let decided = low.outside + high.outside
                guard decided > 0, Double(low.wrong + high.wrong) <= targetError * Double(decided) else { continue }
                let width = high.probability - low.probability
                if let best, (best.width, -(best.low.outside + best.high.outside)) <= (width, -decided) { continue }
                best = (width, low, high)
            }
        }
        guard let best else { return nil }
        low = best.low.probability
        high = best.high.probability
        let decided = best.low.outside + best.high.outside
        wrong = Proportion(hits: best.low.wrong + best.high.wrong, count: decided)
        self.decided = Proportion(hits: decided, count: labels.count)
    }

    /// A band as it is stated, held against data.
    public init(labels: [Bool], probabilities: [Double], low: Double, high: Double) {
        precondition(labels.count == probabilities.count, "\(labels.count) labels for \(probabilities.count) probabilities")
        self.low = low
        self.high = high
        let outside = zip(labels, probabilities).filter { $0.1 < low || $0.1 > high }
        wrong = Proportion(hits: outside.count { $0.0 == ($0.1 < low) }, count: outside.count)
        decided = Proportion(hits: outside.count, count: labels.count)
    }

    /// One end of a band, and what lies beyond it.
    private struct End {
        var probability: Double
        var outside: Int
        var wrong: Int
    }

    /// `items` begin at the threshold and lead away from it.
    private static func ends(_ items: [(isWrong: Bool, probability: Double)], from threshold: Double) -> [End] {
        var ends = [End(probability: threshold, outside: items.count, wrong: items.count { $0.isWrong })]
        for item in items {
            let before = ends[ends.count - 1]
            let end = End(probability: item.probability, outside: before.outside - 1, wrong: before.wrong - (item.isWrong ? 1 : 0))
            if before.probability == item.probability { ends[ends.count - 1] = end } else { ends.append(end) }
        }
        return ends
    }
}
