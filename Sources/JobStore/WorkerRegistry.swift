import Foundation
import JobModel
import PostgresClient

/// What a worker says of itself when it starts.
public struct WorkerRecord: Sendable {
    public var id: UUID
    public var host: String
    public var version: String
    public var modelSHA256: String
    /// The model's card, as JSON.
    public var modelCard: String
    /// What it computes in, as its verdicts say.
    public var precision: String
    /// Names its way from bytes to verdict.
    public var analysisVersion: String
    public var kinds: [JobKind]
    public var slots: Int

    public init(
        id: UUID, host: String, version: String, modelSHA256: String, modelCard: String, precision: String,
        analysisVersion: String, kinds: [JobKind], slots: Int
    ) {
        self.id = id
        self.host = host
        self.version = version
        self.modelSHA256 = modelSHA256
        self.modelCard = modelCard
        self.precision = precision
        self.analysisVersion = analysisVersion
        self.kinds = kinds
        self.slots = slots
    }
}

/// The model that new jobs are fixed to, as its workers described it.
public struct RegisteredModel: Sendable, Hashable {
    public let sha256: String
    /// The card, as JSON.
    public let card: String
    public let registeredAt: Date
}

/// Which workers live, and with which models: how a gateway, which never loads a network, knows about one.
public struct WorkerRegistry: Sendable {
    let pool: PostgresPool

    public init(pool: PostgresPool) {
        self.pool = pool
    }

    /// Registers a worker and its model; the model that was registered last is the one new jobs are fixed to.
    public func register(_ worker: WorkerRecord) async throws {
        try await pool.withTransaction { transaction in
            try await transaction.execute("LOCK TABLE models IN SHARE ROW EXCLUSIVE MODE")
            try await transaction.execute(
                "UPDATE models SET active = false WHERE active AND sha256 <> $1", [worker.modelSHA256])
            try await transaction.execute(
                """
                INSERT INTO models (sha256, card, active, precision, analysis_version) VALUES ($1, $2, true, $3, $4)
                ON CONFLICT (sha256) DO UPDATE SET
                    active = true, card = excluded.card, precision = excluded.precision,
                    analysis_version = excluded.analysis_version
                """,
                [worker.modelSHA256, PostgresJSON(worker.modelCard), worker.precision, worker.analysisVersion])
            try await transaction.execute(
                """
                INSERT INTO workers (id, host, version, model_sha256, kinds, slots) VALUES ($1, $2, $3, $4, $5, $6::int)
                ON CONFLICT (id) DO UPDATE SET heartbeat_at = now(), draining = false
                """,
                [
                    worker.id, worker.host, worker.version, worker.modelSHA256, worker.kinds.map(\.rawValue), worker.slots,
                ])
        }
    }

    /// Says that a worker lives and how it does, on the heartbeat's own connection; false if its row is gone.
    public static func beat(
        _ worker: UUID, _ condition: WorkerCondition, on database: some PostgresQueryable, timeout: Duration
    ) async throws(PostgresError) -> Bool {
        try await database.execute(
            "UPDATE workers SET heartbeat_at = now(), draining = $2, busy = $3::int, unready_reason = $4 WHERE id = $1",
            [worker, condition.isDraining, condition.busySlots, condition.unreadyReason], timeout: timeout) == 1
    }

    /// Removes a worker that has drained.
    public func remove(_ worker: UUID) async throws {
        try await pool.execute("DELETE FROM workers WHERE id = $1", [worker])
    }

    /// The active model; nil before the first worker came.
    public func activeModel() async throws -> RegisteredModel? {
        let rows = try await pool.query("SELECT sha256, card, registered_at FROM models WHERE active")
        return try rows.first.map { row in
            RegisteredModel(
                sha256: try row.decode("sha256"), card: try row.decode("card", as: PostgresJSON.self).text,
                registeredAt: try row.decode("registered_at"))
        }
    }

    /// Workers whose heart beat within `seconds` and that take jobs, and their slots together.
    public func capacity(withinSeconds seconds: Double) async throws -> (workers: Int, slots: Int) {
        let rows = try await pool.query(
            """
            SELECT count(*) AS workers, coalesce(sum(slots), 0) AS slots FROM workers
            WHERE NOT draining AND unready_reason IS NULL AND heartbeat_at > now() - make_interval(secs => $1)
            """,
            [seconds])
        return (try rows[0].decode("workers"), try rows[0].decode("slots"))
    }

    /// All workers that have not left, the newest first.
    ///
    /// - Parameter seconds: one whose heart has not beaten for this long is not alive.
    public func workers(aliveWithinSeconds seconds: Double) async throws -> [WorkerStatus] {
        let rows = try await pool.query(
            """
            SELECT id, host, version, model_sha256, kinds, slots, busy, draining, unready_reason, started_at, heartbeat_at,
                   heartbeat_at > now() - make_interval(secs => $1) AS is_alive
            FROM workers ORDER BY started_at DESC, id LIMIT 1000
            """,
            [seconds])
        return try rows.map { row in
            WorkerStatus(
                id: try row.decode("id"), host: try row.decode("host"), version: try row.decode("version"),
                modelSHA256: try row.decode("model_sha256"), kinds: try row.decode("kinds"), slots: try row.decode("slots"),
                busySlots: try row.decode("busy"), isAlive: try row.decode("is_alive"), isDraining: try row.decode("draining"),
                unreadyReason: try row.decode("unready_reason"), startedAt: try row.decode("started_at"),
                heartbeatAt: try row.decode("heartbeat_at"))
        }
    }
}

/// How a living worker does.
public struct WorkerCondition: Hashable, Sendable {
    public var isDraining: Bool
    public var busySlots: Int
    /// Why it takes no jobs; nil while it does.
    public var unreadyReason: String?

    public init(isDraining: Bool, busySlots: Int, unreadyReason: String?) {
        self.isDraining = isDraining
        self.busySlots = busySlots
        self.unreadyReason = unreadyReason
    }
}
