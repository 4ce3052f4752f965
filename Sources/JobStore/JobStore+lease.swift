import Foundation
import JobModel
import PostgresClient

/// Who claims: its id, the model it judges with, and the kind of jobs it takes.
public struct Claimant: Sendable {
    public var worker: UUID
    public var modelSHA256: String
    public var kind: JobKind
    public var leaseSeconds: Double

    public init(worker: UUID, modelSHA256: String, kind: JobKind, leaseSeconds: Double) {
        self.worker = worker
        self.modelSHA256 = modelSHA256
        self.kind = kind
        self.leaseSeconds = leaseSeconds
    }
}

/// How a run ended that did not end in a verdict.
public enum RunOutcome: Sendable, Hashable {
    /// The input's fault.
    case failed(JobError)
    /// Ours: again after a while, or `dead` when the attempts are used up.
    case retried(JobError, delaySeconds: Double)
    case cancelled
    /// The worker stops; the attempt does not count.
    case handedBack
}

extension JobStore {
    /// Which queued jobs a worker may take: due, of its kind, and fixed to its model, to none, or to one that no
    /// living worker has any more.
    private static let claimable = """
        state = 'queued' AND leader_id IS NULL AND run_at <= now() AND kind = $4
        AND (model_sha256 IS NULL OR model_sha256 = $2 OR NOT EXISTS (
            SELECT 1 FROM workers w
            WHERE w.model_sha256 = jobs.model_sha256 AND w.heartbeat_at > now() - interval '1 minute'))
        """

    private static func claimStatement(choosing choice: String) -> String {
        """
        WITH chosen AS (\(choice)), claimed AS (
            UPDATE jobs SET
                state = 'running', lease_epoch = lease_epoch + 1, lease_owner = $1,
                lease_until = now() + make_interval(secs => $3), attempt = attempt + 1,
                started_at = coalesce(started_at, now()), dispatched_at = NULL, stage = NULL, progress = 0,
                model_sha256 = $2, revision = revision + 1
            FROM chosen WHERE jobs.id = chosen.id
            RETURNING jobs.*
        ), audited AS (
            INSERT INTO attempts (job_id, epoch, worker_id) SELECT id, lease_epoch, $1 FROM claimed
        )
        SELECT c.id, c.lease_epoch, c.tenant, c.attempt, c.max_attempts, c.runs_alone, c.options, c.upload_sha256,
               c.traceparent, u.store_key,
               (SELECT count(*) FROM attempts a
                WHERE a.job_id = c.id AND a.error->>'code' = 'decoder_crashed') AS decoder_crashes
        FROM claimed c JOIN uploads u ON u.id = c.upload_id ORDER BY c.queue_rank
        """
    }

    private static let claimNamed = claimStatement(
        choosing: "SELECT id FROM jobs WHERE id = $5 AND \(claimable) FOR UPDATE SKIP LOCKED")
    private static let claimNext = claimStatement(
        choosing: "SELECT id FROM jobs WHERE \(claimable) ORDER BY queue_rank LIMIT $5 FOR UPDATE SKIP LOCKED")

    /// Takes the job that Redis named; nil if it is not to be had (taken, cancelled, not due, of another model).
    public func claim(_ id: JobID, for claimant: Claimant) async throws -> ClaimedJob? {
        try await pool.query(Self.claimNamed, claimant.parameters + [id.uuid]).first.map(ClaimedJob.init(row:))
    }

    /// Takes up to `limit` jobs in the queue's order, without Redis.
    public func claimNext(_ limit: Int, for claimant: Claimant) async throws -> [ClaimedJob] {
        try await pool.query(Self.claimNext, claimant.parameters + [limit]).map(ClaimedJob.init(row:))
    }

    /// Renews leases on the heartbeat's own connection.
    ///
    /// - Returns: for each lease that still stands, whether its cancellation was asked for. A lease that is missing is
    ///   lost: its worker stops and writes nothing.
    public static func renew(
        _ leases: [JobLease], leaseSeconds: Double, on database: some PostgresQueryable, timeout: Duration
    ) async throws(PostgresError) -> [JobLease: Bool] {
        let rows = try await database.query(
            """
            UPDATE jobs SET lease_until = now() + make_interval(secs => $3)
            FROM unnest($1::uuid[], $2::bigint[]) AS held (id, epoch)
            WHERE jobs.id = held.id AND jobs.lease_epoch = held.epoch AND jobs.state = 'running'
            RETURNING jobs.id, jobs.lease_epoch, jobs.cancel_requested
            """,
            [leases.map(\.job.uuid), leases.map(\.epoch), leaseSeconds], timeout: timeout)
        var standing: [JobLease: Bool] = [:]
        for row in rows {
            let lease = JobLease(job: JobID(uuid: try row.decode("id")), epoch: try row.decode("lease_epoch"))
            standing[lease] = try row.decode("cancel_requested")
        }
        return standing
    }

    /// Shows how far a run is.
    public func report(_ lease: JobLease, stage: JobStage, progress: Double) async throws(PostgresError) -> FencedOutcome {
        let rows = try await pool.execute(
            """
            UPDATE jobs SET stage = $3, progress = greatest(progress, $4::real), revision = revision + 1
            WHERE id = $1 AND lease_epoch = $2 AND state = 'running'
            """,
            [lease.job.uuid, lease.epoch, stage.rawValue, min(max(progress, 0), 1)])
        return rows == 1 ? .written : .superseded
    }

