/// One sampled frame in the two sizes that the analysis needs.
public struct SampledFrame: Sendable, Equatable {
    /// Which sample this is, from 0.
    public var index: Int
    /// Which decoded frame it is, from 0 in order of display.
    public var frameNumber: Int
    /// Its time after the first decoded frame's, in seconds; never falls from one sample to the next.
    public var timestampSeconds: Double
    /// The whole displayed frame squeezed to the model's input size.
    public var input: RGBImage
    /// The displayed frame for people, at display aspect.
    public var picture: RGBImage

    /// Makes a sampled frame.
    public init(index: Int, frameNumber: Int, timestampSeconds: Double, input: RGBImage, picture: RGBImage) {
        self.index = index
        self.frameNumber = frameNumber
        self.timestampSeconds = timestampSeconds
        self.input = input
        self.picture = picture
    }
}

/// A clip's description and its sampled frames.
public struct SampledVideo: Sendable, Equatable {
    /// What the clip is.
    public var info: VideoInfo
    /// Exactly as many frames as were asked for, in order of time; a short clip's are repeated.
    public var frames: [SampledFrame]
    /// What the client should know.
    public var warnings: [VideoWarning]

    /// Makes the result of sampling.
    public init(info: VideoInfo, frames: [SampledFrame], warnings: [VideoWarning]) {
        self.info = info
        self.frames = frames
        self.warnings = warnings
    }
}
