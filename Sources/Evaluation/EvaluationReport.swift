import Detector
import DetectionMetrics

/// Everything that was measured, as the JSON file has it; the page shows the same figures.
public struct EvaluationReport: Codable, Sendable, Equatable {
    public static let formatVersion = 1
    /// Where there are more groups, their own figures come without intervals.
    public static let mostGroupsWithIntervals = 60

    /// Which network was judged.
    public struct Model: Codable, Sendable, Equatable {
        public var sha256: String
        public var card: ModelCard
    }

    /// How many clips of each kind there are.
    public struct Counts: Codable, Sendable, Equatable {
        public var reals: Int
        public var fakes: Int
        public var judgedReals: Int
        public var judgedFakes: Int
        public var groups: Int

        init(_ clips: [JudgedClip]) {
            fakes = clips.count { $0.clip.isFake }
            reals = clips.count - fakes
            judgedFakes = clips.count { $0.clip.isFake && $0.isJudged }
            judgedReals = clips.count { !$0.clip.isFake && $0.isJudged }
            groups = Set(clips.map(\.clip.group)).count
        }

        public var clips: Int { reals + fakes }
        public var judged: Int { judgedReals + judgedFakes }
    }

    /// A part of the clips and its figures, by `Metric`'s names.
    public struct Subset: Codable, Sendable, Equatable {
        public var name: String
        public var counts: Counts
        public var meanProbabilityOfFakes: Double?
        public var meanProbabilityOfReals: Double?
        public var figures: [String: Figure]

        public subscript(metric: Metric) -> Figure? { figures[metric.rawValue] }
    }

    /// What the rates are when a clip that could not be judged counts too: as a wrong call, and for the area as a score on the threshold.
    public struct OfAll: Codable, Sendable, Equatable {
        public var accuracy: Proportion
        /// Fakes called fake.
        public var recall: Proportion
        /// Reals called real.
        public var specificity: Proportion
        public var auc: Figure
    }

    /// What abstaining does.
    public struct Abstention: Codable, Sendable, Equatable {
        public var targetError: Double
        /// The card's band, held against these clips.
        public var stated: AbstentionBand
        /// The narrowest band that would reach the target on these very clips, so no promise for others; nil where none does.
        public var needed: AbstentionBand?
    }

    /// A point of a curve; `threshold` is a logit, nil where nothing is called fake.
    public struct CurvePoint: Codable, Sendable, Equatable {
        public var x: Double
        public var y: Double
        public var threshold: Double?
    }

    public struct Unjudged: Codable, Sendable, Equatable {
        public var name: String
        public var label: EvaluationClip.Label
        public var why: String
    }

    public var formatVersion = EvaluationReport.formatVersion
    /// RFC 3339 in UTC.
    public var created: String
    public var model: Model
    public var options: EvaluationOptions
    public var overall: Subset
    public var ofAll: OfAll
    /// At the card's threshold, abstention left aside.
    public var confusion: ConfusionMatrix
    public var classification: ClassificationReport?
    /// x is the false positive rate, y the true positive rate.
    public var roc: [CurvePoint]
    /// x is recall, y precision.
    public var precisionRecall: [CurvePoint]
    public var reliability: Reliability?
    public var abstention: Abstention
    /// Each method's fakes against all reals.
    public var methods: [Subset]
    public var groups: [Subset]
    public var baselines: [Baseline]
    public var shortcuts: ShortcutReport?
    public var robustness: [RobustnessResult]
    public var explanations: ExplanationReport?
    public var unjudged: [Unjudged]
    /// Names of the clips that were called wrongly, the worst first, as many as were asked for.
    public var worstErrors: [String]
    /// What the figures do not say.
    public var notes: [String]
    public var clips: [JudgedClip]
}

