import AsyncHTTPClient
import Crypto
import Foundation
import JobModel
import NIOCore
import NIOPosix

/// Uploads as objects of an S3-compatible store, so that gateways and workers need no disk in common.
///
/// An upload is gathered in a file without a name until there is enough for a part; a small one is one object at once. What a gateway
/// left half-way is an upload in parts, which `unfinished` lists, or the tail of a resumable one, at `tails/`.
public struct S3UploadStore: UploadStore {
    /// Ten thousand parts of this size are 160 GB; S3 takes none smaller than 5 MiB but the last.
    static let partBytes: Int64 = 16 << 20
    static let minimumPartBytes: Int64 = 5 << 20
    private static let readTries = 5

    let client: S3Client
    let spoolDirectory: String
    let threads: NIOThreadPool

    /// - Parameters:
    ///   - spoolDirectory: where parts wait; each upload takes up to 16 MiB there, a worker's clip its whole size.
    ///   - threads: where files are written and read.
    public init(place: S3Place, http: HTTPClient, spoolDirectory: String, threads: NIOThreadPool = .singleton) {
        client = S3Client(place: place, http: http)
        self.spoolDirectory = spoolDirectory
        self.threads = threads
    }

    public func begin(_ id: JobID) async throws(UploadError) -> any UploadWriter {
        S3UploadWriter(store: self, key: UploadKey.make(id))
    }

    public func resume(_ checkpoint: UploadCheckpoint) async throws(UploadError) -> any UploadWriter {
        guard UploadKey.id(in: checkpoint.key) != nil else { throw .malformedKey }
        let writer = S3UploadWriter(store: self, key: checkpoint.key)
        try await writer.reopen(checkpoint)
        return writer
    }

    public func open(key: String) async throws(UploadError) -> Int32 {
        guard UploadKey.id(in: key) != nil else { throw .malformedKey }
        let file = try await SpoolFile.make(in: spoolDirectory, threads: threads)
        try await fill(file, from: key)
        return try await file.handOver()
    }

    /// Reads an object to its end; where a connection breaks it goes on from there.
    func fill(_ file: SpoolFile, from key: String) async throws(UploadError) {
        try await each(of: key) { buffer in try await file.append(buffer) }
    }

    func each(of key: String, _ body: (ByteBuffer) async throws -> Void) async throws(UploadError) {
        var offset: Int64 = 0
        for attempt in 1... {
            do {
                return try await client.read(key, from: offset) { buffer in
                    try await body(buffer)
                    offset += Int64(buffer.readableBytes)
                }
            } catch let refusal as S3Client.Refusal where refusal.status == 416 && offset > 0 {
                // All of it was there before the connection broke.
                return
            } catch let refusal as S3Client.Refusal where refusal.status < 500 && refusal.status != 429 {
                throw Self.error(refusal, "get", key)
            } catch let error as UploadError {
                throw error
            } catch {
                if attempt >= Self.readTries || Task.isCancelled { throw Self.error(error, "get", key) }
                // Cancelled in its sleep, it tries once more and ends there.
                try? await Task.sleep(for: .milliseconds(100 << min(attempt, 5)))
            }
        }
    }

    public func remove(key: String) async throws(UploadError) {
        guard UploadKey.id(in: key) != nil else { throw .malformedKey }
        try await call("delete", key) { try await client.delete(key) }
    }

    public func unfinished(olderThanSeconds seconds: Double) async throws(UploadError) -> [String] {
        let limit = Date(timeIntervalSinceNow: -seconds)
        return try await call("list", "") {
            let parts = try await client.listUploads(prefix: "")
            let tails = try await client.list(prefix: "tails/")
            let keys = parts.filter { $0.at < limit }.map(\.key)
                + tails.filter { $0.at < limit }.compactMap { Self.key(ofTail: $0.key) }
            return Set(keys).filter { UploadKey.id(in: $0) != nil }.sorted()
        }
    }

    public func discard(unfinished key: String) async throws(UploadError) {
        guard UploadKey.id(in: key) != nil else { throw .malformedKey }
        try await call("abort", key) {
            for upload in try await client.listUploads(prefix: key) where upload.key == key {
                try await client.abortParts(key, uploadID: upload.uploadID)
            }
            try await removeTails(of: key)
        }
    }

