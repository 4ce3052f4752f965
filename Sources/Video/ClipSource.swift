import CLibav
import Glibc

/// A point on the monotonic clock after which work stops.
package struct Deadline: Sendable {
    private let end: Double

    /// A deadline that many seconds from now.
    package init(secondsFromNow seconds: Double) {
        end = Self.now() + seconds
    }

    /// What is left, in seconds; negative when it has passed.
    package var secondsLeft: Double { end - Self.now() }
    /// Whether it has passed.
    package var hasPassed: Bool { secondsLeft <= 0 }

    private static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}

/// A clip that somebody opened: looked at once, before its bytes are.
package struct ClipFile: Sendable {
    let descriptor: Int32
    /// In bytes; positive.
    let size: Int64
    /// Whether a single picture counts as a clip.
    let acceptsStills: Bool

    /// Refuses what is no regular file, and an empty one.
    package init(descriptor: Int32, acceptsStills: Bool = false) throws(VideoError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw VideoError(.unreadableInput, detail: "fstat: errno \(errno)")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw VideoError(.unreadableInput, subject: "not a regular file")
        }
        guard status.st_size > 0 else { throw VideoError(.emptyFile) }
        self.descriptor = descriptor
        self.acceptsStills = acceptsStills
        size = Int64(status.st_size)
    }
}

/// A clip's bytes, read from a file descriptor at positions of its own: libav opens no file and no protocol.
final class ClipSource {
    let size: Int64
    let acceptsStills: Bool
    let deadline: Deadline
    private(set) var errorNumber: Int32 = 0
    private let descriptor: Int32
    private var position: Int64 = 0

    init(_ file: ClipFile, deadline: Deadline) {
        descriptor = file.descriptor
        size = file.size
        acceptsStills = file.acceptsStills
        self.deadline = deadline
    }

    /// Up to `count` bytes at `offset`; fewer at the end of the file.
    func bytes(at offset: Int64, count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = max(0, pread(descriptor, buffer.baseAddress, count, off_t(offset)))
        }
    }

    fileprivate func read(into buffer: UnsafeMutablePointer<UInt8>?, count: Int32) -> Int32 {
        if deadline.hasPassed { return whorl_averror_exit }
        while true {
            let got = pread(descriptor, buffer, Int(count), off_t(position))
            if got > 0 {
                position += Int64(got)
                return Int32(got)
            }
            if got == 0 { return whorl_averror_eof }
            if errno == EINTR { continue }
            errorNumber = errno
            return whorl_averror(errno)
        }
    }

    fileprivate func seek(to offset: Int64, whence: Int32) -> Int64 {
        let target: Int64
        switch whence & ~AVSEEK_FORCE {
        case AVSEEK_SIZE: return size
        case SEEK_SET: target = offset
        case SEEK_CUR: target = position.addingReportingOverflow(offset).partialValue
        case SEEK_END: target = size.addingReportingOverflow(offset).partialValue
        default: return Int64(whorl_averror(EINVAL))
        }
        guard target >= 0 else { return Int64(whorl_averror(EINVAL)) }
        position = target
        return target
    }

    /// Makes the AVIOContext that reads from here; the caller frees it with `freeContext` before this object goes.
    func makeContext() throws(VideoError) -> UnsafeMutablePointer<AVIOContext> {
        let capacity: Int32 = 65_536
        guard let buffer = av_malloc(Int(capacity)) else { throw VideoError(.outOfMemory, detail: "avio buffer") }
        let context = avio_alloc_context(
            buffer.assumingMemoryBound(to: UInt8.self), capacity, 0, Unmanaged.passUnretained(self).toOpaque(),
            { opaque, buffer, count in
                guard let opaque else { return whorl_averror_eof }
                return Unmanaged<ClipSource>.fromOpaque(opaque).takeUnretainedValue().read(into: buffer, count: count)
            },
            nil,
            { opaque, offset, whence in
                guard let opaque else { return Int64(whorl_averror_eof) }
                return Unmanaged<ClipSource>.fromOpaque(opaque).takeUnretainedValue().seek(to: offset, whence: whence)
            })
        guard let context else {
            av_free(buffer)
            throw VideoError(.outOfMemory, detail: "avio context")
        }
        position = 0
        return context
    }

    static func freeContext(_ context: UnsafeMutablePointer<AVIOContext>) {
        var context: UnsafeMutablePointer<AVIOContext>? = context
        av_free(context?.pointee.buffer)
        avio_context_free(&context)
    }
}
