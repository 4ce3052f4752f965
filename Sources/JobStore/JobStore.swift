import Foundation
import JobModel
import PostgresClient

/// The job lifecycle in SQL. PostgreSQL owns every job; what is here is the only code that writes about one.
public struct JobStore: Sendable {
    /// Seconds of waiting that one step of priority is worth.
    static let priorityStepSeconds = 60.0

    /// What every session that runs the store's statements should set. They take a millisecond each, and compiling one takes
    /// hundreds: the planner would do that where it expects many rows of a long queue, whatever the limit says.
    public static let sessionSettings = ["jit": "off"]

    let pool: PostgresPool
    let enqueuing: Batcher<NewJob, EnqueuedJob>
    let completing: Batcher<Completion, FencedOutcome>
    let headReading: Batcher<JobID, JobHead?>

    public init(pool: PostgresPool) {
        self.pool = pool
        enqueuing = Batcher(limits: BatchLimits()) { try await Self.insert($0, pool) }
        // One at a time: those that end meanwhile are many enough to share the next.
        completing = Batcher(limits: BatchLimits(writing: 1, items: 64, weight: Completion.batchBytes), weight: \.bytes) {
            try await Self.complete($0, pool)
        }
        headReading = Batcher(limits: BatchLimits(items: 512)) { try await Self.heads(of: $0, pool) }
    }

    /// Whether PostgreSQL answers and its schema is there.
    public func check() async throws(PostgresError) {
        try await pool.query("SELECT 1 FROM jobs LIMIT 1", timeout: .seconds(3))
    }
}

/// Everything of a job that a client sees, verdict included.
private let statusColumns = """
    j.id, j.kind, j.priority, j.run_at, j.leader_id, j.state, j.stage, j.progress, j.revision, j.attempt, j.max_attempts, j.cancel_requested, j.options,
    u.bytes AS upload_bytes, j.upload_sha256, u.source_url, j.model_sha256, j.error, j.created_at, j.started_at, j.finished_at
    """

extension JobStore {
    /// One job with its verdict; nil if the tenant has none of that id.
    public func status(of id: JobID, tenant: Tenant) async throws -> JobStatus? {
        let rows = try await pool.query(
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
            SELECT a.media_type, a.bytes
            FROM jobs j JOIN verdicts v ON v.job_id = j.id JOIN artifacts a ON a.job_id = coalesce(v.pictures_of, v.job_id)
            WHERE j.tenant = $1 AND j.id = $2 AND a.track = $3::int AND a.frame = $4::int AND a.kind = $5
            """,
            [tenant.name, id.uuid, track, frame, kind.rawValue])
        return try rows.first.map { row in
            Artifact(
                track: track, frame: frame, kind: kind, mediaType: try row.decode("media_type"),
                bytes: try row.decode("bytes"))
        }
    }

    /// Counts by state, how many ended lately, and how long the oldest due job has waited.
    ///
    /// Every part reads an index that holds its jobs alone; still it takes about a second for ten million.
    ///
    /// - Parameter tenant: only this one's; nil for all.
    public func statistics(of tenant: Tenant? = nil) async throws -> QueueStatistics {
        // Two texts, so that each has a plan of its own.
        let own = tenant == nil ? "" : "AND tenant = $1"
        let rows = try await pool.query(
            """
            WITH alive AS (
                SELECT state, count(*) AS jobs, min(run_at) FILTER (WHERE run_at <= now()) AS due
                FROM jobs WHERE state = 'queued' AND leader_id IS NULL \(own) GROUP BY state
                UNION ALL
                SELECT state, count(*), NULL FROM jobs WHERE state = 'queued' AND leader_id IS NOT NULL \(own) GROUP BY state
                UNION ALL
                SELECT state, count(*), NULL FROM jobs WHERE state = 'running' \(own) GROUP BY state
            )
            SELECT state, sum(jobs)::bigint AS jobs, 0::bigint AS lately,
                   extract(epoch FROM now() - min(due))::float8 AS age, now() AS moment
            FROM alive GROUP BY state
            UNION ALL
            SELECT state, count(*), count(*) FILTER (WHERE finished_at > now() - interval '1 minute'), NULL, now()
            FROM jobs WHERE finished_at IS NOT NULL \(own) GROUP BY state
            UNION ALL
            SELECT NULL, 0, 0, NULL, now()
            """,
            tenant.map { [$0.name] } ?? [])
        var statistics = QueueStatistics(jobs: [:], endedLastMinute: [:], oldestQueuedSeconds: nil, countedAt: .distantPast)
        for row in rows {
            statistics.countedAt = try row.decode("moment")
            guard try row.decode("state", as: String?.self) != nil else { continue }
            let state = try row.state()
            statistics.jobs[state.rawValue] = try row.decode("jobs")
            if let age = try row.decode("age", as: Double?.self) { statistics.oldestQueuedSeconds = age }
            let lately: Int = try row.decode("lately")
            if lately > 0 { statistics.endedLastMinute[state.rawValue] = lately }
        }
        return statistics
    }
}

/// What dashboards and autoscalers read.
public struct QueueStatistics: Codable, Sendable, Hashable {
    /// Jobs by state; states without jobs are missing.
    public var jobs: [String: Int]
    /// Jobs that ended in the last minute, by state.
    public var endedLastMinute: [String: Int]
    /// Seconds that the oldest due job has waited; nil when nothing waits.
    public var oldestQueuedSeconds: Double?
    /// PostgreSQL's time when it counted.
    public var countedAt: Date
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
            priority: try row.decode("priority"),
            runAt: try row.decode("run_at"),
            leaderID: try row.decode("leader_id", as: UUID?.self).map(JobID.init(uuid:)),
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
            sourceURL: try row.decode("source_url"),
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
