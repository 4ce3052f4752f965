import Foundation
import JobModel
import PostgresClient

/// What one pass of the sweep did.
public struct SweepReport: Hashable, Sendable {
    /// Lost by their workers and queued again.
    public var requeued: [JobID] = []
    /// Lost too often while running alone.
    public var dead: [JobID] = []
    /// Lost after their cancellation was asked for.
    public var cancelled: [JobID] = []
    /// Those who followed any of these.
    public var followers: [JobID] = []

    public init() {}
}

/// The chores that any gateway may do, and only one does at a time.
extension JobStore {
    private enum Lock: Int {
        case relay = 1, sweep, partitions, retention

        /// Distinguishes our advisory locks from other programs' in the same database.
        static let space = 1_195_725_856
    }

    /// Runs `body` if no other gateway does this chore at the moment; nil otherwise.
    private func exclusively<Value: Sendable>(
        _ lock: Lock, _ body: (PostgresTransaction) async throws -> Value
    ) async throws -> Value? {
        try await pool.withTransaction { transaction in
            let rows = try await transaction.query(
                // Queues of one database, each in a schema of its own, do not wait for each other.
                "SELECT pg_try_advisory_xact_lock($1::int, $2::int # hashtext(current_schema())) AS held",
                [Lock.space, lock.rawValue])
            guard try rows[0].decode("held", as: Bool.self) else { return nil }
            return try await body(transaction)
        }
    }

    /// Picks due jobs that were not dispatched lately and marks them dispatched: tenants take turns, each with its own in order
    /// of rank.
    ///
    /// - Parameters:
    ///   - limit: how many are wanted.
    ///   - bound: how many the stream holds at most; so many of a tenant's first jobs may be dispatched already.
    ///   - staleSeconds: a dispatch older than this has been lost on its way.
    /// - Returns: nil while another gateway does it.
    public func takeUndispatched(kind: JobKind, limit: Int, bound: Int, staleSeconds: Double) async throws -> [JobID]? {
        try await exclusively(.relay) { transaction in
            let rows = try await transaction.query(
                """
                WITH RECURSIVE \(FairTurns.clauses(kind: "$1", depth: "$2 + $3")), wanted AS MATERIALIZED (
                    SELECT id, turn, queue_rank FROM turns
                    WHERE dispatched_at IS NULL OR dispatched_at < now() - make_interval(secs => $4)
                    ORDER BY turn, queue_rank LIMIT $2
                ), due AS (
                    SELECT jobs.id FROM wanted CROSS JOIN LATERAL \(FairTurns.locked("wanted.id"))
                    WHERE jobs.state = 'queued' AND jobs.leader_id IS NULL
                ), marked AS (
                    UPDATE jobs SET dispatched_at = now() WHERE jobs.id = ANY (ARRAY(SELECT id FROM due)) RETURNING jobs.id
                )
                SELECT id FROM marked JOIN wanted USING (id) ORDER BY turn, queue_rank
                """,
                [kind.rawValue, limit, bound, staleSeconds])
            return try rows.map { JobID(uuid: try $0.decode("id")) }
        }
    }

    /// Says that jobs did not reach the stream, so that the relay takes them at its next pass.
    public func markUndispatched(_ ids: [JobID]) async throws {
        try await pool.execute(
            "UPDATE jobs SET dispatched_at = NULL WHERE id = ANY($1) AND state = 'queued'", [ids.map(\.uuid)])
    }

    /// Takes jobs from workers whose lease ran out.
    ///
    /// A lost job is queued again, uncounted, and runs alone next time; only a loss while it did run alone, and did not just
    /// wait for its turn, counts as the job's own crash, so that a poison clip does not condemn its neighbours.
    ///
    /// - Parameter crashLimit: with this many crashes while alone a job is `dead(worker_lost)`.
    /// - Returns: nil while another gateway does it.
    public func sweep(crashLimit: Int, limit: Int = 500) async throws -> SweepReport? {
        let error = try PostgresJSON(encoding: JobError(
            code: "worker_lost",
            message: "every worker that ran this job alone stopped in the middle of it; an operator must look at it"))
        return try await exclusively(.sweep) { transaction in
            let rows = try await transaction.query(
                """
                WITH lost AS (
                    SELECT id, lease_epoch, runs_alone AND stage IS NOT NULL AS crashed, CASE
                        WHEN cancel_requested THEN 'cancelled'
                        WHEN runs_alone AND stage IS NOT NULL AND crash_count + 1 >= $1::int THEN 'dead'
                        ELSE 'queued' END AS next
                    FROM jobs WHERE state = 'running' AND lease_until < now()
                    ORDER BY lease_until LIMIT $2 FOR UPDATE SKIP LOCKED
                ), audited AS (
                    UPDATE attempts SET finished_at = now(), outcome = CASE next WHEN 'queued' THEN 'lost' ELSE next END
                    FROM lost WHERE attempts.job_id = lost.id AND attempts.epoch = lost.lease_epoch
                )
                UPDATE jobs SET
                    state = lost.next,
                    crash_count = crash_count + crashed::int, runs_alone = true,
                    attempt = greatest(attempt - 1, 0), run_at = now(),
                    lease_owner = NULL, lease_until = NULL, stage = NULL, revision = revision + 1,
                    progress = CASE lost.next WHEN 'queued' THEN 0 ELSE progress END,
                    finished_at = CASE WHEN lost.next <> 'queued' THEN now() END,
                    error = CASE lost.next WHEN 'dead' THEN $3 WHEN 'cancelled' THEN NULL ELSE error END
                FROM lost WHERE jobs.id = lost.id
                RETURNING jobs.id, jobs.state, \(Self.followers)
                """,
                [crashLimit, limit, error])
            var report = SweepReport()
            for row in rows {
                let id = JobID(uuid: try row.decode("id"))
                report.followers += try row.decode("followers", as: [UUID].self).map(JobID.init(uuid:))
                switch try row.state() {
                case .queued: report.requeued.append(id)
                case .dead: report.dead.append(id)
                default: report.cancelled.append(id)
                }
            }
            return report
        }
    }

