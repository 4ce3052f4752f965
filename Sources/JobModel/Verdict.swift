/// What Whorl says about a clip, with everything needed to check it. This is the API's verdict, field by field.
public struct Verdict: Hashable, Sendable, Codable {
    public enum Label: String, Sendable, Codable, CaseIterable {
        case real, fake, uncertain
    }

    public var label: Label
    /// P(fake) after calibration, 0…1; nil when nothing was judged.
    public var probability: Double?
    /// max(p, 1 − p), 0.5…1; nil when nothing was judged.
    public var confidence: Double?
    /// The deciding track's logit before calibration; nil when nothing was judged.
    public var logit: Double?
    /// At this probability and above the label is `fake`.
    public var threshold: Double
    /// [low, high]: between them the label is `uncertain`.
    public var abstention: [Double]
    public var model: ModelSummary
    public var video: VideoSummary
    public var sampling: SamplingSummary
    public var tracks: [Track]
    /// Index into `tracks` of the one that decided; nil when nothing was judged.
    public var decidedBy: Int?
    /// Why the label is `uncertain`; empty otherwise.
    public var reasons: [Reason]
    /// What the reader should know and what leaves the label alone.
    public var warnings: [String]
    /// Whether this verdict was taken over from an earlier job about the same bytes.
    public var reused: Bool
    public var timings: Timings

    public init(
        label: Label, probability: Double?, confidence: Double?, logit: Double?, threshold: Double,
        abstention: [Double], model: ModelSummary, video: VideoSummary, sampling: SamplingSummary, tracks: [Track],
        decidedBy: Int?, reasons: [Reason], warnings: [String], reused: Bool, timings: Timings
    ) {
        self.label = label
        self.probability = probability
        self.confidence = confidence
        self.logit = logit
        self.threshold = threshold
        self.abstention = abstention
        self.model = model
        self.video = video
        self.sampling = sampling
        self.tracks = tracks
        self.decidedBy = decidedBy
        self.reasons = reasons
        self.warnings = warnings
        self.reused = reused
        self.timings = timings
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(label, forKey: .label)
        // The four are always there, as null when nothing was judged: a missing key would look like an old client.
        try container.encode(probability, forKey: .probability)
        try container.encode(confidence, forKey: .confidence)
        try container.encode(logit, forKey: .logit)
        try container.encode(decidedBy, forKey: .decidedBy)
        try container.encode(threshold, forKey: .threshold)
        try container.encode(abstention, forKey: .abstention)
        try container.encode(model, forKey: .model)
        try container.encode(video, forKey: .video)
        try container.encode(sampling, forKey: .sampling)
        try container.encode(tracks, forKey: .tracks)
        try container.encode(reasons, forKey: .reasons)
        try container.encode(warnings, forKey: .warnings)
        try container.encode(reused, forKey: .reused)
        try container.encode(timings, forKey: .timings)
    }
}

extension Verdict {
    /// Why a verdict is `uncertain`.
    public enum Reason: String, Sendable, Codable, CaseIterable {
        /// The checkpoint says of itself that it was never trained.
        case untrainedModel = "untrained_model"
        /// The probability lies inside the model's abstention band.
        case insideAbstentionBand = "inside_abstention_band"
        case noFace = "no_face"
        case tooSmall = "too_small"
        case tooDark = "too_dark"
        case tooBlurred = "too_blurred"
        /// Faces were judged, but none in enough of the frames for the clip to be called by it.
        case seenTooBriefly = "seen_too_briefly"
    }

    /// Which network judged.
    public struct ModelSummary: Hashable, Sendable, Codable {
        public var name: String
        public var version: String
        /// SHA-256 of the checkpoint file, hex.
        public var sha256: String
        public var trained: Bool
        /// What the network looks at: `frame` or `face`.
        public var region: String
        /// The arithmetic used: `float32`, `split` or `bfloat16`.
        public var precision: String
        /// The logit is divided by this before the sigmoid.
        public var temperature: Double

        public init(
            name: String, version: String, sha256: String, trained: Bool, region: String, precision: String,
            temperature: Double
        ) {
            self.name = name
            self.version = version
            self.sha256 = sha256
            self.trained = trained
            self.region = region
            self.precision = precision
            self.temperature = temperature
        }
    }

    /// The clip as it was found.
    public struct VideoSummary: Hashable, Sendable, Codable {
        public var codec: String
        /// Pixels, as displayed after rotation.
        public var width: Int
        public var height: Int
        public var durationSeconds: Double
        /// Frames that a full decode gives.
        public var frameCount: Int
        /// SHA-256 of the clip's bytes, hex.
        public var sha256: String

