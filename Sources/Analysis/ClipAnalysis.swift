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
    /// The whole frame at display aspect, for people.
    public var picture: RGBImage
    /// The signed Grad-CAM map, over the face or over the whole frame; positive speaks for `fake`.
    public var map: HeatMap
    /// The face that was judged; nil where the whole frame was.
    public var face: FaceEvidence?

    public init(track: Int, frame: Int, picture: RGBImage, map: HeatMap, face: FaceEvidence? = nil) {
        self.track = track
        self.frame = frame
        self.picture = picture
        self.map = map
        self.face = face
    }
}

/// A face as the network saw it.
public struct FaceEvidence: Sendable {
    /// The network's input.
    public var picture: RGBImage
    /// Where it was cut out of the frame's picture for people.
    public var crop: FaceCrop

    public init(picture: RGBImage, crop: FaceCrop) {
        self.picture = picture
        self.crop = crop
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
