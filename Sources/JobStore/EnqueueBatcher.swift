import Foundation
import JobModel
import PostgresClient

/// Gathers the jobs that are enqueued at one moment into one transaction, since a commit costs as much for a hundred jobs as
/// for one. Nobody is made to wait for company: a batch is what came while earlier ones were being written.
actor EnqueueBatcher {
    /// Batches written side by side: while one is flushed to the disk another is being filled.
    private static let maximumWriting = 2
    private static let maximumBatch = 128
    /// Who comes when so many wait already is refused.
    private static let maximumWaiting = 8192

    private struct Waiting {
        let job: NewJob
        let done: CheckedContinuation<Result<EnqueuedJob, any Error>, Never>
    }

    private let pool: PostgresPool
    private var waiting: [Waiting] = []
    private var writing = 0

    init(pool: PostgresPool) {
        self.pool = pool
    }

    /// Returns when the job is durable.
    func enqueue(_ job: NewJob) async throws -> EnqueuedJob {
        guard waiting.count < Self.maximumWaiting else { throw PostgresError(.poolExhausted) }
        return try await withCheckedContinuation { done in
            waiting.append(Waiting(job: job, done: done))
            writeNext()
        }.get()
    }

    /// Begins a batch, unless enough are being written. Its task belongs to nobody's request: one that is cancelled must not
    /// end the transaction of the others.
    private func writeNext() {
        guard writing < Self.maximumWriting, !waiting.isEmpty else { return }
        let batch = Array(waiting.prefix(Self.maximumBatch))
        waiting.removeFirst(batch.count)
        writing += 1
        Task {
            let results = await write(batch.map(\.job))
            for (entry, result) in zip(batch, results) { entry.done.resume(returning: result) }
            writing -= 1
            writeNext()
        }
    }

    private func write(_ jobs: [NewJob]) async -> [Result<EnqueuedJob, any Error>] {
        do {
            return try await insert(jobs).map { .success($0) }
        } catch let error as PostgresError where jobs.count > 1 && !error.outcomeIsUnknown && !error.isRetryable {
            // One of them cannot be written; the others are not to blame.
            var results: [Result<EnqueuedJob, any Error>] = []
            for job in jobs { results += await write([job]) }
            return results
        } catch {
            return jobs.map { _ in .failure(error) }
        }
    }

    private func insert(_ jobs: [NewJob]) async throws -> [EnqueuedJob] {
        let rows = try await pool.query(
            "SELECT job, outcome, leader, model, now() AS created_at FROM enqueue_jobs($1, $2)",
            [try PostgresJSON(encoding: try jobs.map(EnqueueRow.init(job:))), JobStore.priorityStepSeconds])
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

/// A job as `enqueue_jobs` reads it.
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

extension JobStore {
    /// Makes the job and its upload, and finishes the idempotency key, in one transaction, which it may share with others.
    ///
    /// Equal bytes are judged once: unless the job is fresh, it takes over a verdict that is known, or waits for that of an equal
    /// job under way. Whoever finds that a dispatched job did not reach the stream calls `markUndispatched`, and if nobody can,
    /// the relay finds it when the dispatch is stale.
    public func enqueue(_ job: NewJob) async throws -> EnqueuedJob {
        try await enqueuing.enqueue(job)
    }
}
