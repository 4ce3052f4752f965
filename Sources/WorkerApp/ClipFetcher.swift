import Foundation
import JobModel
import Outbound
import UploadStore

/// Fetches a clip from where its job says, into the store, as its gateway would have if it had been sent.
struct ClipFetcher: Sendable {
    let client: OutboundClient
    let uploads: any UploadStore
    let maximumBytes: Int64

    /// - Returns: the clip, durable under a key that no row knows yet.
    /// - Throws: `JobFailure`; nothing is left in the store then.
    func fetch(_ url: String) async throws(JobFailure) -> StoredUpload {
        do {
            let request = OutboundRequest(url: url, headers: [("accept", "video/*, application/octet-stream"), ("accept-encoding", "identity")])
            return try await client.send(request) { status, headers, body in
                guard status == .ok else { throw Self.failure(status: Int(status.code)) }
                if let length = headers.first(name: "content-length").flatMap(Int64.init), length > maximumBytes { throw tooLarge }
                // A key of its own for every try: what an earlier one left is not in the way.
                let writer = try await uploads.begin(.make())
                do {
                    var count: Int64 = 0
                    for try await buffer in body {
                        count += Int64(buffer.readableBytes)
                        guard count <= maximumBytes else { throw tooLarge }
                        try await writer.write(buffer)
                    }
                    guard count > 0 else { throw JobFailure(code: "fetch_empty", message: "the URL gives no bytes", disposition: .refuse) }
                    return try await writer.finish()
                } catch {
                    await writer.abort()
                    throw error
                }
            }
        } catch let failure as JobFailure {
            throw failure
        } catch OutboundError.refused(let reason) {
            throw JobFailure(code: "url_refused", message: "the URL is not allowed: \(reason)", disposition: .refuse)
        } catch let error as UploadError {
            throw JobFailure(code: "upload_unwritable", message: error.description, disposition: error.disposition)
        } catch {
            throw JobFailure(code: "fetch_failed", message: "the clip could not be fetched: \(error)", disposition: .retry)
        }
    }

    private var tooLarge: JobFailure {
        JobFailure(
            code: "fetch_too_large", message: "the URL gives more than the \(maximumBytes) bytes that are taken here", disposition: .refuse)
    }

    /// What a status other than 200 means: some pass.
    private static func failure(status: Int) -> JobFailure {
        let passes = status >= 500 || status == 408 || status == 425 || status == 429
        return JobFailure(
            code: "fetch_failed", message: "the URL answered with HTTP status \(status)", disposition: passes ? .retry : .refuse)
    }
}
