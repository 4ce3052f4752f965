import Foundation
import JobModel
import NIOCore

/// Where the bytes of an upload live.
///
/// A key is `xx/<id>`, where `xx` are the last two digits of the id: made from our own ids alone, never from a client's words.
public protocol UploadStore: Sendable {
    /// Starts an upload; nothing is visible under its key before `finish`.
    func begin(_ id: JobID) async throws(UploadError) -> any UploadWriter
    /// Goes on with an upload where a checkpoint left it; what came after that is dropped.
    ///
    /// - Throws: `missing` if nothing of it is left.
    func resume(_ checkpoint: UploadCheckpoint) async throws(UploadError) -> any UploadWriter
    /// Opens a finished upload for reading. The caller closes the descriptor.
    func open(key: String) async throws(UploadError) -> Int32
    /// Removes a finished upload; removing one that is gone is no error.
    func remove(key: String) async throws(UploadError)
    /// Keys of uploads that were begun, and of which nothing came for `seconds`.
    func unfinished(olderThanSeconds seconds: Double) async throws(UploadError) -> [String]
    /// Removes what an upload left that was never finished; no error if nothing is left.
    func discard(unfinished key: String) async throws(UploadError)
    /// Keys of one folder's finished uploads that are older than `seconds`.
    ///
    /// - Parameter folder: 0 to `UploadKey.folderCount` − 1.
    func keys(inFolder folder: Int, olderThanSeconds seconds: Double) async throws(UploadError) -> [String]
    /// Whether an upload can be stored now; the reason if not.
    func check() async throws(UploadError)
}

/// One upload on its way in. Used by one task at a time; ends with `finish`, `suspend` or `abort`.
public protocol UploadWriter: Sendable {
    /// Appends bytes; they may be on their way still when this returns.
    func write(_ buffer: ByteBuffer) async throws(UploadError)
    /// Makes durable what the store can of what was written, and says how far that goes.
    func checkpoint() async throws(UploadError) -> UploadCheckpoint
    /// Makes all that was written durable, and leaves it for `resume`.
    func suspend() async throws(UploadError) -> UploadCheckpoint
    /// Makes the bytes durable and visible.
    func finish() async throws(UploadError) -> StoredUpload
    /// Leaves nothing behind; harmless after the end or a second time.
    func abort() async
}

extension UploadWriter {
    /// Appends bytes.
    public func write(_ bytes: [UInt8]) async throws(UploadError) {
        try await write(ByteBuffer(bytes: bytes))
    }
}

/// How far an upload has come that goes on in another request, maybe of another process.
public struct UploadCheckpoint: Hashable, Sendable, Codable {
    public var key: String
    /// Bytes that are durable.
    public var bytes: Int64
    /// What only the store understands; nil where it needs nothing.
    public var state: String?

    public init(key: String, bytes: Int64, state: String? = nil) {
        self.key = key
        self.bytes = bytes
        self.state = state
    }
}

/// The names of uploads.
public enum UploadKey {
    /// How many folders finished uploads are spread over.
    public static let folderCount = 256

    /// The key of an upload.
    public static func make(_ id: JobID) -> String {
        let text = id.description
        return "\(text.suffix(2))/\(text)"
    }

    /// The name of a folder.
    public static func folder(_ number: Int) -> String {
        let digits = String(number % folderCount, radix: 16)
        return digits.utf8.count == 2 ? digits : "0" + digits
    }

    /// The id in a key; nil for what `make` does not give, which could leave the store's place.
    public static func id(in key: String) -> JobID? {
        let parts = key.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let id = JobID(parts[1]), make(id) == key else { return nil }
        return id
    }
}

/// An upload that is durable.
public struct StoredUpload: Hashable, Sendable {
    /// Made from our own ids alone, never from a client's words.
    public var key: String
    public var bytes: Int64
    /// SHA-256, hex.
    public var sha256: String

    public init(key: String, bytes: Int64, sha256: String) {
        self.key = key
        self.bytes = bytes
        self.sha256 = sha256
    }
}

/// What went wrong with an upload's bytes.
public enum UploadError: Error, Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    /// No room left on the store.
    case noSpace
    /// The store has no upload of that key.
    case missing(key: String)
    /// A key that this store never gave out.
    case malformedKey
    /// Anything else, with the system's own words.
    case system(operation: String, errno: Int32)
    /// A store on another machine refused, or did not answer.
    case remote(operation: String, detail: String)

    /// The error that a system call has just left.
    static func current(_ operation: String) -> UploadError {
        errno == ENOSPC || errno == EDQUOT ? .noSpace : .system(operation: operation, errno: errno)
    }

    public var description: String {
        switch self {
        case .noSpace: "there is no room left to store the upload; try again later"
        case .missing: "the upload's bytes are gone from the store"
        case .malformedKey: "that is not the key of an upload"
        case .system, .remote: "the upload could not be stored or read; try again later"
        }
    }

    public var debugDescription: String {
        switch self {
        case .system(let operation, let errno): "\(operation): \(String(cString: strerror(errno)))"
        case .remote(let operation, let detail): "\(operation): \(detail)"
        case .missing(let key): "no upload \(key)"
        case .noSpace, .malformedKey: description
        }
    }

    /// What a worker does about it.
    public var disposition: FailureDisposition {
        switch self {
        // Missing bytes are no fault of the clip: a directory that is not mounted looks just like that.
        case .noSpace, .system, .remote, .missing, .malformedKey: .retry
        }
    }
}
