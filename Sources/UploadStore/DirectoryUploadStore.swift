import Foundation
import JobModel
import NIOPosix

/// Uploads as files of one directory, shared by gateways and workers.
///
/// An upload is written to `incoming/`, renamed to `<two hex digits>/<id>` and flushed to the disk with its directory, before
/// anybody is told its key; so a key once given out survives a power cut. What a killed gateway left in `incoming/`, or under a
/// key that nobody was told, is removed by whoever compares keys with rows.
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

    public func begin(_ id: JobID) async throws(UploadError) -> any UploadWriter {
        FileUploadWriter(root: root, key: UploadKey.make(id), threads: threads)
    }

    public func resume(_ checkpoint: UploadCheckpoint) async throws(UploadError) -> any UploadWriter {
        _ = try path(of: checkpoint.key)
        let writer = FileUploadWriter(root: root, key: checkpoint.key, threads: threads)
        try await blocking { () throws(UploadError) in try writer.reopen(at: checkpoint.bytes) }
        return writer
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

    public func unfinished(olderThanSeconds seconds: Double) async throws(UploadError) -> [String] {
        let incoming = root + "/incoming"
        return try await blocking { () throws(UploadError) in
            try Self.names(in: incoming, olderThanSeconds: seconds).compactMap { JobID($0).map(UploadKey.make) }
        }
    }

    public func discard(unfinished key: String) async throws(UploadError) {
        guard let id = UploadKey.id(in: key) else { throw .malformedKey }
        let path = root + "/incoming/\(id)"
        try await blocking { () throws(UploadError) in
            guard unlink(path) == 0 || errno == ENOENT else { throw .system(operation: "unlink", errno: errno) }
        }
    }

    public func keys(inFolder folder: Int, olderThanSeconds seconds: Double) async throws(UploadError) -> [String] {
        let name = UploadKey.folder(folder)
        let path = root + "/" + name
        return try await blocking { () throws(UploadError) in
            guard access(path, F_OK) == 0 else { return [] }
            return try Self.names(in: path, olderThanSeconds: seconds).map { name + "/" + $0 }
        }
    }

    private static func names(in path: String, olderThanSeconds seconds: Double) throws(UploadError) -> [String] {
        let limit = Date().timeIntervalSince1970 - seconds
        return try names(in: path).filter { file in
            var information = stat()
            return lstat(path + "/" + file, &information) == 0 && Double(information.st_mtim.tv_sec) < limit
        }
    }

    private static func names(in path: String) throws(UploadError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            throw .system(operation: "readdir", errno: EIO)
        }
    }

    private func path(of key: String) throws(UploadError) -> String {
        guard UploadKey.id(in: key) != nil else { throw .malformedKey }
        return root + "/" + key
    }

    private func blocking<Result: Sendable>(
        _ body: @escaping @Sendable () throws(UploadError) -> Result
    ) async throws(UploadError) -> Result {
        try await threads.runBlocking(body)
    }

    /// A directory that is there, if it can be made.
    static func prepared(_ path: String) throws(UploadError) -> String {
        try makeDirectory(path)
        return path
    }

    /// Returns whether the directory is new.
    @discardableResult
    static func makeDirectory(_ path: String) throws(UploadError) -> Bool {
        if mkdir(path, 0o750) == 0 { return true }
        guard errno == EEXIST else { throw .system(operation: "mkdir \(path)", errno: errno) }
        return false
    }
}

extension NIOThreadPool {
    /// Runs blocking work on a pool thread and keeps its error's type.
    func runBlocking<Result: Sendable>(
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
