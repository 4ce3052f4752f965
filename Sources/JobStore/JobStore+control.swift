import Foundation
import JobModel
import PostgresClient

/// What clients and operators do to a job from outside.
extension JobStore {
    /// Withdraws a job: at once while it is queued, through its worker while it runs. Those that follow it get another leader.
    public func cancel(_ id: JobID, tenant: Tenant) async throws -> CancelOutcome {
        try await pool.withTransaction { transaction in
            let changed = try await transaction.query(
                """
                UPDATE jobs SET
                    cancel_requested = true, dispatched_at = NULL, revision = revision + 1,
                    state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END,
                    leader_id = NULL,
                    error = CASE WHEN state = 'queued' THEN NULL ELSE error END,
                    finished_at = CASE WHEN state = 'queued' THEN now() END
                WHERE tenant = $1 AND id = $2 AND state IN ('queued', 'running') AND NOT cancel_requested
                RETURNING state
                """,
                [tenant.name, id.uuid])
            if let row = changed.first {
                return try row.state() == .cancelled ? .cancelled : .requested
            }
            return switch try await state(of: id, tenant: tenant, in: transaction) {
            case nil: .unknown
            case .cancelled: .cancelled
            case .queued, .running: .requested
            case .succeeded: .ended(.succeeded)
            case .failed: .ended(.failed)
            case .dead: .ended(.dead)
            }
        }
    }

    /// An operator's retry of a dead job: all its attempts anew. What killed its workers runs alone again.
    public func retry(_ id: JobID, tenant: Tenant) async throws -> RetryOutcome {
        while true {
            do {
                return try await retryOnce(id, tenant: tenant)
            } catch let error as PostgresError where error.constraintName == "jobs_one_leader" {
                // An equal one took the lead in this moment: the next look finds it.
            }
        }
    }

    private func retryOnce(_ id: JobID, tenant: Tenant) async throws -> RetryOutcome {
        try await pool.withTransaction { transaction in
            // An equal job may be under way by now; then this one waits for its verdict. The lock keeps that one from ending first.
            let changed = try await transaction.query(
                """
                WITH leader AS (
                    SELECT l.id FROM jobs dead JOIN jobs l ON l.content_key = dead.content_key
                    WHERE dead.tenant = $1 AND dead.id = $2 AND dead.state = 'dead' AND NOT dead.fresh
                      AND l.state IN ('queued', 'running') AND l.leader_id IS NULL AND NOT l.fresh
                    FOR UPDATE OF l
                )
                UPDATE jobs SET
                    state = 'queued', leader_id = (SELECT id FROM leader), attempt = 0, crash_count = 0,
                    cancel_requested = false, progress = 0, finished_at = NULL, run_at = now(), dispatched_at = NULL,
                    revision = revision + 1
                WHERE tenant = $1 AND id = $2 AND state = 'dead'
                RETURNING id
                """,
                [tenant.name, id.uuid])
            if !changed.isEmpty { return .queued }
            return try await state(of: id, tenant: tenant, in: transaction).map(RetryOutcome.notDead) ?? .unknown
        }
    }

    /// Removes everything about a job: its row, verdict, pictures, attempts and idempotency key. Its worker's next write
    /// concerns no row. Pictures that other verdicts show, and bytes that other jobs need, stay with those.
    ///
    /// - Returns: nil if the tenant has no such job.
    public func erase(_ id: JobID, tenant: Tenant) async throws -> Erasure? {
        try await pool.withTransaction { transaction in
            let rows = try await transaction.query(
                "DELETE FROM jobs WHERE tenant = $1 AND id = $2 RETURNING state, upload_id", [tenant.name, id.uuid])
            guard let row = rows.first else { return nil }
            let uploads = try await transaction.query(
                "SELECT id, store_key FROM uploads WHERE id = $1 AND unreferenced", [try row.decode("upload_id", as: UUID.self)])
            return Erasure(
                wasRunning: try row.state() == .running,
                upload: try uploads.first.map {
                    ReleasableUpload(id: try $0.decode("id"), storeKey: try $0.decode("store_key"))
                })
        }
    }

    /// Every start of a job, oldest first; nil if the tenant has no such job.
    public func attempts(of id: JobID, tenant: Tenant) async throws -> [JobAttempt]? {
        let rows = try await pool.query(
            """
            SELECT a.epoch, a.worker_id, a.worker_host, a.worker_version, a.started_at, a.finished_at, a.outcome, a.error
            FROM jobs j LEFT JOIN attempts a ON a.job_id = j.id WHERE j.tenant = $1 AND j.id = $2 ORDER BY a.epoch
            """,
            [tenant.name, id.uuid])
        if rows.isEmpty { return nil }
        return try rows.compactMap { row in
            guard let epoch = try row.decode("epoch", as: Int64?.self) else { return nil }
            return JobAttempt(
                epoch: epoch, worker: try row.decode("worker_id"), host: try row.decode("worker_host"),
                version: try row.decode("worker_version"), startedAt: try row.decode("started_at"),
                finishedAt: try row.decode("finished_at"), outcome: try row.decode("outcome"),
                error: try row.decode("error", as: PostgresJSON?.self).map { try $0.decode() })
        }
    }

    private func state(
        of id: JobID, tenant: Tenant, in transaction: PostgresTransaction
    ) async throws -> JobState? {
        try await transaction.query("SELECT state FROM jobs WHERE tenant = $1 AND id = $2", [tenant.name, id.uuid])
            .first?.state()
    }
}
