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

    /// Samples the clip in the file at `path`.
    ///
    /// `progress` is called with fractions from 0 to 1, ascending, from another thread. Throws every code of `VideoError` but
    /// `encoding_failed`.
    public func sample(
        path: String, request: SamplingRequest = SamplingRequest(), progress: (@Sendable (Double) -> Void)? = nil
    ) async throws(VideoError) -> SampledVideo {
        try await sample(.path(path), request: request, progress: progress)
    }

    /// Samples the clip that `fileDescriptor` has open for reading; the descriptor stays the caller's and stays open, and its
    /// position is neither used nor moved. Otherwise as `sample(path:request:progress:)`.
    public func sample(
        fileDescriptor: Int32, request: SamplingRequest = SamplingRequest(),
        progress: (@Sendable (Double) -> Void)? = nil
    ) async throws(VideoError) -> SampledVideo {
        try await sample(.descriptor(fileDescriptor), request: request, progress: progress)
    }

    private enum Input: Sendable {
        case path(String)
        case descriptor(Int32)
    }

    private func sample(
        _ input: Input, request: SamplingRequest, progress: (@Sendable (Double) -> Void)?
    ) async throws(VideoError) -> SampledVideo {
        try limits.validate()
        try request.validate(limits: limits)
        let cancellation = try CancellationSignal()
        let result = await withTaskCancellationHandler {
            await BlockingThread.run { () -> Result<SampledVideo, VideoError> in
                do throws(VideoError) {
                    return .success(try run(input, request: request, cancellation: cancellation, progress: progress))
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

    private func run(
        _ input: Input, request: SamplingRequest, cancellation: CancellationSignal, progress: (@Sendable (Double) -> Void)?
    ) throws(VideoError) -> SampledVideo {
        switch input {
        case .descriptor(let descriptor):
            return try run(clip: descriptor, request: request, cancellation: cancellation, progress: progress)
        case .path(let path):
            // O_NONBLOCK: a named pipe must not hold this thread; it is refused below as no regular file.
            let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
            guard descriptor >= 0 else {
                let words = String(cString: strerror(errno))
                throw VideoError(.unreadableInput, subject: words, detail: "open \(path): \(words)")
            }
            let owned = OwnedDescriptor(descriptor)
            return try run(clip: owned.number, request: request, cancellation: cancellation, progress: progress)
        }
    }

    private func run(
        clip: Int32, request: SamplingRequest, cancellation: CancellationSignal, progress: (@Sendable (Double) -> Void)?
    ) throws(VideoError) -> SampledVideo {
        let deadline = Deadline(secondsFromNow: limits.wallClockSeconds)
        try Self.checkIsClip(clip)
        let child = try DecoderChild(executable: executablePath, clip: clip, order: try order(for: request))
        var conversation = Conversation(
            child: child, parser: AnswerParser(request: request, limits: limits), deadline: deadline,
            cancellation: cancellation, progress: progress)
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
            return Array(try JSONEncoder().encode(DecoderOrder(parentProcessID: getpid(), request: request, limits: limits)))
        } catch {
            throw VideoError(.invalidRequest, detail: "\(error)")
        }
    }

    private static func checkIsClip(_ descriptor: Int32) throws(VideoError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw VideoError(.unreadableInput, detail: "fstat: errno \(errno)")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw VideoError(.unreadableInput, subject: "not a regular file")
        }
        guard status.st_size > 0 else { throw VideoError(.emptyFile) }
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
