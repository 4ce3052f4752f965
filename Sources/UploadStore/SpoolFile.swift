import Foundation
import NIOCore
import NIOPosix

/// A file without a name: bytes wait here on the disk, not in memory, until they are sent. `@unchecked Sendable`: one task uses it at a
/// time, and each call runs to its end on a pool thread before the next begins.
final class SpoolFile: @unchecked Sendable {
    private static let chunkBytes = 262_144

    private let threads: NIOThreadPool
    private let descriptor: Int32
    private(set) var bytes: Int64 = 0

    private init(descriptor: Int32, threads: NIOThreadPool) {
        self.descriptor = descriptor
        self.threads = threads
    }

    deinit {
        close(descriptor)
    }

    static func make(in directory: String, threads: NIOThreadPool) async throws(UploadError) -> SpoolFile {
        let descriptor = try await threads.runBlocking { () throws(UploadError) in
            let path = "\(directory)/spool-\(UUID().uuidString)"
            let descriptor = Foundation.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw .current("open") }
            unlink(path)
            return descriptor
        }
        return SpoolFile(descriptor: descriptor, threads: threads)
    }

    func append(_ buffer: ByteBuffer) async throws(UploadError) {
        let start = bytes
        try await threads.runBlocking { [descriptor] () throws(UploadError) in
            let failure = buffer.withUnsafeReadableBytes { bytes -> UploadError? in
                var offset = 0
                while offset < bytes.count {
                    let written = pwrite(
                        descriptor, bytes.baseAddress.map { $0 + offset }, bytes.count - offset, off_t(start) + off_t(offset))
                    if written < 0 && errno == EINTR { continue }
                    guard written > 0 else { return .current("write") }
                    offset += written
                }
                return nil
            }
            if let failure { throw failure }
        }
        bytes += Int64(buffer.readableBytes)
    }

    /// Forgets what is in it.
    func clear() async throws(UploadError) {
        try await threads.runBlocking { [descriptor] () throws(UploadError) in
            guard ftruncate(descriptor, 0) == 0 else { throw .current("ftruncate") }
        }
        bytes = 0
    }

    /// A descriptor of the same bytes, at their beginning, that outlives this object. The caller closes it.
    func handOver() async throws(UploadError) -> Int32 {
        try await threads.runBlocking { [descriptor] () throws(UploadError) in
            let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
            guard copy >= 0, lseek(copy, 0, SEEK_SET) == 0 else { throw .current("dup") }
            return copy
        }
    }

    /// The bytes, piece by piece.
    var chunks: Chunks { Chunks(file: self) }

    struct Chunks: AsyncSequence, Sendable {
        typealias Element = ByteBuffer

        let file: SpoolFile

        struct AsyncIterator: AsyncIteratorProtocol {
            let file: SpoolFile
            var offset: Int64 = 0

            mutating func next() async throws -> ByteBuffer? {
                let bytes = try await file.read(at: offset)
                guard !bytes.isEmpty else { return nil }
                offset += Int64(bytes.count)
                return ByteBuffer(bytes: bytes)
            }
        }

        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(file: file) }
    }

    func read(at offset: Int64) async throws(UploadError) -> [UInt8] {
        let wanted = Int(min(Int64(Self.chunkBytes), bytes - offset))
        guard wanted > 0 else { return [] }
        return try await threads.runBlocking { [descriptor] () throws(UploadError) in
            var failure: Int32 = 0
            let chunk = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
                let got = pread(descriptor, buffer.baseAddress, wanted, off_t(offset))
                if got < 0 { failure = errno }
                count = max(0, got)
            }
            guard failure == 0 else { throw .system(operation: "pread", errno: failure) }
            return chunk
        }
    }
}