    /// Stores the verdict with its pictures and ends the job, in one fenced transaction.
    ///
    /// - Returns: `superseded` if the lease is no longer ours, or if the job's cancellation was asked for: nothing was
    ///   written then.
    public func complete(_ lease: JobLease, verdict: Verdict, artifacts: [Artifact]) async throws -> FencedOutcome {
        let body = try PostgresJSON(encoding: verdict)
        return try await pool.withTransaction { transaction in
            let rows = try await transaction.query(
                """
                UPDATE jobs SET state = 'succeeded', finished_at = now(), lease_owner = NULL, lease_until = NULL,
                    stage = NULL, progress = 1, error = NULL, revision = revision + 1
                WHERE id = $1 AND lease_epoch = $2 AND state = 'running' AND NOT cancel_requested
                RETURNING tenant
                """,
                [lease.job.uuid, lease.epoch])
            guard let row = rows.first else { return .superseded }
            try await transaction.execute(
                """
                INSERT INTO verdicts (job_id, epoch, tenant, label, probability, model_sha256, reused, body)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                """,
                [
                    lease.job.uuid, lease.epoch, try row.decode("tenant", as: String.self), verdict.label.rawValue,
                    verdict.probability, verdict.model.sha256, verdict.reused, body,
                ])
            try await Self.insert(artifacts, of: lease.job, in: transaction)
            try await Self.audit(lease, outcome: "succeeded", error: nil, in: transaction)
            return .written
        }
    }

    /// One statement for all pictures: the row of the job stays locked, and its heartbeat waits, until the commit.
    private static func insert(
        _ artifacts: [Artifact], of job: JobID, in transaction: PostgresTransaction
    ) async throws {
        guard !artifacts.isEmpty else { return }
        let rows = artifacts.indices.map { index in
            let first = 2 + 5 * index
            return "($1, $\(first)::int, $\(first + 1)::int, $\(first + 2), $\(first + 3), $\(first + 4))"
        }
        let values: [[any PostgresParameter]] = artifacts.map {
            [$0.track, $0.frame, $0.kind.rawValue, $0.mediaType, $0.bytes]
        }
        try await transaction.execute(
            "INSERT INTO artifacts (job_id, track, frame, kind, media_type, bytes) VALUES "
                + rows.joined(separator: ", "),
            [job.uuid] + values.joined())
    }

    /// Ends a run without a verdict.
    public func end(_ lease: JobLease, _ outcome: RunOutcome) async throws -> FencedOutcome {
        let error: JobError? = switch outcome {
        case .failed(let error), .retried(let error, _): error
        case .cancelled, .handedBack: nil
        }
        let delaySeconds = if case .retried(_, let seconds) = outcome { seconds } else { 0.0 }
        return try await pool.withTransaction { transaction in
            let rows = try await transaction.query(
                """
                UPDATE jobs SET
                    state = next.state,
                    finished_at = CASE WHEN next.state <> 'queued' THEN now() END,
                    run_at = CASE WHEN next.state = 'queued' THEN now() + make_interval(secs => $5) ELSE run_at END,
                    attempt = CASE WHEN $3 = 'handedBack' THEN greatest(attempt - 1, 0) ELSE attempt END,
                    error = CASE WHEN next.state = 'cancelled' THEN NULL ELSE coalesce($4, error) END,
                    progress = CASE WHEN next.state = 'queued' THEN 0 ELSE progress END,
                    lease_owner = NULL, lease_until = NULL, stage = NULL, revision = revision + 1
                FROM (
                    SELECT id, CASE
                        WHEN $3 = 'cancelled' OR cancel_requested THEN 'cancelled'
                        WHEN $3 = 'failed' THEN 'failed'
                        WHEN $3 = 'retried' AND attempt >= max_attempts THEN 'dead'
                        ELSE 'queued' END AS state
                    FROM jobs WHERE id = $1 AND lease_epoch = $2 AND state = 'running' FOR UPDATE
                ) next
                WHERE jobs.id = next.id
                RETURNING jobs.state
                """,
                [
                    lease.job.uuid, lease.epoch, outcome.name, try error.map { try PostgresJSON(encoding: $0) },
                    delaySeconds,
                ])
            guard let state = try rows.first?.state() else { return .superseded }
            let audited = state == .queued ? (outcome.name == "retried" ? "retried" : "handed_back") : state.rawValue
            try await Self.audit(lease, outcome: audited, error: error, in: transaction)
            return .written
        }
    }

    private static func audit(
        _ lease: JobLease, outcome: String, error: JobError?, in transaction: PostgresTransaction
    ) async throws {
        try await transaction.execute(
            "UPDATE attempts SET finished_at = now(), outcome = $3, error = $4 WHERE job_id = $1 AND epoch = $2",
            [lease.job.uuid, lease.epoch, outcome, try error.map { try PostgresJSON(encoding: $0) }])
    }
}

extension RunOutcome {
    fileprivate var name: String {
        switch self {
        case .failed: "failed"
        case .retried: "retried"
        case .cancelled: "cancelled"
        case .handedBack: "handedBack"
        }
    }
}

extension Claimant {
    fileprivate var parameters: [any PostgresParameter] {
        [worker, modelSHA256, leaseSeconds, kind.rawValue]
    }
}

extension ClaimedJob {
    fileprivate init(row: PostgresRow) throws {
        let options: PostgresJSON = try row.decode("options")
        self.init(
            lease: JobLease(job: JobID(uuid: try row.decode("id")), epoch: try row.decode("lease_epoch")),
            tenant: Tenant(name: try row.decode("tenant")),
            attempt: try row.decode("attempt"),
            maximumAttempts: try row.decode("max_attempts"),
            runsAlone: try row.decode("runs_alone"),
            options: try WhorlJSON.decoder().decode(JobOptions.self, from: Data(options.text.utf8)),
            storeKey: try row.decode("store_key"),
            uploadSHA256: try row.decode("upload_sha256"),
            traceparent: try row.decode("traceparent"),
            decoderCrashes: try row.decode("decoder_crashes"))
    }
}
