/// Precision, recall and F1 of each label and their averages: scikit-learn's `classification_report`, nothing divided by zero.
public struct ClassificationReport: Sendable, Equatable, Codable {
    /// A label's row, or an average's.
    public struct Row: Sendable, Equatable, Codable {
        /// Share of right ones among those called so; nil when nothing was called so (scikit-learn warns and says 0).
        public var precision: Double?
        /// Share of those called so among its own; nil when there are none.
        public var recall: Double?
        /// Harmonic mean of the two, 2·tp / (2·tp + fp + fn); nil when neither is known.
        public var f1: Double?
        /// How many there are.
        public var support: Int

        init(hits: Int, called: Int, support: Int) {
            precision = ConfusionMatrix.share(hits, of: called)
            recall = ConfusionMatrix.share(hits, of: support)
            f1 = called + support > 0 ? 2 * Double(hits) / Double(called + support) : nil
            self.support = support
        }

        /// The mean of two rows under weights that add up to 1; what is not known counts 0, as in scikit-learn.
        init(_ first: Row, weight: Double, _ second: Row, weight other: Double) {
            func mean(_ value: (Row) -> Double?) -> Double { (value(first) ?? 0) * weight + (value(second) ?? 0) * other }
            precision = mean { $0.precision }
            recall = mean { $0.recall }
            f1 = mean { $0.f1 }
            support = first.support + second.support
        }
    }

    public var real: Row
    public var fake: Row
    /// Both labels count alike.
    public var macro: Row
    /// Each label counts by its support.
    public var weighted: Row
    /// Share of right calls, 0…1.
    public var accuracy: Double

    /// nil for a matrix without counts.
    public init?(_ matrix: ConfusionMatrix) {
        guard let accuracy = matrix.accuracy else { return nil }
        self.accuracy = accuracy
        real = Row(hits: matrix.trueNegatives, called: matrix.trueNegatives + matrix.falseNegatives, support: matrix.reals)
        fake = Row(hits: matrix.truePositives, called: matrix.truePositives + matrix.falsePositives, support: matrix.fakes)
        macro = Row(real, weight: 0.5, fake, weight: 0.5)
        let share = Double(matrix.reals) / Double(matrix.count)
        weighted = Row(real, weight: share, fake, weight: 1 - share)
    }
}
