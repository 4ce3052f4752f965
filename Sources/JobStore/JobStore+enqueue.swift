import Foundation
import JobModel
import PostgresClient

extension JobStore {
    /// Makes the job and its upload, and finishes the idempotency key, in one transaction, which it may share with others.
    ///
    /// Equal bytes are judged once: unless the job is fresh, it takes over a verdict that is known, or waits for that of an equal
    /// job under way. Whoever finds that a dispatched job did not reach the stream calls `markUndispatched`, and if nobody can,
    /// the relay finds it when the dispatch is stale.
    public func enqueue(_ job: NewJob) async throws -> EnqueuedJob {
        if let url = job.sourceURL { return try await Self.insert(job, fetchedFrom: url, pool) }
        return try await enqueuing.submit(job)
    }

    /// Makes a job whose clip a worker fetches.
    private static func insert(_ job: NewJob, fetchedFrom url: String, _ pool: PostgresPool) async throws -> EnqueuedJob {
        let rows = try await pool.query(
            "SELECT job, outcome, leader, model, now() AS created_at FROM enqueue_url_job($1, $2, $3)",
            [try PostgresJSON(encoding: try EnqueueRow(job: job)), url, priorityStepSeconds])
        return try EnqueuedJob(row: rows[0])
    }

    static func insert(_ jobs: [NewJob], _ pool: PostgresPool) async throws -> [EnqueuedJob] {
        let rows = try await pool.query(
            "SELECT job, outcome, leader, model, now() AS created_at FROM enqueue_jobs($1, $2)",
            [try PostgresJSON(encoding: try jobs.map(EnqueueRow.init(job:))), priorityStepSeconds])
        var enqueued: [JobID: EnqueuedJob] = [:]
        for row in rows {
            let job = try EnqueuedJob(row: row)
            enqueued[job.id] = job
        }
        return try jobs.map { job in
            guard let found = enqueued[job.id] else { throw PostgresError(.decoding("enqueue_jobs left out job \(job.id)")) }
            return found
        }
    }
}

/// A job as SQL's `job_request`.
private struct EnqueueRow: Encodable {
    let id: JobID
    let tenant, kind: String
    let priority, maximumAttempts: Int
    let options: JobOptions
    let storeKey: String
    let bytes: Int64
    let sha256, mediaType: String
    let traceparent, runAt: String?
    let fresh, isDispatched: Bool
    let idempotencyKey: String?
    let reservation: UUID?
    let fingerprint: String?

    private enum CodingKeys: String, CodingKey {
        case id, tenant, kind, priority, options, bytes, sha256, traceparent, fresh, reservation, fingerprint
        case maximumAttempts = "max_attempts"
        case storeKey = "store_key"
        case mediaType = "media_type"
        case runAt = "run_at"
        case isDispatched = "is_dispatched"
        case idempotencyKey = "idempotency_key"
    }

    init(job: NewJob) throws {
        id = job.id
        tenant = job.tenant.name
        kind = job.kind.rawValue
        priority = job.priority
        maximumAttempts = job.maximumAttempts
        options = job.options
        storeKey = job.storeKey
        bytes = job.bytes
        sha256 = job.sha256
        mediaType = job.mediaType
        traceparent = job.traceparent
        runAt = job.runAt?.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        fresh = job.isFresh
        isDispatched = job.isDispatched
        idempotencyKey = job.reservation?.key
        reservation = job.reservation?.token
        fingerprint = try job.reservation.map { _ in try job.fingerprint() }
    }
}

extension EnqueuedJob {
    fileprivate init(row: PostgresRow) throws {
        let text: String = try row.decode("outcome")
        guard let outcome = Outcome(rawValue: text) else {
            throw PostgresError(.decoding("\(text) is not what becomes of a job that is enqueued"))
        }
        self.init(
            id: JobID(uuid: try row.decode("job")), outcome: outcome,
            leader: try row.decode("leader", as: UUID?.self).map(JobID.init(uuid:)),
            modelSHA256: try row.decode("model"), createdAt: try row.decode("created_at"))
    }
}
