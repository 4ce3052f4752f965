import Crypto
import Foundation
import JobModel
import NIOPosix

/// Uploads as files of one directory, shared by gateways and workers.
///
/// An upload is written to `incoming/`, renamed to `<two hex digits>/<id>` and flushed to the disk with its directory, before
/// anybody is told its key; so a key once given out survives a power cut. What a killed gateway left in `incoming/` is removed
/// by `removeAbandoned`, and what it left under a key that nobody was told by whoever compares keys with rows.
public struct DirectoryUploadStore: UploadStore {
    private let root: String
    private let threads: NIOThreadPool

    /// Makes the directory if it is not there.
    ///
    /// - Parameter threads: where files are written and read. Uploads that are flushed side by side share the disk's commits,
    ///   so that a gateway is given more threads than it has cores.
    public init(root: String, threads: NIOThreadPool = .singleton) throws(UploadError) {
        self.root = root
        self.threads = threads
        try Self.makeDirectory(root)
        try Self.makeDirectory(root + "/incoming")
    }

    public func begin() async throws(UploadError) -> any UploadWriter {
        let id = JobID.make().description
        let key = String(id.suffix(2)) + "/" + id
        return FileUploadWriter(root: root, id: id, key: key, threads: threads)
    }

    public func open(key: String) async throws(UploadError) -> Int32 {
        let path = try path(of: key)
        return try await blocking { () throws(UploadError) in
            let descriptor = Foundation.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
            guard descriptor >= 0 else {
                throw errno == ENOENT ? .missing(key: key) : .system(operation: "open", errno: errno)
            }
            return descriptor
        }
    }

    public func remove(key: String) async throws(UploadError) {
        let path = try path(of: key)
        try await blocking { () throws(UploadError) in
            guard unlink(path) == 0 || errno == ENOENT else { throw .system(operation: "unlink", errno: errno) }
        }
    }

    public func check() async throws(UploadError) {
        let incoming = root + "/incoming"
        try await blocking { () throws(UploadError) in
            guard access(incoming, W_OK) == 0 else { throw .system(operation: "access", errno: errno) }
            var information = statvfs()
            guard statvfs(incoming, &information) == 0 else { throw .system(operation: "statvfs", errno: errno) }
            guard information.f_bavail > 0 else { throw .noSpace }
        }
    }

    /// Removes files of `incoming/` that nobody has written to for `seconds`; returns how many.
    public func removeAbandoned(olderThanSeconds seconds: Double) async throws(UploadError) -> Int {
        let incoming = root + "/incoming"
        return try await blocking { () throws(UploadError) in
            let names = try Self.names(in: incoming)
            let limit = Date().timeIntervalSince1970 - seconds
            var removed = 0
            for name in names {
                var information = stat()
                let path = incoming + "/" + name
                guard lstat(path, &information) == 0, Double(information.st_mtim.tv_sec) < limit else { continue }
                if unlink(path) == 0 { removed += 1 }
            }
            return removed
        }
    }

    /// How many folders finished uploads are spread over.
    public static let folderCount = 256

    /// Keys of one folder's finished uploads that are older than `seconds`: those that no row knows were left by a gateway
    /// that died between storing the bytes and its commit.
    public func keys(inFolder folder: Int, olderThanSeconds seconds: Double) async throws(UploadError) -> [String] {
        let name = String(format: "%02x", folder % Self.folderCount)
        let path = root + "/" + name
        return try await blocking { () throws(UploadError) in
            guard access(path, F_OK) == 0 else { return [] }
            let limit = Date().timeIntervalSince1970 - seconds
            return try Self.names(in: path).filter { file in
                var information = stat()
                return lstat(path + "/" + file, &information) == 0 && Double(information.st_mtim.tv_sec) < limit
            }.map { name + "/" + $0 }
        }
    }

    private static func names(in path: String) throws(UploadError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            throw .system(operation: "readdir", errno: EIO)
        }
    }

    /// A key is `xx/<uuid ending in xx>`; anything else could leave the directory.
    private func path(of key: String) throws(UploadError) -> String {
        let parts = key.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let id = JobID(parts[1]), id.description.hasSuffix(parts[0]), parts[0].count == 2
        else { throw .malformedKey }
        return root + "/" + key
    }

    private func blocking<Result: Sendable>(
        _ body: @escaping @Sendable () throws(UploadError) -> Result
    ) async throws(UploadError) -> Result {
        try await threads.runBlocking(body)
    }

    /// Returns whether the directory is new.
    @discardableResult
    fileprivate static func makeDirectory(_ path: String) throws(UploadError) -> Bool {
        if mkdir(path, 0o750) == 0 { return true }
        guard errno == EEXIST else { throw .system(operation: "mkdir \(path)", errno: errno) }
        return false
    }
}

