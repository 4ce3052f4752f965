import Detector
import DetectionMetrics
import Video

/// What the model should not be able to tell, measured: each area ought to lie about one half.
public struct ShortcutReport: Codable, Sendable, Equatable {
    /// The face painted over with the mean colour: what is left is the margin about it.
    public var faceBlanked: Figure
    /// A square beside the face in place of it.
    public var backgroundOnly: Figure
    /// Judged clips without room for such a square, or in which no face was found.
    public var withoutBackground: Int
    /// The same for the blanked face: clips in which no face was found.
    public var withoutFace: Int
    public var reencoded: Reencoded

    /// Reals against themselves, encoded again.
    public struct Reencoded: Codable, Sendable, Equatable {
        public var crf: Int
        /// Reals that were judged both times.
        public var count: Int
        /// Median of |P(fake) after − before|; nil without any.
        public var medianChange: Double?
        public var largestChange: Double?
        /// Area of telling the copies (as fakes) from the originals.
        public var auc: Figure
        public var clips: [Pair]

        public struct Pair: Codable, Sendable, Equatable {
            public var name: String
            public var before: Double
            public var after: Double
        }
    }
}

/// A clip's logits under the changes of the shortcut checks.
struct ShortcutScores: Sendable {
    var faceBlanked: Double?
    var backgroundOnly: Double?

    /// Blocks for two forwards.
    init(_ inputs: NetworkInputs, detector: ResNetDetector) throws(EvaluationError) {
        let mean = detector.card.mean.map { UInt8(min(255, max(0, ($0 * 255).rounded()))) }
        if let pictures = inputs.blankedFaces(SIMD3(mean[0], mean[1], mean[2])) {
            faceBlanked = try detector.judge(pictures).logit
        }
        if let pictures = inputs.backgrounds() { backgroundOnly = try detector.judge(pictures).logit }
    }
}

extension ShortcutReport {
    /// The encoder's rate factor for the reals' copies.
    static let crf = 28

    /// - Parameters:
    ///   - scores: of each judged clip, by its path.
    ///   - originals: of the reals, over the time that their copies show.
    init(
        clips: [JudgedClip], scores: [String: ShortcutScores], originals: [JudgedClip], copies: [JudgedClip], figures: FigureMaker
    ) {
        let judged = clips.filter(\.isJudged)
        faceBlanked = figures.area(of: judged, name: "face blanked") { scores[$0.clip.path]?.faceBlanked }
        backgroundOnly = figures.area(of: judged, name: "background only") { scores[$0.clip.path]?.backgroundOnly }
        withoutFace = judged.count - faceBlanked.reals - faceBlanked.fakes
        withoutBackground = judged.count - backgroundOnly.reals - backgroundOnly.fakes

        let after = Dictionary(copies.map { ($0.clip.path, $0) }, uniquingKeysWith: { first, _ in first })
        let both = originals.compactMap { original in
            after[original.clip.path].flatMap { copy in original.isJudged && copy.isJudged ? (original, copy) : nil }
        }
        let pairs = both.map { Reencoded.Pair(name: $0.clip.name, before: $0.probability ?? 0, after: $1.probability ?? 0) }
        let changes = pairs.map { abs($0.after - $0.before) }
        let asFakes = both.map { _, copy in
            var copy = copy
            copy.clip.label = .fake
            return copy
        }
        reencoded = Reencoded(
            crf: Self.crf, count: pairs.count, medianChange: Percentile.median(changes), largestChange: changes.max(),
            auc: figures.area(of: both.map(\.0) + asFakes, name: "reals re-encoded", score: \.logit), clips: pairs)
    }
}

extension ResNetDetector {
    /// Judges pictures of the input's size as one clip, at most as many as a call takes; blocks.
    func judge(_ pictures: [RGBImage]) throws(EvaluationError) -> DetectorOutput {
        do throws(DetectorError) {
            return try evaluate(frames: pictures.map(\.pixels))
        } catch {
            throw .network(error)
        }
    }
}
