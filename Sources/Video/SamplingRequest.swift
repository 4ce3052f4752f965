import JobModel

/// Which frames of a clip are wanted, and at which sizes.
public struct SamplingRequest: Sendable, Equatable, Codable {
    /// The size of one picture of a frame.
    public enum PictureSize: Sendable, Equatable, Codable {
        /// The whole displayed frame squeezed to these pixels: a network's input.
        case squeezed(width: Int, height: Int)
        /// At display aspect (rotation and sample aspect ratio applied) inside this box, never enlarged.
        case fitted(maxWidth: Int, maxHeight: Int)
        /// The decoded pixels after rotation, unscaled: for comparing with another decoder.
        case source
    }

    /// Which frames.
    public var sampling: Sampling
    /// The pictures of each frame, in this order; each is a conversion of its own from the decoded frame.
    public var pictures: [PictureSize]
    /// Whether a single picture (JPEG, PNG, WebP, BMP or a GIF of one frame) is taken for a clip of one frame; it is refused otherwise.
    public var acceptsStills: Bool

    /// A request for frames in one or more sizes.
    public init(sampling: Sampling = Sampling(), pictures: [PictureSize], acceptsStills: Bool = false) {
        self.sampling = sampling
        self.pictures = pictures
        self.acceptsStills = acceptsStills
    }

    func validate() throws(VideoError) {
        guard (1...Self.maxPictures).contains(pictures.count) else {
            throw VideoError(.invalidRequest, subject: "a frame has 1 to \(Self.maxPictures) pictures")
        }
        for picture in pictures {
            switch picture {
            case .squeezed(let width, let height), .fitted(let width, let height):
                guard Self.sides.contains(width), Self.sides.contains(height) else {
                    throw VideoError(.invalidRequest, subject: "a picture's sides must lie between 1 and 4096 pixels")
                }
            case .source: break
            }
        }
    }

    private static let sides = 1...4_096
    private static let maxPictures = 4
}