extension EvaluationReport {
    /// A report of judged clips, without what needs more than their scores.
    init(
        _ clips: [JudgedClip], detector: ResNetDetector, options: EvaluationOptions, figures: FigureMaker, untrained: [String: Double]?,
        created: String
    ) {
        let card = detector.card
        self.created = created
        self.options = options
        self.clips = clips
        model = Model(sha256: detector.sha256, card: card)
        overall = Subset("all", clips, figures: figures)
        let scores = Scores(clips)
        confusion = scores.matrix(card.threshold)
        classification = ClassificationReport(confusion)
        ofAll = OfAll(clips, confusion: confusion, card: card, figures: figures)
        roc = (ROCCurve(labels: scores.labels, scores: scores.logits)?.points ?? []).map {
            CurvePoint(x: $0.falsePositiveRate, y: $0.truePositiveRate, threshold: $0.threshold.isFinite ? $0.threshold : nil)
        }
        precisionRecall = (PRCurve(labels: scores.labels, scores: scores.logits)?.points ?? []).map {
            CurvePoint(x: $0.recall, y: $0.precision, threshold: $0.threshold.isFinite ? $0.threshold : nil)
        }
        reliability = Reliability(labels: scores.labels, probabilities: scores.probabilities, bins: options.bins)
        abstention = Abstention(
            targetError: options.targetError,
            stated: AbstentionBand(
                labels: scores.labels, probabilities: scores.probabilities, low: card.abstention[0], high: card.abstention[1]),
            needed: AbstentionBand(
                labels: scores.labels, probabilities: scores.probabilities, threshold: card.threshold, targetError: options.targetError))
        let reals = clips.filter { !$0.clip.isFake }
        methods = Dictionary(grouping: clips.filter(\.clip.isFake), by: \.clip.method).sorted { $0.key < $1.key }.map { method, fakes in
            Subset(method, reals + fakes, figures: figures)
        }
        let byGroup = Dictionary(grouping: clips, by: \.clip.group).sorted { $0.key < $1.key }
        // Thousands of draws for each of thousands of groups of a few clips would take long and say little.
        let ofGroups = byGroup.count > Self.mostGroupsWithIntervals ? figures.plain : figures
        groups = byGroup.map { Subset($0, $1, figures: ofGroups) }
        baselines = Baseline.all(of: clips, figures: figures, untrained: untrained)
        robustness = []
        unjudged = clips.compactMap { clip in clip.complaint.map { Unjudged(name: clip.clip.name, label: clip.clip.label, why: $0) } }
        worstErrors = clips.filter { clip in clip.probability.map { ($0 >= card.threshold) != clip.clip.isFake } ?? false }
            .sorted { ($0.error ?? 0, $1.clip.name) > ($1.error ?? 0, $0.clip.name) }.prefix(options.worstErrors).map(\.clip.name)
        notes = []
        notes = Self.notes(on: self)
    }
}

extension EvaluationReport.Subset {
    init(_ name: String, _ clips: [JudgedClip], figures: FigureMaker) {
        self.name = name
        counts = EvaluationReport.Counts(clips)
        func mean(_ label: EvaluationClip.Label) -> Double? {
            let values = clips.filter { $0.clip.label == label }.compactMap(\.probability)
            return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
        }
        meanProbabilityOfFakes = mean(.fake)
        meanProbabilityOfReals = mean(.real)
        self.figures = figures.figures(of: clips, name: name)
    }
}

extension EvaluationReport.OfAll {
    init(_ clips: [JudgedClip], confusion: ConfusionMatrix, card: ModelCard, figures: FigureMaker) {
        let counts = EvaluationReport.Counts(clips)
        accuracy = Proportion(hits: confusion.trueNegatives + confusion.truePositives, count: counts.clips)
        recall = Proportion(hits: confusion.truePositives, count: counts.fakes)
        specificity = Proportion(hits: confusion.trueNegatives, count: counts.reals)
        let undecided = card.logitOfThreshold
        auc = figures.area(of: clips, name: "of all") { $0.logit ?? undecided }
    }
}
