/// Which frames of a clip are wanted, and at which sizes.
public struct SamplingRequest: Sendable, Equatable, Codable {
    /// The size of the picture for people that comes with every sampled frame.
    public enum PictureSize: Sendable, Equatable, Codable {
        /// At display aspect (rotation and sample aspect ratio applied) inside this box, never enlarged.
        case fitted(maxWidth: Int, maxHeight: Int)
        /// The decoded pixels after rotation, unscaled: for comparing with another decoder.
        case source
    }

    /// How many frames, evenly spaced over the whole clip.
    public var count: Int
    /// The width of the model's input, in pixels.
    public var inputWidth: Int
    /// The height of the model's input, in pixels.
    public var inputHeight: Int
    /// The size of the picture for people.
    public var picture: PictureSize

    /// A request for `count` evenly spaced frames; the defaults are the model's.
    public init(
        count: Int = 16, inputWidth: Int = 224, inputHeight: Int = 224,
        picture: PictureSize = .fitted(maxWidth: 480, maxHeight: 480)
    ) {
        self.count = count
        self.inputWidth = inputWidth
        self.inputHeight = inputHeight
        self.picture = picture
    }

    func validate(limits: DecoderLimits) throws(VideoError) {
        guard (1...limits.maxSampledFrames).contains(count) else {
            throw VideoError(.invalidRequest, subject: "count must lie between 1 and \(limits.maxSampledFrames)")
        }
        guard Self.sides.contains(inputWidth), Self.sides.contains(inputHeight) else {
            throw VideoError(.invalidRequest, subject: "the input's sides must lie between 1 and 4096 pixels")
        }
        if case .fitted(let width, let height) = picture {
            guard Self.sides.contains(width), Self.sides.contains(height) else {
                throw VideoError(.invalidRequest, subject: "the picture's sides must lie between 1 and 4096 pixels")
            }
        }
    }

    private static let sides = 1...4_096
}

/// Where evenly spaced frames lie.
package enum SamplePlan {
    /// The number, from 0, of the `index`-th of `count` frames over `frameCount` decoded ones: the middle of its share,
    /// floor((2·index + 1)·frameCount / (2·count)). Shares shorter than a frame repeat it.
    package static func frameNumber(index: Int, count: Int, frameCount: Int) -> Int {
        precondition(count > 0 && frameCount > 0 && (0..<count).contains(index), "a sample lies inside its plan")
        return (2 * index + 1) * frameCount / (2 * count)
    }

    /// The numbers of all `count` frames, ascending.
    package static func frameNumbers(count: Int, frameCount: Int) -> [Int] {
        (0..<count).map { frameNumber(index: $0, count: count, frameCount: frameCount) }
    }
}
