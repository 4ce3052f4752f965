/// The bounds within which one clip is decoded; a clip beyond them ends with an error and never with the worker.
public struct DecoderLimits: Sendable, Equatable, Codable {
    /// The widest coded picture, in pixels.
    public var maxWidth = 8_192
    /// The highest coded picture, in pixels.
    public var maxHeight = 8_192
    /// The most pixels in one coded picture.
    public var maxPixels = 36_000_000
    /// The shortest side of a coded picture, in pixels.
    public var minSide = 16
    /// The most decoded frames: an hour at 30 frames a second.
    public var maxFrames = 108_000
    /// From start to answer, in seconds of the monotonic clock.
    public var wallClockSeconds = 120.0
    /// The child's processor time (RLIMIT_CPU), in seconds over all its threads.
    public var cpuSeconds = 240
    /// The child's address space (RLIMIT_AS), in units of 1,048,576 bytes.
    public var addressSpaceMegabytes = 2_048
    /// The child's open files (RLIMIT_NOFILE).
    public var openFiles = 16
    /// Threads that decode, 1 to 16.
    public var threads = 2
    /// Frames between decoder and receiver, 1 to 16: more even out their pace, and each may take a whole picture's memory.
    public var bufferedFrames = 3
    /// Added to the child's niceness, 0 to 19.
    public var niceness = 10

    /// The defaults; set what differs.
    public init() {}

    /// Says which limit makes no sense.
    func validate() throws(VideoError) {
        let positives = [maxWidth, maxHeight, maxPixels, minSide, maxFrames, cpuSeconds, openFiles]
        guard positives.allSatisfy({ $0 > 0 && $0 <= Int(Int32.max) }) else {
            throw VideoError(.invalidRequest, subject: "a decoder limit is not positive")
        }
        guard wallClockSeconds.isFinite, wallClockSeconds > 0, wallClockSeconds <= 86_400 else {
            throw VideoError(.invalidRequest, subject: "wallClockSeconds must lie between 0 and 86400")
        }
        guard (64...1_048_576).contains(addressSpaceMegabytes) else {
            throw VideoError(.invalidRequest, subject: "addressSpaceMegabytes must lie between 64 and 1048576")
        }
        guard openFiles >= 5, (1...16).contains(threads), (1...16).contains(bufferedFrames), (0...19).contains(niceness) else {
            throw VideoError(
                .invalidRequest, subject: "openFiles ≥ 5, threads and bufferedFrames 1 to 16, niceness 0 to 19")
        }
    }
}
