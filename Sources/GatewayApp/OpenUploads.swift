import Foundation
import JobModel

/// The requests of this gateway that write to resumable uploads: a client whose connection broke comes back before the gateway has
/// noticed, and must not wait for its own ghost.
actor OpenUploads {
    private var writing: [JobID: [UUID: AsyncStream<Never>.Continuation]] = [:]

    /// Lends a stream that ends when another request wants the upload.
    func begin(_ id: JobID, token: UUID) -> AsyncStream<Never> {
        let (stream, continuation) = AsyncStream.makeStream(of: Never.self)
        writing[id, default: [:]][token] = continuation
        return stream
    }

    func end(_ id: JobID, token: UUID) {
        writing[id]?[token]?.finish()
        writing[id]?[token] = nil
        if writing[id]?.isEmpty == true { writing[id] = nil }
    }

    /// Asks the requests that write to an upload to end.
    func interrupt(_ id: JobID) {
        for continuation in (writing[id] ?? [:]).values { continuation.finish() }
    }
}
