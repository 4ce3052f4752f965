import DetectionMetrics
import NeuralCore

/// Every figure of a report by its name there.
public enum Metric: String, CaseIterable, Codable, Sendable {
    case auc
    case averagePrecision
    case equalErrorRate
    case tprAtFpr1Percent
    case tprAtFpr5Percent
    case accuracy
    case balancedAccuracy
    case precision
    case recall
    case f1
    case specificity
    case brierScore
    case expectedCalibrationError
    case logLoss

    /// Of these scores, calls made at `threshold`; nil where it does not exist.
    func value(of scores: Scores, threshold: Double) -> Double? {
        switch self {
        case .auc: return ROCCurve(labels: scores.labels, scores: scores.logits)?.area
        case .averagePrecision: return PRCurve(labels: scores.labels, scores: scores.logits)?.averagePrecision
        case .equalErrorRate: return ROCCurve(labels: scores.labels, scores: scores.logits)?.equalErrorRate
        case .tprAtFpr1Percent:
            return ROCCurve(labels: scores.labels, scores: scores.logits)?.truePositiveRate(atFalsePositiveRate: 0.01)
        case .tprAtFpr5Percent:
            return ROCCurve(labels: scores.labels, scores: scores.logits)?.truePositiveRate(atFalsePositiveRate: 0.05)
        case .brierScore: return Reliability(labels: scores.labels, probabilities: scores.probabilities)?.brierScore
        case .expectedCalibrationError:
            return Reliability(labels: scores.labels, probabilities: scores.probabilities)?.expectedCalibrationError
        case .logLoss: return Reliability(labels: scores.labels, probabilities: scores.probabilities)?.logLoss
        case .accuracy: return scores.matrix(threshold).accuracy
        case .balancedAccuracy:
            let matrix = scores.matrix(threshold)
            // With one label only it would be that label's recall under another name.
            return matrix.reals > 0 && matrix.fakes > 0 ? matrix.balancedAccuracy : nil
        case .precision: return ClassificationReport(scores.matrix(threshold))?.fake.precision
        case .recall: return ClassificationReport(scores.matrix(threshold))?.fake.recall
        case .f1: return ClassificationReport(scores.matrix(threshold))?.fake.f1
        case .specificity: return ClassificationReport(scores.matrix(threshold))?.real.recall
        }
    }

    /// The hits and the count of those that are a plain share of clips; nil for the others.
    func proportion(in matrix: ConfusionMatrix) -> Proportion? {
        switch self {
        case .accuracy: Proportion(hits: matrix.trueNegatives + matrix.truePositives, count: matrix.count)
        case .precision: Proportion(hits: matrix.truePositives, count: matrix.truePositives + matrix.falsePositives)
        case .recall: Proportion(hits: matrix.truePositives, count: matrix.fakes)
        case .specificity: Proportion(hits: matrix.trueNegatives, count: matrix.reals)
        default: nil
        }
    }
}

/// What a figure is made from: one entry a judged clip.
struct Scores {
    var labels: [Bool]
    var logits: [Double]
    var probabilities: [Double]
    var groups: [String]

    init(_ clips: [JudgedClip]) {
        let judged = clips.filter(\.isJudged)
        labels = judged.map(\.clip.isFake)
        logits = judged.compactMap(\.logit)
        probabilities = judged.compactMap(\.probability)
        groups = judged.map(\.clip.group)
    }

    func drawn(_ indices: [Int]) -> Scores {
        var scores = self
        scores.labels = indices.map { labels[$0] }
        scores.logits = indices.map { logits[$0] }
        scores.probabilities = indices.map { probabilities[$0] }
        return scores
    }

    func matrix(_ threshold: Double) -> ConfusionMatrix {
        ConfusionMatrix(labels: labels, scores: probabilities, threshold: threshold)
    }
}

/// A figure with what it rests on.
public struct Figure: Codable, Sendable, Equatable {
    /// nil where it does not exist, as an area with one label only.
    public var value: Double?
    /// Of the clips that it is made from.
    public var reals: Int
    public var fakes: Int
    /// Of a share: how many of how many.
    public var proportion: Proportion?
    /// 95 %, by drawing clips as if they were independent; nil where it cannot be given.
    public var overClips: Bootstrap.Interval?
    /// 95 %, by drawing groups; nil where there is only one or the figure exists for too few draws.
    public var overGroups: Bootstrap.Interval?
}

/// Makes figures and their intervals, the same for the same seed.
struct FigureMaker: Sendable {
    let bootstrap: Bootstrap
    let seed: UInt64
    let threshold: Double
    var hasIntervals = true

    /// The same without intervals.
    var plain: FigureMaker { FigureMaker(bootstrap: bootstrap, seed: seed, threshold: threshold, hasIntervals: false) }

    /// All figures of some clips; `name` keeps the draws of one set apart from another's.
    func figures(of clips: [JudgedClip], name: String) -> [String: Figure] {
        let scores = Scores(clips)
        let matrix = scores.matrix(threshold)
        return Dictionary(uniqueKeysWithValues: Metric.allCases.map { metric in
            var figure = figure(scores, name: "\(name) \(metric.rawValue)") { metric.value(of: $0, threshold: threshold) }
            figure.proportion = metric.proportion(in: matrix)
            return (metric.rawValue, figure)
        })
    }

    /// One figure of clips, with its intervals.
    func figure(_ scores: Scores, name: String, value: (Scores) -> Double?) -> Figure {
        let fakes = scores.labels.count { $0 }
        let known = value(scores)
        var figure = Figure(value: known, reals: scores.labels.count - fakes, fakes: fakes)
        guard known != nil, hasIntervals else { return figure }
        var generator = SeededRandom(seed: seed, stream: "\(name) over clips")
        figure.overClips = bootstrap.overItems(count: scores.labels.count, using: &generator) { value(scores.drawn($0)) }
        generator = SeededRandom(seed: seed, stream: "\(name) over groups")
        figure.overGroups = bootstrap.overGroups(scores.groups, using: &generator) { value(scores.drawn($0)) }
        return figure
    }

    /// The area of any score of the clips, those without one left out and counted as absent.
    func area(of clips: [JudgedClip], name: String, score: (JudgedClip) -> Double?) -> Figure {
        let known = clips.compactMap { clip in score(clip).map { (clip, $0) } }
        var scores = Scores([])
        scores.labels = known.map(\.0.clip.isFake)
        scores.logits = known.map(\.1)
        scores.probabilities = known.map { _ in 0.5 }
        scores.groups = known.map(\.0.clip.group)
        return figure(scores, name: name) { ROCCurve(labels: $0.labels, scores: $0.logits)?.area }
    }
}
