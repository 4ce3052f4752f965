import Crypto
import Foundation
import ThreadExecutor

/// A clip on disk, read on a thread of its own.
actor ClipFile {
    private static let chunkBytes = 1 << 20

    nonisolated let path: String
    /// Open for reading as long as this lives.
    nonisolated let descriptor: Int32
    nonisolated let byteCount: Int64
    private let executor = ThreadExecutor(name: "whorl-clip")

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Opens a regular file; anything else, a missing one too, is input that cannot be judged.
    init(path: String) throws(CommandFailure) {
        self.path = path
        // O_NONBLOCK: a named pipe must be refused below, not waited for.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else { throw Self.unreadable(path, String(cString: strerror(errno))) }
        var status = stat()
        let isRegular = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        guard isRegular else {
            close(descriptor)
            throw Self.unreadable(path, "it is not a regular file")
        }
        self.descriptor = descriptor
        byteCount = Int64(status.st_size)
    }

    deinit {
        close(descriptor)
    }

    /// The SHA-256 of all bytes, in lower-case hexadecimal.
    func sha256() throws(CommandFailure) -> String {
        var hash = SHA256()
        var offset: Int64 = 0
        while true {
            let chunk = try chunk(at: offset)
            guard !chunk.isEmpty else { break }
            hash.update(data: chunk)
            offset += Int64(chunk.count)
        }
        return hash.finalize().hexText
    }

    /// The bytes from `offset` on, at most a mebibyte; empty at the end.
    func chunk(at offset: Int64) throws(CommandFailure) -> [UInt8] {
        var count = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: Self.chunkBytes) { buffer, initialized in
            repeat {
                count = pread(descriptor, buffer.baseAddress, Self.chunkBytes, off_t(offset))
            } while count < 0 && errno == EINTR
            initialized = max(0, count)
        }
        guard count >= 0 else { throw Self.unreadable(path, String(cString: strerror(errno))) }
        return bytes
    }

    private static func unreadable(_ path: String, _ why: String) -> CommandFailure {
        CommandFailure(.badInput, code: "unreadable_input", "\(Terminal.printable(path)): cannot be read: \(why)")
    }
}
