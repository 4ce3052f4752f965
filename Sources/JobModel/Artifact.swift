/// A picture that goes with a verdict.
public struct Artifact: Hashable, Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        /// The sampled frame, JPEG.
        case image
        /// The frame with Grad-CAM's heat over what was judged of it, JPEG.
        case gradcam
        /// The face as the network saw it, JPEG.
        case face
        /// That face with Grad-CAM's heat over it, JPEG.
        case faceGradcam = "face_gradcam"
        /// The Grad-CAM map itself, 16-bit grey PNG over the clip's `gradcamRange`.
        case map
    }

    public var track: Int
    public var frame: Int
    public var kind: Kind
    public var mediaType: String
    public var bytes: [UInt8]

    public init(track: Int, frame: Int, kind: Kind, mediaType: String, bytes: [UInt8]) {
        self.track = track
        self.frame = frame
        self.kind = kind
        self.mediaType = mediaType
        self.bytes = bytes
    }
}
