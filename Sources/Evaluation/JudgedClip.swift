import JobModel
import DetectionMetrics

/// A clip and what the model said about it, or why it said nothing.
public struct JudgedClip: Codable, Sendable, Equatable {
    /// What the file is, whatever it shows.
    public struct FileFacts: Codable, Sendable, Equatable {
        public var bytes: Int
        public var codec: String
        /// Pixels, as displayed.
        public var width: Int
        public var height: Int
        public var durationSeconds: Double
        public var frameCount: Int
        /// Of the whole file over its duration.
        public var bitsPerSecond: Double
    }

    public var clip: EvaluationClip
    /// nil when the file could not be read.
    public var file: FileFacts?
    /// The verdict's label, which may be `uncertain`; nil when there is no verdict.
    public var verdict: Verdict.Label?
    /// P(fake), 0…1; nil when nothing could be judged.
    public var probability: Double?
    /// The deciding track's logit before the temperature; nil when nothing could be judged.
    public var logit: Double?
    /// Of the deciding track's frames.
    public var frameLogits: [Double]
    public var reasons: [String]
    public var warnings: [String]
    /// Why there is no verdict at all, such as `not_a_video`.
    public var failure: JobError?
    /// The longer side of the deciding face's box in the source's pixels, the median over its frames; nil for whole frames.
    public var facePixels: Double?
    /// `FaceQuality.sharpness` of what the network saw, the median over its frames.
    public var sharpness: Double?

    init(clip: EvaluationClip, failure: JobError) {
        self.clip = clip
        self.failure = failure
        (frameLogits, reasons, warnings) = ([], [], [])
    }

    public var isJudged: Bool { probability != nil }

    /// Why nothing was judged, in one line; nil when something was.
    public var complaint: String? {
        if isJudged { return nil }
        if let failure { return "\(failure.code): \(failure.message)" }
        return reasons.filter { $0 != Verdict.Reason.untrainedModel.rawValue }.joined(separator: ", ")
    }

    /// How far the probability lies from the label, 0…1; nil when nothing was judged.
    public var error: Double? { probability.map { clip.isFake ? 1 - $0 : $0 } }
}

extension JudgedClip {
    init(clip: EvaluationClip, bytes: Int, verdict: Verdict) {
        self.clip = clip
        let video = verdict.video
        file = FileFacts(
            bytes: bytes, codec: video.codec, width: video.width, height: video.height, durationSeconds: video.durationSeconds,
            frameCount: video.frameCount, bitsPerSecond: video.durationSeconds > 0 ? Double(bytes) * 8 / video.durationSeconds : 0)
        self.verdict = verdict.label
        probability = verdict.probability
        logit = verdict.logit
        let track = verdict.decidedBy.map { verdict.tracks[$0] }
        frameLogits = track?.frames.map(\.logit) ?? []
        reasons = verdict.reasons.map(\.rawValue)
        warnings = verdict.warnings
        facePixels = Percentile.median(
            track?.frames.compactMap(\.box).map { max($0.width * Double(video.width), $0.height * Double(video.height)) } ?? [])
    }
}
