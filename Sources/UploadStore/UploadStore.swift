import Foundation
import JobModel

/// Where the bytes of an upload live.
public protocol UploadStore: Sendable {
    /// Starts an upload; nothing is visible under its key before `finish`.
    func begin() async throws(UploadError) -> any UploadWriter
    /// Opens a finished upload for reading. The caller closes the descriptor.
    func open(key: String) async throws(UploadError) -> Int32
    /// Removes a finished upload; removing one that is gone is no error.
    func remove(key: String) async throws(UploadError)
    /// Whether an upload can be stored now; the reason if not.
    func check() async throws(UploadError)
}

/// One upload on its way in. Used by one task at a time; ends with `finish` or `abort`.
public protocol UploadWriter: Sendable {
    /// Appends bytes.
    func write(_ bytes: [UInt8]) async throws(UploadError)
    /// Makes the bytes durable and visible.
    func finish() async throws(UploadError) -> StoredUpload
    /// Leaves nothing behind; harmless after `finish` or a second time.
    func abort() async
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

    public var description: String {
        switch self {
        case .noSpace: "there is no room left to store the upload; try again later"
        case .missing: "the upload's bytes are gone from the store"
        case .malformedKey: "that is not the key of an upload"
        case .system: "the upload could not be stored or read; try again later"
        }
    }

    public var debugDescription: String {
        switch self {
        case .system(let operation, let errno): "\(operation): \(String(cString: strerror(errno)))"
        case .missing(let key): "no upload \(key)"
        case .noSpace, .malformedKey: description
        }
    }

    /// What a worker does about it.
    public var disposition: FailureDisposition {
        switch self {
        // Missing bytes are no fault of the clip: a directory that is not mounted looks just like that.
        case .noSpace, .system, .missing, .malformedKey: .retry
        }
    }
}
