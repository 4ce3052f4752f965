import JobModel
import Video

/// What an analysis gives: the verdict, and the pictures that it rests on.
public struct ClipAnalysis: Sendable {
    public var verdict: Verdict
    /// One for each track and sampled frame, in the verdict's order.
    public var evidence: [FrameEvidence]

    public init(verdict: Verdict, evidence: [FrameEvidence]) {
        self.verdict = verdict
        self.evidence = evidence
    }
}

/// A sampled frame and where the network looked in it.
public struct FrameEvidence: Sendable {
    public var track: Int
    /// Index among the samples.
    public var frame: Int
    /// The frame at display aspect, at most 480 pixels a side.
    public var picture: RGBImage
    /// The signed Grad-CAM map; positive speaks for `fake`.
    public var map: HeatMap

    public init(track: Int, frame: Int, picture: RGBImage, map: HeatMap) {
        self.track = track
        self.frame = frame
        self.picture = picture
        self.map = map
    }
}

/// A small map of signed values that covers a whole picture.
public struct HeatMap: Sendable, Hashable {
    public var width: Int
    public var height: Int
    /// Row by row, `width` × `height` values.
    public var values: [Float]

    public init(width: Int, height: Int, values: [Float]) {
        precondition(width > 0 && height > 0 && values.count == width * height)
        self.width = width
        self.height = height
        self.values = values
    }
}
