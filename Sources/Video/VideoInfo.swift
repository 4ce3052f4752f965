/// The shape of one pixel: width over height, 1:1 when square or unknown.
public struct AspectRatio: Sendable, Equatable, Codable {
    /// The pixel's width in units of its height's denominator; positive.
    public var numerator: Int
    /// The pixel's height; positive.
    public var denominator: Int

    /// Square pixels.
    public static let square = AspectRatio(numerator: 1, denominator: 1)

    /// Makes a ratio; both parts must be positive.
    public init(numerator: Int, denominator: Int) {
        precondition(numerator > 0 && denominator > 0, "an aspect ratio has positive parts")
        self.numerator = numerator
        self.denominator = denominator
    }

    /// Decodes a ratio and refuses parts that are not positive.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        numerator = try container.decode(Int.self, forKey: .numerator)
        denominator = try container.decode(Int.self, forKey: .denominator)
        guard numerator > 0, denominator > 0 else {
            throw DecodingError.dataCorruptedError(
                forKey: .numerator, in: container, debugDescription: "an aspect ratio has positive parts")
        }
    }

    private enum CodingKeys: String, CodingKey {
        case numerator, denominator
    }
}

/// What a clip is, as its decoded frames say and not as its header claims.
public struct VideoInfo: Sendable, Equatable, Codable {
    /// The container's short name: mp4, mov, matroska, webm, avi, mpeg, mpegts, gif, ogg or mjpeg; of a still mjpeg, png, webp, bmp or gif.
    public var container: String
    /// libav's name of the codec, such as `h264`.
    public var codec: String
    /// The first frame's width in pixels as displayed: after rotation, before the sample aspect ratio stretches it.
    public var width: Int
    /// The first frame's height in pixels as displayed: after rotation, before the sample aspect ratio stretches it.
    public var height: Int
    /// From the first frame's display to the end of the last one's, in seconds.
    public var durationSeconds: Double
    /// The number of frames that a full sequential decode gives.
    public var frameCount: Int
    /// Frames per second over the whole clip.
    public var averageFrameRate: Double
    /// Clockwise turn from the coded to the displayed picture: 0, 90, 180 or 270.
    public var rotationDegrees: Int
    /// Whether the picture is mirrored left to right after that turn.
    public var isMirrored: Bool
    /// The shape of a displayed pixel.
    public var sampleAspectRatio: AspectRatio

    /// Makes the description of a clip.
    public init(
        container: String, codec: String, width: Int, height: Int, durationSeconds: Double, frameCount: Int,
        averageFrameRate: Double, rotationDegrees: Int, isMirrored: Bool, sampleAspectRatio: AspectRatio
    ) {
        self.container = container
        self.codec = codec
        self.width = width
        self.height = height
        self.durationSeconds = durationSeconds
        self.frameCount = frameCount
        self.averageFrameRate = averageFrameRate
        self.rotationDegrees = rotationDegrees
        self.isMirrored = isMirrored
        self.sampleAspectRatio = sampleAspectRatio
    }
}
