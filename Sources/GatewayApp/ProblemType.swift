import HTTPTypes

/// Every way in which the API says no: docs/problems.md and the OpenAPI document are held against this table.
///
/// A problem's type is `urn:whorl:problem:<raw value>`, and stays what it is once published.
public enum ProblemType: String, CaseIterable, Sendable {
    case parameterInvalid = "parameter_invalid"
    case fieldTooLarge = "field_too_large"
    case idempotencyKeyMissing = "idempotency_key_missing"
    case idempotencyKeyMalformed = "idempotency_key_malformed"
    case multipartMalformed = "multipart_malformed"
    case fileMissing = "file_missing"
    case fileEmpty = "file_empty"
    case uploadTruncated = "upload_truncated"
    case digestMismatch = "digest_mismatch"
    case bodyMalformed = "body_malformed"
    case requestMalformed = "request_malformed"
    case headersTooLarge = "headers_too_large"
    case unauthenticated = "unauthenticated"
    case scopeMissing = "scope_missing"
    case urlJobsOff = "url_jobs_off"
    case notFound = "not_found"
    case noModel = "no_model"
    case methodNotAllowed = "method_not_allowed"
    case uploadStalled = "upload_stalled"
    case uploadTooSlow = "upload_too_slow"
    case idempotencyInFlight = "idempotency_in_flight"
    case jobEnded = "job_ended"
    case jobNotDead = "job_not_dead"
    case jobCancelled = "job_cancelled"
    case uploadOffsetConflict = "upload_offset_conflict"
    case uploadGone = "upload_gone"
    case uploadTooLarge = "upload_too_large"
    case tusVersionUnsupported = "tus_version_unsupported"
    case mediaTypeUnsupported = "media_type_unsupported"
    case mediaTypeMismatch = "media_type_mismatch"
    case idempotencyKeyReused = "idempotency_key_reused"
    case urlRefused = "url_refused"
    case jobFailed = "job_failed"
    case uploadLocked = "upload_locked"
    case rateLimited = "rate_limited"
    case tenantQueueFull = "tenant_queue_full"
    case tenantJobsPerDay = "tenant_jobs_per_day"
    case tooManyUploads = "too_many_uploads"
    case tooManyWebhooks = "too_many_webhooks"
    case checksumMismatch = "checksum_mismatch"
    case internalError = "internal_error"
    case jobDead = "job_dead"
    case databaseUnavailable = "database_unavailable"
    case storeUnavailable = "store_unavailable"
    case queueFull = "queue_full"
    case tokenIssuerUnavailable = "token_issuer_unavailable"
    case noSpace = "no_space"
    case tenantStorageFull = "tenant_storage_full"

    public var status: HTTPResponse.Status { entry.status }
    /// What went wrong in general.
    public var title: String { entry.title }
    /// What a client does about it, for the documentation.
    public var advice: String { entry.advice }

