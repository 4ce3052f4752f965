import CFile
import Crypto
import Foundation
import JobModel
import NIOCore
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
    private static let gatheredBytes = 524_288
    /// So much is begun to be written to the disk at a time, long before the end waits for it.
    private static let writebackBytes: Int64 = 8 << 20
    /// A resumed upload is read again at its end, so much at a time: a hash half done cannot be kept.
    private static let readBytes = 1 << 20

    private let root: String
    private let key: String
    private let incomingPath: String
    private let threads: NIOThreadPool
    private var gathered: [ByteBuffer] = []
    private var gatheredCount = 0
    /// One lot is hashed and written while the next one comes. What is below is that task's until it is settled.
    private var underWay: Task<UploadError?, Never>?
    /// Why a lot was not written; then only what came before it counts.
    private var failure: UploadError?
    /// −1 before the first write and after the end.
    private var descriptor: Int32 = -1
    /// nil for a resumed upload.
    private var hash: SHA256? = SHA256()
    private var bytes: Int64 = 0
    private var writebackStart: Int64 = 0
    private var isAtIncomingPath = false
    /// Whether an earlier request may have left a file of which nothing counts.
    private var mayFindFile = false

    init(root: String, key: String, threads: NIOThreadPool) {
        self.root = root
        self.key = key
        self.threads = threads
        incomingPath = root + "/incoming/" + key.dropFirst(3)
    }

    /// Opens what an earlier request left. Blocks.
    func reopen(at bytes: Int64) throws(UploadError) {
        self.bytes = bytes
        writebackStart = bytes
        // Nothing counts yet: the file is made for the first bytes.
        mayFindFile = true
        guard bytes > 0 else { return }
        hash = nil
        descriptor = Foundation.open(incomingPath, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        if descriptor >= 0 {
            isAtIncomingPath = true
        } else if errno == ENOENT {
            // Its gateway died after the bytes had got their place and before the job was made.
            descriptor = Foundation.open(root + "/" + key, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        }
        guard descriptor >= 0 else { throw errno == ENOENT ? .missing(key: key) : UploadError.current("open") }
        var information = stat()
        guard fstat(descriptor, &information) == 0 else { throw .current("fstat") }
        guard information.st_size >= bytes else { throw .missing(key: key) }
        guard ftruncate(descriptor, off_t(bytes)) == 0 else { throw .current("ftruncate") }
        guard lseek(descriptor, off_t(bytes), SEEK_SET) == bytes else { throw .current("lseek") }
    }

    func checkpoint() async throws(UploadError) -> UploadCheckpoint {
        try await settle()
        let lot = takeGathered()
        return try await threads.runBlocking { [self] () throws(UploadError) in try flushed(with: lot) }
    }

    func suspend() async throws(UploadError) -> UploadCheckpoint {
        try await settle()
        let lot = takeGathered()
        return try await threads.runBlocking { [self] () throws(UploadError) in
            let checkpoint = try flushed(with: lot)
            if descriptor >= 0 { close(descriptor) }
            descriptor = -1
            // The file is another request's from here on.
            isAtIncomingPath = false
            return checkpoint
        }
    }

    private func flushed(with lot: [ByteBuffer]) throws(UploadError) -> UploadCheckpoint {
        let isNew = descriptor < 0 && !lot.isEmpty
        if !lot.isEmpty { try write(lot) }
        if descriptor >= 0 {
            guard fsync(descriptor) == 0 else { throw .current("fsync") }
            if isNew { try Self.flush(directory: root + "/incoming") }
        }
        return UploadCheckpoint(key: key, bytes: bytes)
    }

    /// SHA-256 of the whole file, read from its beginning.
    private func readHash() throws(UploadError) -> SHA256 {
        var hash = SHA256()
        var buffer = [UInt8](repeating: 0, count: Self.readBytes)
        var offset: off_t = 0
        while true {
            let count = buffer.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, offset) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .current("pread") }
            guard count > 0 else { return hash }
            buffer.withUnsafeBytes { hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0.prefix(count))) }
            offset += off_t(count)
        }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    func write(_ buffer: ByteBuffer) async throws(UploadError) {
        gathered.append(buffer)
        gatheredCount += buffer.readableBytes
        guard gatheredCount >= Self.gatheredBytes else { return }
        try await settle()
        let lot = takeGathered()
        underWay = Task { [self] in
            do throws(UploadError) {
                try await threads.runBlocking { () throws(UploadError) in try self.write(lot) }
                return nil
            } catch {
                return error
            }
        }
    }

    private func takeGathered() -> [ByteBuffer] {
        defer {
            gathered = []
            gatheredCount = 0
        }
        // What comes after a lot that was lost must not take its place.
        return failure == nil ? gathered : []
    }

    /// Waits for the lot that is being written.
    private func settle() async throws(UploadError) {
        guard let task = underWay else { return }
        underWay = nil
        guard let error = await task.value else { return }
        failure = error
        throw error
    }

    func finish() async throws(UploadError) -> StoredUpload {
        try await settle()
        if let failure { throw failure }
        let lot = takeGathered()
        return try await threads.runBlocking { [self] () throws(UploadError) in
            if !lot.isEmpty || descriptor < 0 { try write(lot) }
            let whole: SHA256 = if let hash { hash } else { try readHash() }
            let digest = whole.finalize().hexText
            let directory = root + "/" + key.prefix(2)
            if try DirectoryUploadStore.makeDirectory(directory) { try Self.flush(directory: root) }
            // Moved before it is flushed: nobody knows the key yet, and the file system commits both at once.
            let path = root + "/" + key
            if isAtIncomingPath {
                guard rename(incomingPath, path) == 0 else { throw .current("rename") }
            }
            isAtIncomingPath = false
            do throws(UploadError) {
                guard fsync(descriptor) == 0 else { throw .current("fsync") }
                try Self.flush(directory: directory)
            } catch {
                unlink(path)
                throw error
            }
            close(descriptor)
            descriptor = -1
            return StoredUpload(key: key, bytes: bytes, sha256: digest)
        }
    }

    func abort() async {
        _ = takeGathered()
        // Whatever became of it goes now.
        _ = await underWay?.value
        underWay = nil
        do {
            try await threads.runBlocking { [self] () throws(UploadError) in
                if descriptor >= 0 { close(descriptor) }
                descriptor = -1
                if isAtIncomingPath { unlink(incomingPath) }
                isAtIncomingPath = false
            }
        } catch {
            // Nothing above throws; a pool that is shut down leaves the file to `removeAbandoned`.
        }
    }

    /// Hashes and writes a lot, into a file that is made for the first. Blocks.
    private func write(_ lot: [ByteBuffer]) throws(UploadError) {
        if descriptor < 0 {
            let isNew = mayFindFile ? O_TRUNC | O_NOFOLLOW : O_EXCL
            descriptor = Foundation.open(incomingPath, O_RDWR | O_CREAT | O_CLOEXEC | isNew, 0o640)
            guard descriptor >= 0 else { throw .current("open") }
            isAtIncomingPath = true
        }
        for buffer in lot {
            let failure = buffer.withUnsafeReadableBytes { bytes -> UploadError? in
                hash?.update(bufferPointer: bytes)
                var offset = 0
                while offset < bytes.count {
                    let written = Foundation.write(descriptor, bytes.baseAddress.map { $0 + offset }, bytes.count - offset)
                    if written < 0 && errno == EINTR { continue }
                    guard written > 0 else { return .current("write") }
                    offset += written
                }
                return nil
            }
            if let failure { throw failure }
            bytes += Int64(buffer.readableBytes)
        }
        if bytes - writebackStart >= Self.writebackBytes {
            whorl_start_writeback(descriptor, writebackStart, bytes - writebackStart)
            writebackStart = bytes
        }
    }

    private static func flush(directory: String) throws(UploadError) {
        let descriptor = Foundation.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .current("open directory") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .current("fsync directory") }
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
