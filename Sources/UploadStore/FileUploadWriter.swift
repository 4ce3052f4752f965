import CFile
import Crypto
import Foundation
import JobModel
import NIOCore
import NIOPosix

/// One file on its way into a `DirectoryUploadStore`.
///
/// Bytes are hashed as they come and gathered in lots; while lots are written, the next is gathered. What lies far into a file goes past
/// the system's cache: a copy less, no throttling once much waits to be written, and a large clip pushes nothing out that others read.
///
/// `@unchecked Sendable`: one task uses it at a time, as `UploadWriter` demands, and what pool threads use is left alone until `settle`
/// returns.
final class FileUploadWriter: UploadWriter, @unchecked Sendable {
    /// From here on bytes go past the system's cache, if the file system can; small clips are read from there a moment later.
    private static let cachedBytes: Int64 = 8 << 20
    /// One is gathered while the other is written.
    private static let lotCount = 2
    /// A resumed upload is read again at its end, so much at a time: a hash half done cannot be kept.
    private static let readBytes = 1 << 20

    private let root: String
    private let key: String
    private let incomingPath: String
    private let threads: NIOThreadPool
    /// nil for a resumed upload.
    private var hash: SHA256? = SHA256()
    private var gathered = FileLot()
    /// Lots that are being written, in their order.
    private var underWay: [(lot: FileLot, task: Task<UploadError?, Never>)] = []
    /// Why a lot was not written; then only what came before it counts.
    private var failure: UploadError?
    // What follows is the pool thread's while a lot is under way.
    /// −1 before the first write and after the end.
    private var descriptor: Int32 = -1
    private var bytes: Int64 = 0
    private var writebackStart: Int64 = 0
    private var isDirect = false
    private var canBeDirect = true
    private var isAtIncomingPath = false
    /// Whether an earlier request may have left a file of which nothing counts.
    private var mayFindFile = false