    /// Removes tails of an upload, all but one.
    func removeTails(of key: String, but kept: String? = nil) async throws {
        for tail in try await client.list(prefix: "tails/\(key)/") where tail.key != kept { try await client.delete(tail.key) }
    }

    /// Where the last bytes of a resumable upload wait that are too few for a part.
    static func tail(of key: String, at bytes: Int64) -> String { "tails/\(key)/\(bytes)" }

    private static func key(ofTail tail: String) -> String? {
        let parts = tail.split(separator: "/")
        return parts.count == 4 ? "\(parts[1])/\(parts[2])" : nil
    }

    public func keys(inFolder folder: Int, olderThanSeconds seconds: Double) async throws(UploadError) -> [String] {
        let limit = Date(timeIntervalSinceNow: -seconds)
        return try await call("list", "") {
            try await client.list(prefix: UploadKey.folder(folder) + "/").filter { $0.at < limit }.map(\.key)
        }
    }

    public func check() async throws(UploadError) {
        // An object that is not there looks like a bucket that is not there, unless the bucket itself is asked.
        try await call("list", "") { _ = try await client.list(prefix: UploadKey.make(JobID.make())) }
    }

    /// Runs a request and gives its error the store's type.
    func call<Value>(_ operation: String, _ key: String, _ body: () async throws -> Value) async throws(UploadError) -> Value {
        do {
            return try await body()
        } catch let error as UploadError {
            throw error
        } catch {
            throw Self.error(error, operation, key)
        }
    }

    private static func error(_ error: any Error, _ operation: String, _ key: String) -> UploadError {
        guard let refusal = error as? S3Client.Refusal else { return .remote(operation: operation, detail: "\(error)") }
        if refusal.status == 404, refusal.code != "NoSuchBucket" { return .missing(key: key) }
        if refusal.status == 507 || refusal.code == "XMinioStorageFull" || refusal.code == "QuotaExceeded" { return .noSpace }
        return .remote(operation: operation, detail: "\(refusal.status) \(refusal.code)")
    }
}

/// One upload on its way to the store. `@unchecked Sendable`: one task uses it at a time, as `UploadWriter` demands.
private final class S3UploadWriter: UploadWriter, @unchecked Sendable {
    private struct Part: Codable {
        let tag: String
        let bytes: Int64
    }

    /// A checkpoint's own state.
    private struct State: Codable {
        var uploadID: String?
        var parts: [Part]
        /// Where the bytes after the parts are.
        var tail: String?
    }

    /// So many bytes are gathered before they go to the file.
    private static let gatheredBytes = 262_144

    private let store: S3UploadStore
    private let key: String
    private var gathered: [ByteBuffer] = []
    private var gatheredCount = 0
    private var spool: SpoolFile?
    private var spoolHash = SHA256()
    /// nil for a resumed upload, which is read again at its end: a hash half done cannot be kept.
    private var hash: SHA256? = SHA256()
    private var state = State(uploadID: nil, parts: [], tail: nil)
    private var bytes: Int64 = 0
    /// The object is there already: its gateway died before the job was made.
    private var isObject = false
    private var isOver = false

    init(store: S3UploadStore, key: String) {
        self.store = store
        self.key = key
    }

    private var partBytes: Int64 { state.parts.reduce(0) { $0 + $1.bytes } }

    func reopen(_ checkpoint: UploadCheckpoint) async throws(UploadError) {
        bytes = checkpoint.bytes
        guard bytes > 0 else { return }
        hash = nil
        if let length = try await store.call("head", key, { try await store.client.length(of: key) }) {
            guard length == bytes else { throw .missing(key: key) }
            isObject = true
            return
        }
        do {
            state = try JSONDecoder().decode(State.self, from: Data((checkpoint.state ?? "").utf8))
        } catch {
            throw .missing(key: key)
        }
        if let tail = state.tail {
            let file = try await SpoolFile.make(in: store.spoolDirectory, threads: store.threads)
            try await store.each(of: tail) { buffer in
                spoolHash.update(data: buffer.readableBytesView)
                try await file.append(buffer)
            }
            spool = file
        }
        guard partBytes + (spool?.bytes ?? 0) == bytes else { throw .missing(key: key) }
    }

