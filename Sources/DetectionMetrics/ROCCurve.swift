/// How many fakes a score finds for each share of reals that it takes for fakes, over every threshold.
public struct ROCCurve: Sendable, Equatable {
    /// What scores at or above one threshold give.
    public struct Point: Sendable, Equatable {
        /// Share of the reals at or above the threshold, 0…1.
        public var falsePositiveRate: Double
        /// Share of the fakes at or above the threshold, 0…1.
        public var truePositiveRate: Double
        /// Infinite in the first point, where nothing is called fake.
        public var threshold: Double
    }

    /// From (0, 0) to (1, 1), one for each different score besides the first: scikit-learn's `roc_curve` with nothing dropped.
    public let points: [Point]
    /// Area under the curve (trapezoids): the probability that a fake scores above a real, a tie counting half; 0…1, .5 is chance.
    public let area: Double
    /// The rate at which as many reals are taken for fakes as fakes for reals, where the straight lines between the points cross
    /// fpr = 1 − tpr; 0…1, .5 is chance.
    public let equalErrorRate: Double

    /// The curve of scores, higher ones speaking for fake; nil unless both labels occur.
    ///
    /// - Parameters:
    ///   - labels: true for a fake.
    ///   - scores: as many as labels, none of them NaN.
    public init?(labels: [Bool], scores: [Double]) {
        let counts = ScoreCounts(labels: labels, scores: scores)
        guard counts.fakes > 0, counts.reals > 0 else { return nil }
        let (reals, fakes) = (Double(counts.reals), Double(counts.fakes))
        points = [Point(falsePositiveRate: 0, truePositiveRate: 0, threshold: .infinity)]
            + counts.steps.map {
                Point(falsePositiveRate: Double($0.reals) / reals, truePositiveRate: Double($0.fakes) / fakes, threshold: $0.threshold)
            }
        // In whole numbers until the last step, so that equal data give equal areas in any order.
        var twiceArea = 0
        var previous = (reals: 0, fakes: 0)
        for step in counts.steps {
            twiceArea += (step.reals - previous.reals) * (step.fakes + previous.fakes)
            previous = (step.reals, step.fakes)
        }
        area = Double(twiceArea) / (2 * reals * fakes)
        equalErrorRate = Self.equalErrorRate(points)
    }

    /// The largest share of fakes found by a threshold that takes at most `rate` of the reals for fakes; no line is drawn between points.
    public func truePositiveRate(atFalsePositiveRate rate: Double) -> Double {
        points.last { $0.falsePositiveRate <= rate }?.truePositiveRate ?? 0
    }

    private static func equalErrorRate(_ points: [Point]) -> Double {
        for (before, after) in zip(points, points.dropFirst()) {
            let low = before.falsePositiveRate + before.truePositiveRate, high = after.falsePositiveRate + after.truePositiveRate
            guard high >= 1 else { continue }
            return before.falsePositiveRate + (after.falsePositiveRate - before.falsePositiveRate) * (1 - low) / (high - low)
        }
        return 0
    }
}

/// How many reals and fakes lie at or above each different score, the highest first.
struct ScoreCounts {
    struct Step {
        var threshold: Double
        var reals: Int
        var fakes: Int
    }

    let steps: [Step]
    let reals: Int
    let fakes: Int

    init(labels: [Bool], scores: [Double]) {
        precondition(labels.count == scores.count, "\(labels.count) labels for \(scores.count) scores")
        precondition(!scores.contains(where: \.isNaN), "a score is NaN")
        var steps: [Step] = []
        var (reals, fakes) = (0, 0)
        for index in scores.indices.sorted(by: { scores[$0] > scores[$1] }) {
            if labels[index] { fakes += 1 } else { reals += 1 }
            let step = Step(threshold: scores[index], reals: reals, fakes: fakes)
            if steps.last?.threshold == scores[index] { steps[steps.count - 1] = step } else { steps.append(step) }
        }
        self.steps = steps
        self.reals = reals
        self.fakes = fakes
    }
}
