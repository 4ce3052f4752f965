/// How a model's probabilities are spread over people that it did not learn from: what the scores in use are held against, to see whether the
/// clips that come have become others than the model was made for.
public struct ScoreDistribution: Codable, Sendable, Equatable {
    /// Bins of equal width from 0 to 1; the last one takes 1 itself.
    public static let bins = 20

    /// Counts by bin of P(fake), `bins` of them: of reals.
    public var real: [Int]
    /// Of fakes.
    public var fake: [Int]

    /// Counts the probabilities of reals and of fakes, each 0…1.
    public init(real: [Double], fake: [Double]) {
        self.real = Self.counts(real)
        self.fake = Self.counts(fake)
    }

    private static func counts(_ probabilities: [Double]) -> [Int] {
        var counts = [Int](repeating: 0, count: bins)
        for probability in probabilities { counts[min(bins - 1, max(0, Int(probability * Double(bins))))] += 1 }
        return counts
    }

    /// The first thing wrong with it, nil if it can be used.
    var problem: String? {
        let range = 0...1_000_000_000
        let isWhole = [real, fake].allSatisfy { $0.count == Self.bins && $0.allSatisfy(range.contains) && $0.contains { $0 > 0 } }
        return isWhole ? nil : "scores must be \(Self.bins) counts for real and for fake, each 0…\(range.upperBound) and not all of them 0"
    }
}
