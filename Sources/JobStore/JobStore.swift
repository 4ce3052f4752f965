import Foundation
import JobModel
import PostgresClient

/// The job lifecycle in SQL. PostgreSQL owns every job; what is here is the only code that writes about one.
public struct JobStore: Sendable {
    /// Seconds of waiting that one step of priority is worth.
    static let priorityStepSeconds = 60.0

    let pool: PostgresPool

    public init(pool: PostgresPool) {
        self.pool = pool
    }

    /// Whether PostgreSQL answers and its schema is there.
    public func check() async throws(PostgresError) {
        try await pool.query("SELECT 1 FROM jobs LIMIT 1", timeout: .seconds(3))
    }
}

/// Everything of a job that a client sees, verdict included.
private let statusColumns = """
    j.id, j.kind, j.state, j.stage, j.progress, j.revision, j.attempt, j.max_attempts, j.cancel_requested, j.options,
    u.bytes AS upload_bytes, j.upload_sha256, j.model_sha256, j.error, j.created_at, j.started_at, j.finished_at
    """

extension JobStore {
    /// Makes the job and its upload, and finishes the idempotency key, in one transaction.
    ///
    /// The job counts as dispatched from the start; whoever finds that it did not reach the stream calls
    /// `markUndispatched`, and if nobody can, the relay finds it when the dispatch is stale.
    ///
    /// - Returns: nil when the reservation has lapsed and another request holds the key: nothing was written.
    public func enqueue(_ job: NewJob) async throws -> JobStatus? {
        try await pool.withTransaction { transaction in
            try await transaction.execute(
                """
                INSERT INTO uploads (id, tenant, sha256, bytes, media_type, store_key) VALUES ($1, $2, $3, $4, $5, $6)
                """,
                [job.id.uuid, job.tenant.name, job.sha256, job.bytes, job.mediaType, job.storeKey])
            try await transaction.execute(
                """
                INSERT INTO jobs (id, tenant, kind, priority, queue_rank, max_attempts, upload_id, upload_sha256, options,
                                  model_sha256, traceparent, dispatched_at)
                VALUES ($1, $2, $3, $4::int,
                        (extract(epoch FROM now()) * 1e6 - $4::int * $5::float8 * 1e6)::bigint, $6::int, $1, $7, $8,
                        (SELECT sha256 FROM models WHERE active), $9, now())
                """,
                [
                    job.id.uuid, job.tenant.name, job.kind.rawValue, job.priority, Self.priorityStepSeconds,
                    job.maximumAttempts, job.sha256, try PostgresJSON(encoding: job.options), job.traceparent,
                ])
            if let reservation = job.reservation {
                let finished = try await transaction.execute(
                    """
                    UPDATE idempotency SET state = 'finished', job_id = $1, fingerprint = $2
                    WHERE tenant = $3 AND key = $4 AND state = 'reserved' AND reservation = $5
                    """,
                    [job.id.uuid, try job.fingerprint(), job.tenant.name, reservation.key, reservation.token])
                guard finished == 1 else { throw ReservationLapsed() }
            }
            return try await status(of: job.id, tenant: job.tenant, in: transaction)
        } onLapsedReservation: {
            nil
        }
    }

    /// One job with its verdict; nil if the tenant has none of that id.
    public func status(of id: JobID, tenant: Tenant) async throws -> JobStatus? {
        try await status(of: id, tenant: tenant, in: pool)
    }

    private func status(of id: JobID, tenant: Tenant, in database: some PostgresQueryable) async throws -> JobStatus? {
        let rows = try await database.query(
            """
            SELECT \(statusColumns), v.body AS verdict
            FROM jobs j JOIN uploads u ON u.id = j.upload_id LEFT JOIN verdicts v ON v.job_id = j.id
            WHERE j.tenant = $1 AND j.id = $2
            """,
            [tenant.name, id.uuid])
        return try rows.first.map(JobStatus.init(row:))
    }

    /// The state and revision of many jobs at once, for those who wait for them.
    public func revisions(of ids: [JobID]) async throws -> [JobID: (state: JobState, revision: Int64)] {
        let rows = try await pool.query("SELECT id, state, revision FROM jobs WHERE id = ANY($1)", [ids.map(\.uuid)])
        return try rows.reduce(into: [:]) { found, row in
            found[JobID(uuid: try row.decode("id"))] = (try row.state(), try row.decode("revision"))
        }
    }

    /// A tenant's jobs, newest first.
    ///
    /// - Parameters:
    ///   - state: only these, or all.
    ///   - before: the last id of the page before.
    ///   - limit: 1…200.
    public func list(tenant: Tenant, state: JobState?, before: JobID?, limit: Int) async throws -> [JobStatus] {
        precondition((1...201).contains(limit))
        // Two texts, so that each has a plan of its own: with a state, without one.
        let condition = state == nil ? "" : "AND j.state = $4"
        let parameters: [any PostgresParameter] = [tenant.name, before?.uuid, limit]
        let rows = try await pool.query(
            """
            SELECT \(statusColumns), v.body AS verdict
            FROM jobs j JOIN uploads u ON u.id = j.upload_id LEFT JOIN verdicts v ON v.job_id = j.id
            WHERE j.tenant = $1 AND ($2::uuid IS NULL OR j.id < $2) \(condition)
            ORDER BY j.id DESC LIMIT $3
            """,
            parameters + (state.map { [$0.rawValue] } ?? []))
        return try rows.map(JobStatus.init(row:))
    }