        public init(
            codec: String, width: Int, height: Int, durationSeconds: Double, frameCount: Int, sha256: String
        ) {
            self.codec = codec
            self.width = width
            self.height = height
            self.durationSeconds = durationSeconds
            self.frameCount = frameCount
            self.sha256 = sha256
        }
    }

    /// Which frames were looked at: what was asked for, and how far from it they may lie.
    public struct SamplingSummary: Hashable, Sendable, Codable {
        /// Encoded beside the other fields, not inside one.
        public var request: Sampling
        /// In seconds; 0 when the frames are exact.
        public var toleranceSeconds: Double

        public init(_ request: Sampling, toleranceSeconds: Double = 0) {
            self.request = request
            self.toleranceSeconds = toleranceSeconds
        }

        private enum CodingKeys: String, CodingKey {
            case toleranceSeconds
        }

        public init(from decoder: any Decoder) throws {
            request = try Sampling(from: decoder)
            let container = try decoder.container(keyedBy: CodingKeys.self)
            toleranceSeconds = try container.decodeIfPresent(Double.self, forKey: .toleranceSeconds) ?? 0
        }

        public func encode(to encoder: any Encoder) throws {
            try request.encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(toleranceSeconds, forKey: .toleranceSeconds)
        }
    }

    /// One thing that was followed through the clip: a face, or the whole frame.
    public struct Track: Hashable, Sendable, Codable {
        public var track: Int
        public var label: Label
        public var logit: Double
        public var probability: Double
        /// [lowest, highest] value of the Grad-CAM maps over all frames: the one colour scale of the clip.
        public var gradcamRange: [Double]
        public var frames: [Frame]

        public init(
            track: Int, label: Label, logit: Double, probability: Double, gradcamRange: [Double], frames: [Frame]
        ) {
            self.track = track
            self.label = label
            self.logit = logit
            self.probability = probability
            self.gradcamRange = gradcamRange
            self.frames = frames
        }
    }

    /// One sampled frame of a track.
    public struct Frame: Hashable, Sendable, Codable {
        /// Position among the samples, from 0; the `n` of the picture's address.
        public var index: Int
        /// Position among the clip's decoded frames, from 0.
        public var frameNumber: Int
        /// Seconds since the clip's first frame.
        public var timestampSeconds: Double
        public var logit: Double
        public var probability: Double
        /// The frame's share of the track's logit; the shares add up to it.
        public var contribution: Double
        /// Where in the frame the network looked, relative to the frame's size; nil for the whole frame.
        public var box: Box?
        /// Where the pictures are; nil when the verdict was made without a server.
        public var links: Links?

        public init(
            index: Int, frameNumber: Int, timestampSeconds: Double, logit: Double, probability: Double,
            contribution: Double, box: Box? = nil, links: Links? = nil
        ) {
            self.index = index
            self.frameNumber = frameNumber
            self.timestampSeconds = timestampSeconds
            self.logit = logit
            self.probability = probability
            self.contribution = contribution
            self.box = box
            self.links = links
        }
    }

    /// A rectangle in fractions of the frame's width and height.
    public struct Box: Hashable, Sendable, Codable {
        public var x, y, width, height: Double
        /// The face detector's confidence, 0…1.
        public var score: Double

        public init(x: Double, y: Double, width: Double, height: Double, score: Double) {
            self.x = x
            self.y = y
            self.width = width
            self.height = height
            self.score = score
        }
    }

    /// Addresses of a frame's pictures, relative to the gateway.
    public struct Links: Hashable, Sendable, Codable {
        public var image: String
        public var gradcam: String
        public var map: String
        /// The face as the network saw it; nil where it saw the whole frame.
        public var face: String?
        /// The same with its heat.
        public var faceGradcam: String?

        public init(image: String, gradcam: String, map: String, face: String? = nil, faceGradcam: String? = nil) {
            self.image = image
            self.gradcam = gradcam
            self.map = map
            self.face = face
            self.faceGradcam = faceGradcam
        }
    }

    /// Where the time went.
    public struct Timings: Hashable, Sendable, Codable {
        /// With the search for faces, which goes on meanwhile.
        public var decodeMilliseconds: Double
        /// Spent on the search for faces; nil where none are looked for.
        public var faceMilliseconds: Double?
        public var forwardMilliseconds: Double
        public var drawMilliseconds: Double

        public init(
            decodeMilliseconds: Double, faceMilliseconds: Double? = nil, forwardMilliseconds: Double, drawMilliseconds: Double
        ) {
            self.decodeMilliseconds = decodeMilliseconds
            self.faceMilliseconds = faceMilliseconds
            self.forwardMilliseconds = forwardMilliseconds
            self.drawMilliseconds = drawMilliseconds
        }
    }
}