    private var entry: (status: HTTPResponse.Status, title: String, advice: String) {
        switch self {
        case .parameterInvalid:
            (.badRequest, "A parameter is wrong", "Correct the query parameter, header, form part or member that `field` names.")
        case .fieldTooLarge:
            (.badRequest, "A form part or parameter is too long", "Send less in the one that `field` names.")
        case .idempotencyKeyMissing:
            (.badRequest, "The Idempotency-Key is missing", "Send one: this server demands it (`idempotency.required`).")
        case .idempotencyKeyMalformed:
            (.badRequest, "The Idempotency-Key is malformed", "Send 1 to 255 characters, in quotes or without.")
        case .multipartMalformed: (.badRequest, "The form cannot be read", "Mend the form's framing as `detail` says.")
        case .fileMissing: (.badRequest, "The form has no clip", "Send the clip in a part named `file`.")
        case .fileEmpty: (.badRequest, "The clip has no bytes", "Send a clip.")
        case .uploadTruncated:
            (.badRequest, "The upload broke off", "Send it again; with a resumable upload, ask for the offset and go on from there.")
        case .digestMismatch: (.badRequest, "The clip is not what Repr-Digest says", "It changed on its way, or the digest is of something else: send it again.")
        case .bodyMalformed: (.badRequest, "The body cannot be read", "Send the JSON that the OpenAPI document describes.")
        case .requestMalformed: (.badRequest, "The request cannot be read", "Mend the request's framing.")
        case .headersTooLarge:
            (.requestHeaderFieldsTooLarge, "The request's fields are too large", "Send fewer and shorter ones (`http.maxHeaderBytes`, and 100 at most).")
        case .unauthenticated: (.unauthorized, "No valid key", "Send `Authorization: Bearer` with a key or token that is valid.")
        case .scopeMissing: (.forbidden, "The key does not allow this", "Use a key with the scope that `detail` names.")
        case .urlJobsOff: (.forbidden, "Clips by URL are switched off", "Send the clip itself; an operator can allow URLs (`fetch.enabled`).")
        case .notFound: (.notFound, "There is no such thing", "Check the id; what belongs to other tenants is not found either.")
        case .noModel: (.notFound, "No model is registered", "Start a worker; it registers its model.")
        case .methodNotAllowed: (.methodNotAllowed, "The method is not allowed", "Use one that `Allow` lists.")
        case .uploadStalled: (.requestTimeout, "The upload stood still", "Send it again, or use a resumable upload.")
        case .uploadTooSlow: (.requestTimeout, "The upload is too slow", "Use a faster connection, or a resumable upload.")
        case .idempotencyInFlight:
            (.conflict, "A request with this Idempotency-Key is under way", "Ask again after Retry-After.")
        case .jobEnded: (.conflict, "The job has ended", "Nothing is left to withdraw.")
        case .jobNotDead: (.conflict, "The job is not dead", "Only dead jobs are retried by hand.")
        case .jobCancelled: (.conflict, "The job was cancelled", "Send the clip again if you want its verdict.")
        case .uploadOffsetConflict: (.conflict, "The offset is another", "Ask for the offset with HEAD and go on from there.")
        case .uploadGone: (.gone, "The upload is over", "It was terminated, or it expired: begin another.")
        case .uploadTooLarge: (.contentTooLarge, "The clip is too large", "Send no more than the bytes that `detail` names.")
        case .tusVersionUnsupported: (.preconditionFailed, "The tus version is not supported", "Send `Tus-Resumable: 1.0.0`.")
        case .mediaTypeUnsupported: (.unsupportedMediaType, "The media type is not taken", "Use one that `detail` lists.")
        case .mediaTypeMismatch:
            (.unsupportedMediaType, "The clip is not of its media type", "Send its real type, or application/octet-stream.")
        case .idempotencyKeyReused: (.unprocessableContent, "The Idempotency-Key was used for another request", "Use a new key.")
        case .urlRefused: (.unprocessableContent, "The URL is not allowed", "Use an http or https URL of a public address.")
        case .jobFailed: (.unprocessableContent, "The clip cannot be judged", "`error` says why; the same clip will fail again.")
        case .uploadLocked: (.init(code: 423, reasonPhrase: "Locked"), "Another request writes to this upload", "Try again in a moment.")
        case .rateLimited: (.tooManyRequests, "Too many requests", "Wait for Retry-After.")
        case .tenantQueueFull: (.tooManyRequests, "Your queue is full", "Wait until some of your jobs are done.")
        case .tenantJobsPerDay: (.tooManyRequests, "Your jobs of today are used up", "Wait for Retry-After, or ask an operator for more.")
        case .tooManyUploads: (.tooManyRequests, "Too many uploads are open", "End or terminate some of your resumable uploads.")
        case .tooManyWebhooks: (.conflict, "Too many webhooks", "Remove one first.")
        case .checksumMismatch: (.init(code: 460, reasonPhrase: "Checksum Mismatch"), "The checksum is another", "Send the same bytes again.")
        case .internalError: (.internalServerError, "The server made a mistake", "It is in the server's log under `requestId`; report it.")
        case .jobDead: (.internalServerError, "The clip could not be judged", "It is no fault of the clip's; an operator can retry the job.")
        case .databaseUnavailable: (.serviceUnavailable, "The database cannot be reached", "Nothing was accepted; try again after Retry-After.")
        case .storeUnavailable: (.serviceUnavailable, "The upload store cannot be reached", "Nothing was accepted; try again after Retry-After.")
        case .queueFull: (.serviceUnavailable, "The queue is full", "Nothing was accepted; try again after Retry-After.")
        case .tokenIssuerUnavailable: (.serviceUnavailable, "The tokens' issuer cannot be reached", "Try again after Retry-After.")
        case .noSpace: (.init(code: 507, reasonPhrase: "Insufficient Storage"), "There is no room for the clip", "Try again later.")
        case .tenantStorageFull:
            (.init(code: 507, reasonPhrase: "Insufficient Storage"), "Your storage is full", "Erase jobs, or ask an operator for more.")
        }
    }
}