    /// A picture of a verdict; nil if there is none.
    public func artifact(
        of id: JobID, tenant: Tenant, track: Int, frame: Int, kind: Artifact.Kind
    ) async throws -> Artifact? {
        let rows = try await pool.query(
            """
            SELECT a.media_type, a.bytes FROM artifacts a JOIN jobs j ON j.id = a.job_id
            WHERE j.tenant = $1 AND a.job_id = $2 AND a.track = $3::int AND a.frame = $4::int AND a.kind = $5
            """,
            [tenant.name, id.uuid, track, frame, kind.rawValue])
        return try rows.first.map { row in
            Artifact(
                track: track, frame: frame, kind: kind, mediaType: try row.decode("media_type"),
                bytes: try row.decode("bytes"))
        }
    }

    /// Withdraws a job: at once while it is queued, through its worker while it runs.
    public func cancel(_ id: JobID, tenant: Tenant) async throws -> CancelOutcome {
        try await pool.withTransaction { transaction in
            let changed = try await transaction.query(
                """
                UPDATE jobs SET
                    cancel_requested = true, dispatched_at = NULL, revision = revision + 1,
                    state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END,
                    error = CASE WHEN state = 'queued' THEN NULL ELSE error END,
                    finished_at = CASE WHEN state = 'queued' THEN now() END
                WHERE tenant = $1 AND id = $2 AND state IN ('queued', 'running') AND NOT cancel_requested
                RETURNING state
                """,
                [tenant.name, id.uuid])
            if let row = changed.first {
                return try row.state() == .cancelled ? .cancelled : .requested
            }
            let rows = try await transaction.query(
                "SELECT state FROM jobs WHERE tenant = $1 AND id = $2", [tenant.name, id.uuid])
            guard let state = try rows.first?.state() else { return .unknown }
            return switch state {
            case .cancelled: .cancelled
            case .queued, .running: .requested
            case .succeeded, .failed, .dead: .ended(state)
            }
        }
    }

    /// Counts by state, and how long the oldest due job has waited.
    public func statistics() async throws -> QueueStatistics {
        let rows = try await pool.query(
            """
            SELECT state, count(*) AS jobs,
                   extract(epoch FROM now() - min(run_at) FILTER (WHERE state = 'queued' AND run_at <= now()))::float8 AS age
            FROM jobs GROUP BY state
            """)
        var statistics = QueueStatistics(jobs: [:], oldestQueuedSeconds: nil)
        for row in rows {
            statistics.jobs[try row.state().rawValue] = try row.decode("jobs")
            if let age = try row.decode("age", as: Double?.self) { statistics.oldestQueuedSeconds = age }
        }
        return statistics
    }
}

/// What dashboards and autoscalers read.
public struct QueueStatistics: Codable, Sendable, Hashable {
    /// Jobs by state; states without jobs are missing.
    public var jobs: [String: Int]
    /// Seconds that the oldest due job has waited; nil when nothing waits.
    public var oldestQueuedSeconds: Double?
}

/// Thrown inside the enqueueing transaction to roll it back.
private struct ReservationLapsed: Error {}

extension PostgresPool {
    fileprivate func withTransaction<Value: Sendable>(
        _ body: (PostgresTransaction) async throws -> Value, onLapsedReservation fallback: () -> Value
    ) async throws -> Value {
        do {
            return try await withTransaction(body)
        } catch is ReservationLapsed {
            return fallback()
        }
    }
}

extension PostgresRow {
    func state() throws(PostgresError) -> JobState {
        let text: String = try decode("state")
        guard let state = JobState(rawValue: text) else {
            throw PostgresError(.decoding("\(text) is not a job state"))
        }
        return state
    }
}

extension JobStatus {
    fileprivate init(row: PostgresRow) throws {
        let decoder = WhorlJSON.decoder()
        self.init(
            id: JobID(uuid: try row.decode("id")),
            kind: JobKind(rawValue: try row.decode("kind")),
            state: try row.state(),
            stage: try row.decode("stage", as: String?.self).flatMap(JobStage.init(rawValue:)),
            progress: Double(try row.decode("progress", as: Float.self)),
            revision: try row.decode("revision"),
            attempt: try row.decode("attempt"),
            maximumAttempts: try row.decode("max_attempts"),
            cancelRequested: try row.decode("cancel_requested"),
            options: try decoder.decode(JobOptions.self, from: Data(row.decode("options", as: PostgresJSON.self).text.utf8)),
            uploadBytes: try row.decode("upload_bytes"),
            uploadSHA256: try row.decode("upload_sha256"),
            modelSHA256: try row.decode("model_sha256"),
            error: try row.decode("error", as: PostgresJSON?.self).map {
                try decoder.decode(JobError.self, from: Data($0.text.utf8))
            },
            createdAt: try row.decode("created_at"),
            startedAt: try row.decode("started_at"),
            finishedAt: try row.decode("finished_at"),
            verdict: try row.decode("verdict", as: PostgresJSON?.self).map {
                try decoder.decode(Verdict.self, from: Data($0.text.utf8))
            })
    }
}
