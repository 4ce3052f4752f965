import FoundationEssentials
import Glibc

/// Decodes clips in child processes, one a call: hostile bytes meet libav there and never here.
///
/// Each call has a thread of its own while its child runs, so the caller bounds how many run at once. Whatever happens (an
/// error, a crash, the deadline, cancellation of the calling task) the child is gone and reaped when the call returns.
public struct DecoderProcess: Sendable {
    /// The child's executable.
    public let executablePath: String
    /// The bounds of each call.
    public let limits: DecoderLimits

    /// A decoder that starts `executablePath`, by default `whorl-decoder` beside the running executable.
    public init(executablePath: String? = nil, limits: DecoderLimits = DecoderLimits()) {
        self.executablePath = executablePath ?? Self.defaultExecutablePath
        self.limits = limits
    }

    /// `whorl-decoder` in the folder of the running executable, as /proc/self/exe names it.
    public static var defaultExecutablePath: String {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let length = buffer.withUnsafeMutableBytes { bytes -> Int in
            guard let start = bytes.bindMemory(to: CChar.self).baseAddress else { return 0 }
            return readlink("/proc/self/exe", start, bytes.count)
        }
        let own = String(decoding: buffer.prefix(max(0, length)), as: UTF8.self)
        let folder = own.lastIndex(of: "/").map { own[..<$0] } ?? "."
        return "\(folder)/whorl-decoder"
    }

    /// Samples the clip in the file at `path`, and keeps of each frame what `keep` makes of it.
    ///
    /// `progress` is called with fractions from 0 to 1, ascending, and `keep` once for each different frame, in any order, both from another
    /// thread; the frame's pixels are gone when `keep` returns, which holds the decoder up. Frames may turn out to be void and come again.
    /// Throws every code of `VideoError` but `encoding_failed`.
    public func sample<Kept: Sendable>(
        path: String, request: SamplingRequest, progress: (@Sendable (Double) -> Void)? = nil,
        keep: @escaping @Sendable (FrameView) -> Kept
    ) async throws(VideoError) -> SampledVideo<Kept> {
        try await sample(.path(path), request: request, progress: progress, keep: keep)
    }

    /// Samples the clip that `fileDescriptor` has open for reading; the descriptor stays the caller's and stays open, and its
    /// position is neither used nor moved. Otherwise as `sample(path:request:progress:keep:)`.
    public func sample<Kept: Sendable>(
        fileDescriptor: Int32, request: SamplingRequest, progress: (@Sendable (Double) -> Void)? = nil,
        keep: @escaping @Sendable (FrameView) -> Kept
    ) async throws(VideoError) -> SampledVideo<Kept> {
        try await sample(.descriptor(fileDescriptor), request: request, progress: progress, keep: keep)
    }

    private enum Input: Sendable {
        case path(String)
        case descriptor(Int32)
    }

    private func sample<Kept: Sendable>(
        _ input: Input, request: SamplingRequest, progress: (@Sendable (Double) -> Void)?,
        keep: @escaping @Sendable (FrameView) -> Kept
    ) async throws(VideoError) -> SampledVideo<Kept> {
        try limits.validate()
        try request.validate()
        let cancellation = try CancellationSignal()
        let result = await withTaskCancellationHandler {
            await BlockingThread.run { () -> Result<SampledVideo<Kept>, VideoError> in
                do throws(VideoError) {
                    switch input {
                    case .descriptor(let descriptor):
                        return .success(try run(descriptor, request, cancellation, progress, keep))
                    case .path(let path):
                        let clip = try Self.open(path)
                        return .success(try run(clip.number, request, cancellation, progress, keep))
                    }
                } catch {
                    return .failure(error)
                }
            }
        } onCancel: {
            cancellation.raise()
        }
        guard let result else { throw VideoError(.systemBusy, detail: "no thread") }
        return try result.get()
    }

    private static func open(_ path: String) throws(VideoError) -> OwnedDescriptor {
        // O_NONBLOCK: a named pipe must not hold this thread; it is refused later as no regular file.
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else {
            let words = String(cString: strerror(errno))
            throw VideoError(.unreadableInput, subject: words, detail: "open \(path): \(words)")
        }
        return OwnedDescriptor(descriptor)
    }

    private func run<Kept: Sendable>(
        _ clip: Int32, _ request: SamplingRequest, _ cancellation: CancellationSignal,
        _ progress: (@Sendable (Double) -> Void)?, _ keep: @escaping @Sendable (FrameView) -> Kept
    ) throws(VideoError) -> SampledVideo<Kept> {
        let deadline = Deadline(secondsFromNow: limits.wallClockSeconds)
        _ = try ClipFile(descriptor: clip)
        let ring = try FrameRing(layout: FrameLayout(request, limits: limits), bufferCount: limits.bufferedFrames)
        let child = try DecoderChild(executable: executablePath, clip: clip, ring: ring, order: try order(for: request))
        var conversation = Conversation(
            child: child, ring: ring, request: request, limits: limits, deadline: deadline, cancellation: cancellation,
            progress: progress, keep: keep)
        do throws(VideoError) {
            let outcome = try conversation.run()
            _ = child.end()
            return try outcome.get()
        } catch {
            _ = child.end()
            throw error.adding(detail: conversation.complaintText)
        }
    }

    private func order(for request: SamplingRequest) throws(VideoError) -> [UInt8] {
        do {
            return try DecoderOrder(parentProcessID: getpid(), request: request, limits: limits).encoded()
        } catch {
            throw VideoError(.invalidRequest, detail: "\(error)")
        }
    }
}

/// Wakes a thread that waits in `poll` when its task is cancelled.
final class CancellationSignal: Sendable {
    private let pipe: Pipe

    init() throws(VideoError) {
        pipe = try Pipe.open()
    }

    /// Readable once the signal is raised.
    var descriptor: Int32 { pipe.readEnd.number }

    func raise() {
        var byte: UInt8 = 1
        // One byte into an empty pipe neither blocks nor fails; a task is cancelled once.
        _ = write(pipe.writeEnd.number, &byte, 1)
    }
}
