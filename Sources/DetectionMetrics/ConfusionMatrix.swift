/// Who was called what.
public struct ConfusionMatrix: Sendable, Equatable, Codable {
    /// Reals called real.
    public var trueNegatives: Int
    /// Reals called fake.
    public var falsePositives: Int
    /// Fakes called real.
    public var falseNegatives: Int
    /// Fakes called fake.
    public var truePositives: Int

    public init(trueNegatives: Int, falsePositives: Int, falseNegatives: Int, truePositives: Int) {
        self.trueNegatives = trueNegatives
        self.falsePositives = falsePositives
        self.falseNegatives = falseNegatives
        self.truePositives = truePositives
    }

    /// Counts calls, true for fake, against labels, true for fake; as many of one as of the other.
    public init(labels: [Bool], calls: [Bool]) {
        precondition(labels.count == calls.count, "\(labels.count) labels for \(calls.count) calls")
        self.init(trueNegatives: 0, falsePositives: 0, falseNegatives: 0, truePositives: 0)
        for (isFake, isCalledFake) in zip(labels, calls) {
            switch (isFake, isCalledFake) {
            case (false, false): trueNegatives += 1
            case (false, true): falsePositives += 1
            case (true, false): falseNegatives += 1
            case (true, true): truePositives += 1
            }
        }
    }

    /// Calls everything at `threshold` and above fake.
    public init(labels: [Bool], scores: [Double], threshold: Double) {
        self.init(labels: labels, calls: scores.map { $0 >= threshold })
    }

    public var reals: Int { trueNegatives + falsePositives }
    public var fakes: Int { falseNegatives + truePositives }
    public var count: Int { reals + fakes }

    /// Share of right calls, 0…1; nil without any.
    public var accuracy: Double? { Self.share(trueNegatives + truePositives, of: count) }

    /// Mean of the shares of each label's own that were called rightly, over the labels that occur (scikit-learn's `balanced_accuracy_score`).
    public var balancedAccuracy: Double? {
        let recalls = [Self.share(trueNegatives, of: reals), Self.share(truePositives, of: fakes)].compactMap(\.self)
        return recalls.isEmpty ? nil : recalls.reduce(0, +) / Double(recalls.count)
    }

    static func share(_ part: Int, of whole: Int) -> Double? {
        whole > 0 ? Double(part) / Double(whole) : nil
    }
}
