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

extension JobStore {
    /// Jobs that a worker may take: fixed to its model, to none, or to one that no living worker has any more.
    private static let isOfModel = """
        (model_sha256 IS NULL OR model_sha256 = $2 OR NOT EXISTS (
            SELECT 1 FROM workers w
            WHERE w.model_sha256 = jobs.model_sha256 AND w.heartbeat_at > now() - interval '1 minute'))
        """
    private static let claimable = """
        state = 'queued' AND leader_id IS NULL AND run_at <= now() AND kind = $4 AND \(isOfModel)
        """

    /// A job that runs alone may wait for its turn on its worker; until then it has no stage, and is not to blame.
    private static func claimStatement(with clauses: String) -> String {
        """
        WITH RECURSIVE \(clauses), claimed AS (
            UPDATE jobs SET
                state = 'running', lease_epoch = lease_epoch + 1, lease_owner = $1,
                lease_until = now() + make_interval(secs => $3), attempt = attempt + 1,
                started_at = coalesce(started_at, now()), dispatched_at = NULL, progress = 0,
                stage = CASE WHEN NOT runs_alone THEN 'fetching' END, model_sha256 = $2, revision = revision + 1
            -- As an array, and below as subqueries: a limit that is a parameter makes the planner expect thousands of rows, and
            -- read whole tables for what is a handful of them.
            WHERE jobs.id = ANY (ARRAY(SELECT id FROM chosen))
            RETURNING jobs.*
        ), audited AS (
            INSERT INTO attempts (job_id, epoch, worker_id, worker_host, worker_version)
            SELECT id, lease_epoch, $1, (SELECT host FROM workers WHERE id = $1), (SELECT version FROM workers WHERE id = $1)
            FROM claimed
        )
        SELECT c.id, c.lease_epoch, c.tenant, c.attempt, c.max_attempts, c.runs_alone, c.options, c.upload_sha256,
               c.traceparent, (SELECT u.store_key FROM uploads u WHERE u.id = c.upload_id) AS store_key,
               CASE WHEN c.upload_sha256 IS NULL THEN (SELECT u.source_url FROM uploads u WHERE u.id = c.upload_id) END AS source_url,
               CASE WHEN c.error IS NULL THEN 0 ELSE (
                   SELECT count(*) FROM attempts a WHERE a.job_id = c.id AND a.error->>'code' = 'decoder_crashed')
               END AS decoder_crashes
        FROM claimed c ORDER BY c.queue_rank
        """
    }

    private static let claimNamed = claimStatement(with: """
        chosen AS (
            SELECT jobs.id FROM unnest($5::uuid[]) wanted (id) CROSS JOIN LATERAL \(FairTurns.locked("wanted.id")) WHERE \(claimable)
        )
        """)
    /// Others may be choosing the same jobs at this moment, so more are looked at than are wanted.
    private static let claimNext = claimStatement(with: """
        \(FairTurns.clauses(kind: "$4", depth: "$5 * 4 + 8", condition: isOfModel)), wanted AS MATERIALIZED (
            SELECT id FROM turns ORDER BY turn, queue_rank LIMIT $5 * 4 + 8
        ), chosen AS (
            SELECT jobs.id FROM wanted CROSS JOIN LATERAL \(FairTurns.locked("wanted.id")) WHERE \(claimable) LIMIT $5
        )
        """)

    /// Takes the jobs that Redis named, less those that are not to be had (taken, cancelled, not due, of another model).
    public func claim(_ ids: [JobID], for claimant: Claimant) async throws -> [ClaimedJob] {
        guard !ids.isEmpty else { return [] }
        return try await pool.query(Self.claimNamed, claimant.parameters + [ids.map(\.uuid)]).map(ClaimedJob.init(row:))
    }

    /// Gives back wake-ups that came to nothing although the claimant might have taken their jobs: another transaction held the
    /// rows at that moment. The relay dispatches them anew.
    public func markMissed(_ ids: [JobID], by claimant: Claimant) async throws {
        guard !ids.isEmpty else { return }
        try await pool.execute(
            """
            WITH missed AS (
                SELECT jobs.id FROM unnest($1::uuid[]) wanted (id) CROSS JOIN LATERAL \(FairTurns.locked("wanted.id"))
                WHERE \(Self.claimable)
            )
            UPDATE jobs SET dispatched_at = NULL WHERE jobs.id = ANY (ARRAY(SELECT id FROM missed)) AND $3::float8 > 0
            """,
            [ids.map(\.uuid)] + claimant.parameters.dropFirst())
    }

    /// Takes up to `limit` jobs without Redis: tenants take turns, each with its own in order of rank.
    public func claimNext(_ limit: Int, for claimant: Claimant) async throws -> [ClaimedJob] {
        try await pool.query(Self.claimNext, claimant.parameters + [limit]).map(ClaimedJob.init(row:))
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
            sourceURL: try row.decode("source_url"),
            traceparent: try row.decode("traceparent"),
            decoderCrashes: try row.decode("decoder_crashes"))
    }
}