    func write(_ buffer: ByteBuffer) async throws(UploadError) {
        gathered.append(buffer)
        gatheredCount += buffer.readableBytes
        guard gatheredCount >= Self.gatheredBytes else { return }
        try await spoolGathered()
        if let spool, spool.bytes >= S3UploadStore.partBytes { try await putPart() }
    }

    private func spoolGathered() async throws(UploadError) {
        guard !gathered.isEmpty else { return }
        let file: SpoolFile
        if let spool {
            file = spool
        } else {
            file = try await SpoolFile.make(in: store.spoolDirectory, threads: store.threads)
            spool = file
        }
        // One by one, so that another try after a failure neither repeats nor leaves out any.
        while let buffer = gathered.first {
            try await file.append(buffer)
            gathered.removeFirst()
            spoolHash.update(data: buffer.readableBytesView)
            hash?.update(data: buffer.readableBytesView)
            bytes += Int64(buffer.readableBytes)
        }
        gatheredCount = 0
    }

    /// Sends what is in the file as the next part.
    private func putPart() async throws(UploadError) {
        guard let spool, spool.bytes > 0 else { return }
        let number = state.parts.count + 1
        let tag = try await store.call("put part", key) {
            if state.uploadID == nil { state.uploadID = try await store.client.beginParts(key) }
            return try await store.client.putPart(
                key, uploadID: state.uploadID ?? "", number: number, .file(spool, sha256: Array(spoolHash.finalize())))
        }
        state.parts.append(Part(tag: tag, bytes: spool.bytes))
        state.tail = nil
        try await spool.clear()
        spoolHash = SHA256()
    }

    func checkpoint() async throws(UploadError) -> UploadCheckpoint {
        try await spoolGathered()
        if let spool, spool.bytes >= S3UploadStore.minimumPartBytes { try await putPart() }
        return try await checkpointWithTail()
    }

    func suspend() async throws(UploadError) -> UploadCheckpoint {
        let checkpoint = try await checkpoint()
        isOver = true
        return checkpoint
    }

    private func checkpointWithTail() async throws(UploadError) -> UploadCheckpoint {
        if isObject { return UploadCheckpoint(key: key, bytes: bytes) }
        if let spool, spool.bytes > 0 {
            // Another name for every length: the old tail is good until the new checkpoint is kept.
            let tail = S3UploadStore.tail(of: key, at: bytes)
            if state.tail != tail {
                try await store.call("put", key) {
                    try await store.client.put(tail, .file(spool, sha256: Array(spoolHash.finalize())))
                }
                state.tail = tail
            }
        }
        let text: String
        do {
            text = String(decoding: try JSONEncoder().encode(state), as: UTF8.self)
        } catch {
            throw .remote(operation: "checkpoint", detail: "\(error)")
        }
        return UploadCheckpoint(key: key, bytes: bytes, state: bytes == 0 ? nil : text)
    }

    func finish() async throws(UploadError) -> StoredUpload {
        if !isObject {
            try await spoolGathered()
            if let id = state.uploadID {
                try await putPart()
                try await completeParts(id)
            } else {
                try await store.call("put", key) {
                    let payload: S3Client.Payload = if let spool { .file(spool, sha256: Array(spoolHash.finalize())) } else { .bytes([]) }
                    try await store.client.put(key, payload)
                }
            }
        }
        isOver = true
        var whole = SHA256()
        if let hash {
            whole = hash
        } else {
            try await store.each(of: key) { whole.update(data: $0.readableBytesView) }
            try await store.call("delete", key) { try await store.removeTails(of: key) }
        }
        return StoredUpload(key: key, bytes: bytes, sha256: whole.finalize().hexText)
    }

    private func completeParts(_ id: String) async throws(UploadError) {
        try await store.call("complete", key) {
            do {
                try await store.client.completeParts(key, uploadID: id, tags: state.parts.map(\.tag))
            } catch let refusal as S3Client.Refusal where refusal.code == "NoSuchUpload" {
                // An earlier try may have done it, and its answer got lost.
                guard try await store.client.length(of: key) == bytes else { throw refusal }
            }
        }
    }

    func abort() async {
        guard !isOver else { return }
        isOver = true
        gathered = []
        spool = nil
        guard let id = state.uploadID else { return }
        do {
            try await store.client.abortParts(key, uploadID: id)
        } catch {
            // `unfinished` lists it.
        }
    }
}
