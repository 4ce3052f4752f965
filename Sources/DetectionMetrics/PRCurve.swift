/// How pure the finds are for each share of the fakes that is found, over every threshold.
public struct PRCurve: Sendable, Equatable {
    /// What scores at or above one threshold give.
    public struct Point: Sendable, Equatable {
        /// Share of the fakes among those called fake, 0…1.
        public var precision: Double
        /// Share of the fakes that are called fake, 0…1.
        public var recall: Double
        /// Infinite in the first point, where nothing is called fake and precision is 1 by convention.
        public var threshold: Double
    }

    /// By rising recall from (1, 0): scikit-learn's `precision_recall_curve`, turned round.
    public let points: [Point]
    /// Σ (recall − recall before) · precision, without lines between the points: scikit-learn's average precision, 0…1. Chance is `prevalence`.
    public let averagePrecision: Double
    /// Share of fakes in the data.
    public let prevalence: Double

    /// The curve of scores, higher ones speaking for fake; nil unless both labels occur.
    ///
    /// - Parameters:
    ///   - labels: true for a fake.
    ///   - scores: as many as labels, none of them NaN.
    public init?(labels: [Bool], scores: [Double]) {
        let counts = ScoreCounts(labels: labels, scores: scores)
        guard counts.fakes > 0, counts.reals > 0 else { return nil }
        var points = [Point(precision: 1, recall: 0, threshold: .infinity)]
        var sum = 0.0
        for step in counts.steps {
            let point = Point(
                precision: Double(step.fakes) / Double(step.fakes + step.reals), recall: Double(step.fakes) / Double(counts.fakes),
                threshold: step.threshold)
            sum += (point.recall - points[points.count - 1].recall) * point.precision
            points.append(point)
        }
        self.points = points
        averagePrecision = sum
        prevalence = Double(counts.fakes) / Double(counts.fakes + counts.reals)
    }
}
