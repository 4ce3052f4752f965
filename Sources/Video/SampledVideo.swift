import JobModel

/// One picture of a frame in the memory that it shares with the decoder: valid only while its receiver is being called.
///
/// The decoder's process could change the pixels at any time, so nothing but a picture may be read out of them.
public struct PictureView {
    /// In pixels; positive.
    public let width: Int
    /// In pixels; positive.
    public let height: Int
    /// Bytes from a row to the next, at least width · 3.
    public let rowBytes: Int
    /// Red, green, blue of each pixel, row by row: rowBytes · height bytes.
    public let pixels: UnsafeRawBufferPointer

    /// A copy without padding between the rows.
    public func copied() -> RGBImage {
        let length = width * 3
        let packed = [UInt8](unsafeUninitializedCapacity: length * height) { buffer, count in
            count = length * height
            let target = UnsafeMutableRawBufferPointer(buffer)
            for row in 0..<height {
                UnsafeMutableRawBufferPointer(rebasing: target[row * length..<(row + 1) * length])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: pixels[row * rowBytes..<row * rowBytes + length]))
            }
        }
        return RGBImage(width: width, height: height, pixels: packed)
    }
}

extension RGBImage {
    /// Calls `body` with this picture as a view.
    public func withView<Value>(_ body: (PictureView) throws -> Value) rethrows -> Value {
        try pixels.withUnsafeBytes { bytes in
            try body(PictureView(width: width, height: height, rowBytes: width * 3, pixels: bytes))
        }
    }
}

/// A frame as it comes out of the decoder.
public struct FrameView {
    /// The first sample that shows it, from 0.
    public let sample: Int
    /// Which decoded frame it is, from 0 in order of display.
    public let number: Int
    /// Its time after the first decoded frame's, in seconds.
    public let timestampSeconds: Double
    /// The pictures that were asked for, in that order.
    public let pictures: [PictureView]
}

/// One sampled frame and what its receiver made of it.
public struct SampledFrame<Kept: Sendable>: Sendable {
    /// Which sample this is, from 0.
    public var index: Int
    /// Which decoded frame it is, from 0 in order of display.
    public var frameNumber: Int
    /// Its time after the first decoded frame's, in seconds; never falls from one sample to the next.
    public var timestampSeconds: Double
    /// What was kept of it.
    public var kept: Kept

    /// Makes a sampled frame.
    public init(index: Int, frameNumber: Int, timestampSeconds: Double, kept: Kept) {
        self.index = index
        self.frameNumber = frameNumber
        self.timestampSeconds = timestampSeconds
        self.kept = kept
    }
}

extension SampledFrame: Equatable where Kept: Equatable {}

/// How much of a clip was decoded for its frames.
public struct DecodingReport: Sendable, Equatable, Codable {
    /// Packets of the video stream.
    public var packetCount: Int
    /// Packets that the decoders were given, those of frames that none refers to included.
    public var packetsDecoded: Int
    /// Why the clip was decoded from its first frame to its last; nil when it was not. At most 200 characters.
    public var sequentialBecause: String?

    /// Makes a report.
    public init(packetCount: Int, packetsDecoded: Int, sequentialBecause: String?) {
        self.packetCount = packetCount
        self.packetsDecoded = packetsDecoded
        self.sequentialBecause = sequentialBecause
    }
}

/// A clip's description and its sampled frames.
public struct SampledVideo<Kept: Sendable>: Sendable {
    /// What the clip is.
    public var info: VideoInfo
    /// Exactly as many frames as were asked for, in order of time; a short clip's are repeated.
    public var frames: [SampledFrame<Kept>]
    /// How far a frame may lie from its exact time, in seconds; 0 when it is exact.
    public var toleranceSeconds: Double
    /// What the client should know.
    public var warnings: [VideoWarning]
    /// What it took.
    public var decoding: DecodingReport

    /// Makes the result of sampling.
    public init(
        info: VideoInfo, frames: [SampledFrame<Kept>], toleranceSeconds: Double, warnings: [VideoWarning], decoding: DecodingReport
    ) {
        self.info = info
        self.frames = frames
        self.toleranceSeconds = toleranceSeconds
        self.warnings = warnings
        self.decoding = decoding
    }
}

extension SampledVideo: Equatable where Kept: Equatable {}
