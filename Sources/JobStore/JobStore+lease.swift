import Foundation
import JobModel
import PostgresClient

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

/// The writes of a job's worker. Each is one statement, and fenced: it concerns no row when the lease is no longer ours.
extension JobStore {
    /// Notes the bytes of a clip that was fetched; false when the lease is no longer ours.
    ///
    /// - Parameter job: gets what is known now.
    public func attach(_ job: inout ClaimedJob, storeKey: String, bytes: Int64, sha256: String) async throws(PostgresError) -> Bool {
        let changed = try await pool.execute(
            """
            WITH mine AS (
                UPDATE jobs SET upload_sha256 = $5, revision = revision + 1
                WHERE id = $1 AND lease_epoch = $2 AND state = 'running' RETURNING upload_id
            )
            UPDATE uploads SET store_key = $3, bytes = $4, sha256 = $5 FROM mine WHERE uploads.id = mine.upload_id
            """,
            [job.lease.job.uuid, job.lease.epoch, storeKey, bytes, sha256])
        job.storeKey = storeKey
        job.uploadSHA256 = sha256
        return changed == 1
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
            WITH standing AS (
                SELECT jobs.id FROM jobs JOIN unnest($1::uuid[], $2::bigint[]) AS held (id, epoch)
                    ON jobs.id = held.id AND jobs.lease_epoch = held.epoch AND jobs.state = 'running'
                -- In the order of those who enqueue followers, so that neither waits for the other.
                ORDER BY jobs.upload_sha256, jobs.id FOR NO KEY UPDATE OF jobs
            )
            UPDATE jobs SET lease_until = now() + make_interval(secs => $3) FROM standing WHERE jobs.id = standing.id
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
        return rows == 1 ? .written(followers: []) : .superseded
    }

    /// Those who follow a job, for hints to whoever waits for them.
    static let followers = "ARRAY(SELECT f.id FROM jobs f WHERE f.leader_id = jobs.id) AS followers"

    /// Ends a run without a verdict.
    public func end(_ lease: JobLease, _ outcome: RunOutcome) async throws -> FencedOutcome {
        let error: JobError? = switch outcome {
        case .failed(let error), .retried(let error, _): error
        case .cancelled, .handedBack: nil
        }
        let delaySeconds = if case .retried(_, let seconds) = outcome { seconds } else { 0.0 }
        let rows = try await pool.query(
            """
            WITH next AS (
                SELECT id, CASE
                    WHEN $3 = 'cancelled' OR cancel_requested THEN 'cancelled'
                    WHEN $3 = 'failed' THEN 'failed'
                    WHEN $3 = 'retried' AND attempt >= max_attempts THEN 'dead'
                    ELSE 'queued' END AS state
                FROM jobs WHERE id = $1 AND lease_epoch = $2 AND state = 'running' FOR UPDATE
            ), ended AS (
                UPDATE jobs SET
                    state = next.state,
                    finished_at = CASE WHEN next.state <> 'queued' THEN now() END,
                    run_at = CASE WHEN next.state = 'queued' THEN now() + make_interval(secs => $5) ELSE run_at END,
                    -- What is not due yet stands behind what is, so that nobody has to read past it.
                    queue_rank = CASE WHEN $5 > 0 AND next.state = 'queued'
                        THEN (extract(epoch FROM now() + make_interval(secs => $5)) * 1e6 - priority * $6 * 1e6)::bigint
                        ELSE queue_rank END,
                    attempt = CASE WHEN $3 = 'handedBack' THEN greatest(attempt - 1, 0) ELSE attempt END,
                    error = CASE WHEN next.state = 'cancelled' THEN NULL ELSE coalesce($4, error) END,
                    progress = CASE WHEN next.state = 'queued' THEN 0 ELSE progress END,
                    lease_owner = NULL, lease_until = NULL, stage = NULL, revision = revision + 1
                FROM next WHERE jobs.id = next.id
                RETURNING jobs.id, jobs.state, \(Self.followers)
            ), audited AS (
                UPDATE attempts SET finished_at = now(), error = $4, outcome = CASE
                    WHEN ended.state <> 'queued' THEN ended.state
                    WHEN $3 = 'retried' THEN 'retried' ELSE 'handed_back' END
                FROM ended WHERE attempts.job_id = $1 AND attempts.epoch = $2
            )
            SELECT state, followers FROM ended
            """,
            [
                lease.job.uuid, lease.epoch, outcome.name, try error.map { try PostgresJSON(encoding: $0) }, delaySeconds,
                Self.priorityStepSeconds,
            ])
        guard let row = rows.first else { return .superseded }
        return .written(followers: try row.decode("followers", as: [UUID].self).map(JobID.init(uuid:)))
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