    init(root: String, key: String, threads: NIOThreadPool) {
        self.root = root
        self.key = key
        self.threads = threads
        incomingPath = root + "/incoming/" + key.dropFirst(3)
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Opens what an earlier request left. Blocks.
    func reopen(at bytes: Int64) throws(UploadError) {
        self.bytes = bytes
        writebackStart = bytes
        gathered.restart(at: bytes)
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
    }

    func write(_ buffer: ByteBuffer) async throws(UploadError) {
        // What comes after a lot that was lost must not take its place.
        if let failure { throw failure }
        var offset = 0
        while offset < buffer.readableBytes {
            offset += buffer.withUnsafeReadableBytes { bytes in
                let taken = gathered.take(UnsafeRawBufferPointer(rebasing: bytes[offset...]))
                hash?.update(bufferPointer: taken)
                return taken.count
            }
            if gathered.isFull { try await passOn() }
        }
    }

    /// Has the gathered lot written while the next one comes.
    private func passOn() async throws(UploadError) {
        let lot = gathered
        let previous = underWay.last?.task
        let task = Task { [self] () -> UploadError? in
            if let error = await previous?.value { return error }
            do throws(UploadError) {
                try await threads.runBlocking { () throws(UploadError) in try self.store(lot) }
                return nil
            } catch {
                return error
            }
        }
        underWay.append((lot, task))
        if underWay.count < Self.lotCount {
            gathered = FileLot()
        } else {
            gathered = underWay[0].lot
            try await settleFirst()
        }
        gathered.restart(at: lot.end)
    }

    /// Waits for the oldest lot that is being written.
    private func settleFirst() async throws(UploadError) {
        guard let error = await underWay.removeFirst().task.value else { return }
        failure = error
        await letGo()
        throw error
    }

    /// Waits for all lots that are being written, whatever becomes of them.
    private func letGo() async {
        while !underWay.isEmpty { _ = await underWay.removeFirst().task.value }
    }

    /// Waits for all lots that are being written.
    private func settle() async throws(UploadError) {
        while !underWay.isEmpty { try await settleFirst() }
    }

    func checkpoint() async throws(UploadError) -> UploadCheckpoint {
        try await settle()
        return try await threads.runBlocking { [self] () throws(UploadError) in try flushed() }
    }

    func suspend() async throws(UploadError) -> UploadCheckpoint {
        try await settle()
        return try await threads.runBlocking { [self] () throws(UploadError) in
            let checkpoint = try flushed()
            if descriptor >= 0 { close(descriptor) }
            descriptor = -1
            // The file is another request's from here on.
            isAtIncomingPath = false
            return checkpoint
        }
    }

    private func flushed() throws(UploadError) -> UploadCheckpoint {
        let isNew = descriptor < 0
        try storeGathered()
        if descriptor >= 0 {
            guard fsync(descriptor) == 0 else { throw .current("fsync") }
            if isNew { try Self.flush(directory: root + "/incoming") }
        }
        return UploadCheckpoint(key: key, bytes: bytes)
    }

    func finish() async throws(UploadError) -> StoredUpload {
        try await settle()
        if let failure { throw failure }
        return try await threads.runBlocking { [self] () throws(UploadError) in
            try storeGathered()
            if descriptor < 0 { try makeFile() }
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
        // Whatever became of it goes now.
        await letGo()
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

    /// Writes what is gathered, unless a lot before it was lost. Blocks, as all that follows.
    private func storeGathered() throws(UploadError) {
        guard failure == nil, gathered.count > 0 else { return }
        try store(gathered)
        gathered.restart(at: gathered.end)
    }

    private func store(_ lot: FileLot) throws(UploadError) {
        if descriptor < 0 { try makeFile() }
        setDirect(lot.start >= Self.cachedBytes && lot.isAligned)
        var offset = 0
        while offset < lot.count {
            let count = pwrite(descriptor, lot.memory + offset, lot.count - offset, off_t(lot.start) + off_t(offset))
            if count < 0 && errno == EINTR { continue }
            if count < 0 && errno == EINVAL && isDirect {
                // A file system that cannot, or that wants larger steps.
                canBeDirect = false
                setDirect(false)
                continue
            }
            guard count > 0 else { throw .current("write") }
            offset += count
        }
        bytes = lot.end
        if isDirect { writebackStart = bytes }
        if bytes - writebackStart >= Self.cachedBytes {
            whorl_start_writeback(descriptor, writebackStart, bytes - writebackStart)
            writebackStart = bytes
        }
    }

    private func makeFile() throws(UploadError) {
        let isNew = mayFindFile ? O_TRUNC | O_NOFOLLOW : O_EXCL
        descriptor = Foundation.open(incomingPath, O_RDWR | O_CREAT | O_CLOEXEC | isNew, 0o640)
        guard descriptor >= 0 else { throw .current("open") }
        isAtIncomingPath = true
    }

    private func setDirect(_ wanted: Bool) {
        guard isDirect != (wanted && canBeDirect) else { return }
        isDirect.toggle()
        guard whorl_set_direct(descriptor, isDirect ? 1 : 0) != 0 else { return }
        canBeDirect = false
        isDirect = false
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

    private static func flush(directory: String) throws(UploadError) {
        let descriptor = Foundation.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .current("open directory") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .current("fsync directory") }
    }
}

/// Bytes that follow one another in a file, in memory that a disk can be given.
///
/// A lot ends where a multiple of its size ends in the file, so that the next one is aligned. `@unchecked Sendable`: the writer leaves it
/// alone while it is written.
private final class FileLot: @unchecked Sendable {
    static let capacity = 524_288
    /// What file systems demand of memory, offsets and lengths at most, where they write past the cache.
    private static let alignment = 4096

    private(set) var start: Int64 = 0
    private(set) var count = 0
    let memory = UnsafeMutableRawPointer.allocate(byteCount: FileLot.capacity, alignment: FileLot.alignment)

    deinit {
        memory.deallocate()
    }

    var end: Int64 { start + Int64(count) }

    var isFull: Bool { count == room }

    var isAligned: Bool { start % Int64(Self.alignment) == 0 && count % Self.alignment == 0 }

    private var room: Int { Self.capacity - Int(start % Int64(Self.capacity)) }

    /// Empties it.
    func restart(at start: Int64) {
        self.start = start
        count = 0
    }

    /// Copies as many bytes as there is room for; gives them as they lie here.
    func take(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let taken = bytes.prefix(room - count)
        let place = UnsafeMutableRawBufferPointer(start: memory + count, count: taken.count)
        place.copyMemory(from: UnsafeRawBufferPointer(rebasing: taken))
        count += taken.count
        return UnsafeRawBufferPointer(place)
    }
}