/// One file on its way in. `@unchecked Sendable`: one task uses it at a time, as `UploadWriter` demands, and each call
/// runs to its end on a pool thread before the next begins.
private final class FileUploadWriter: UploadWriter, @unchecked Sendable {
    /// So many bytes are gathered before they are written: a small upload takes one visit to a pool thread in all.
    private static let gatheredBytes = 262_144

    private let root: String
    private let key: String
    private let incomingPath: String
    private let threads: NIOThreadPool
    private var gathered: [UInt8] = []
    /// −1 before the first write and after the end.
    private var descriptor: Int32 = -1
    private var hash = SHA256()
    private var bytes: Int64 = 0
    private var isAtIncomingPath = false

    init(root: String, id: String, key: String, threads: NIOThreadPool) {
        self.root = root
        self.key = key
        self.threads = threads
        incomingPath = root + "/incoming/" + id
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    func write(_ bytes: [UInt8]) async throws(UploadError) {
        gathered += bytes
        guard gathered.count >= Self.gatheredBytes else { return }
        try await threads.runBlocking { [self] () throws(UploadError) in try writeGathered() }
    }

    func finish() async throws(UploadError) -> StoredUpload {
        try await threads.runBlocking { [self] () throws(UploadError) in
            try writeGathered()
            let directory = root + "/" + key.prefix(2)
            if try DirectoryUploadStore.makeDirectory(directory) { try Self.flush(directory: root) }
            // Moved before it is flushed: nobody knows the key yet, and the file system commits both at once.
            let path = root + "/" + key
            guard rename(incomingPath, path) == 0 else { throw Self.failure("rename") }
            isAtIncomingPath = false
            do throws(UploadError) {
                guard fsync(descriptor) == 0 else { throw Self.failure("fsync") }
                try Self.flush(directory: directory)
            } catch {
                unlink(path)
                throw error
            }
            close(descriptor)
            descriptor = -1
            let digest = hash.finalize().hexText
            return StoredUpload(key: key, bytes: bytes, sha256: digest)
        }
    }

    func abort() async {
        do {
            try await threads.runBlocking { [self] () throws(UploadError) in
                gathered = []
                if descriptor >= 0 { close(descriptor) }
                descriptor = -1
                if isAtIncomingPath { unlink(incomingPath) }
                isAtIncomingPath = false
            }
        } catch {
            // Nothing above throws; a pool that is shut down leaves the file to `removeAbandoned`.
        }
    }

    /// Writes what is gathered, into a file that is made for the first of it.
    private func writeGathered() throws(UploadError) {
        if descriptor < 0 {
            descriptor = Foundation.open(incomingPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
            guard descriptor >= 0 else { throw Self.failure("open") }
            isAtIncomingPath = true
        }
        hash.update(data: gathered)
        bytes += Int64(gathered.count)
        var offset = 0
        while offset < gathered.count {
            let written = gathered[offset...].withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { throw Self.failure("write") }
            offset += written
        }
        gathered.removeAll(keepingCapacity: true)
    }

    private static func flush(directory: String) throws(UploadError) {
        let descriptor = Foundation.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open directory") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("fsync directory") }
    }

    private static func failure(_ operation: String) -> UploadError {
        errno == ENOSPC || errno == EDQUOT ? .noSpace : .system(operation: operation, errno: errno)
    }
}

extension NIOThreadPool {
    /// Runs blocking work on a pool thread and keeps its error's type.
    fileprivate func runBlocking<Result: Sendable>(
        _ body: @escaping @Sendable () throws(UploadError) -> Result
    ) async throws(UploadError) -> Result {
        let outcome: Swift.Result<Result, UploadError>
        do {
            outcome = try await runIfActive {
                do throws(UploadError) {
                    return Swift.Result<Result, UploadError>.success(try body())
                } catch {
                    return Swift.Result<Result, UploadError>.failure(error)
                }
            }
        } catch {
            throw .system(operation: "thread pool", errno: ESHUTDOWN)
        }
        return try outcome.get()
    }
}