    /// Makes next months' partitions and forgets idempotency keys and workers that are long over.
    public func keepHouse() async throws {
        _ = try await exclusively(.partitions) { transaction in
            try await transaction.execute(
                "DELETE FROM idempotency WHERE expires_at < now() AND (state = 'finished' OR leased_until < now())")
            try await transaction.execute("DELETE FROM workers WHERE heartbeat_at < now() - interval '1 day'")
        }
        // Apart from the rest: it fails as long as a row of a month without partition lies in the default one.
        _ = try await exclusively(.partitions) { transaction in
            try await transaction.query("SELECT ensure_month_partitions(now(), 3)")
        }
    }

    /// Removes ended jobs that are past their time, with all that belongs to them.
    ///
    /// - Parameter limit: of each state in one pass.
    /// - Returns: how many; nil while another gateway does it.
    public func removeExpired(_ retention: RetentionPolicy, limit: Int = 500) async throws -> Int? {
        var removed = 0
        for (state, seconds) in retention.secondsByState.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            let count = try await exclusively(.retention) { transaction in
                try await transaction.execute(
                    """
                    DELETE FROM jobs WHERE id = ANY (ARRAY(
                        SELECT id FROM jobs WHERE state = $1 AND finished_at < now() - make_interval(secs => $2)
                        ORDER BY finished_at LIMIT $3 FOR UPDATE SKIP LOCKED))
                    """,
                    [state.rawValue, seconds, limit])
            }
            guard let count else { return nil }
            removed += count
        }
        return removed
    }

    /// Uploads whose bytes nobody needs any more: no job of theirs can run again.
    ///
    /// - Parameters:
    ///   - keepSeconds: how long the bytes of a judged clip are kept; those of refused, withdrawn and erased clips go at once.
    ///   - after: where the pass before ended; nil for the oldest.
    ///   - scan: how many uploads are looked at.
    /// - Returns: what to remove, and where to go on; nil at the end.
    public func releasableUploads(
        keepSeconds: Double, after: UploadCursor? = nil, scan: Int = 20_000
    ) async throws -> (uploads: [ReleasableUpload], next: UploadCursor?) {
        let rows = try await pool.query(
            """
            SELECT u.id, u.store_key, u.created_at, NOT EXISTS (
                SELECT 1 FROM jobs j WHERE j.upload_id = u.id AND (
                    j.state IN ('queued', 'running', 'dead')
                    OR (j.state = 'succeeded' AND j.finished_at > now() - make_interval(secs => $1)))) AS is_releasable
            FROM uploads u
            WHERE u.released_at IS NULL AND ($2::timestamptz IS NULL OR u.created_at > $2)
            ORDER BY u.created_at LIMIT $3
            """,
            [keepSeconds, after?.createdAt, scan])
        let uploads = try rows.compactMap { row in
            try row.decode("is_releasable", as: Bool.self)
                ? ReleasableUpload(id: try row.decode("id"), storeKey: try row.decode("store_key")) : nil
        }
        // Rows of the very moment at which a pass ends are looked at when the passes come round.
        let next = rows.count < scan ? nil : try rows.last.map { UploadCursor(createdAt: try $0.decode("created_at")) }
        return (uploads, next)
    }

    /// Forgets uploads that no job refers to and whose bytes are gone.
    public func forgetUnreferencedUploads(limit: Int = 1000) async throws {
        try await pool.execute(
            """
            DELETE FROM uploads WHERE id = ANY (ARRAY(
                SELECT id FROM uploads WHERE unreferenced AND released_at IS NOT NULL ORDER BY created_at LIMIT $1))
            """,
            [limit])
    }

    /// Which of these keys belong to an upload; the bytes under others were left by a gateway that died before its commit.
    public func knownUploadKeys(among keys: [String]) async throws -> Set<String> {
        let rows = try await pool.query("SELECT store_key FROM uploads WHERE store_key = ANY($1)", [keys])
        return Set(try rows.map { try $0.decode("store_key") })
    }

    /// Notes that the bytes are gone from the store.
    public func markReleased(_ uploads: [ReleasableUpload]) async throws {
        try await pool.execute(
            "UPDATE uploads SET released_at = now() WHERE id = ANY($1) AND released_at IS NULL", [uploads.map(\.id)])
    }
}

/// How long ended jobs are kept, by state; a state that is missing is kept for good.
public struct RetentionPolicy: Hashable, Sendable {
    public var secondsByState: [JobState: Double]

    /// - Precondition: only states that end a job.
    public init(secondsByState: [JobState: Double]) {
        precondition(secondsByState.keys.allSatisfy(\.isTerminal))
        self.secondsByState = secondsByState
    }
}

/// Where a pass over the uploads ended.
public struct UploadCursor: Hashable, Sendable {
    let createdAt: Date
}

/// An upload whose bytes may be removed.
public struct ReleasableUpload: Hashable, Sendable {
    public let id: UUID
    public let storeKey: String
}
