import Foundation
import JobModel
import PostgresClient

/// How full the queue is, at a moment of the database's clock.
public struct QueueLoad: Hashable, Sendable {
    public var queuedByTenant: [Tenant: Int]
    /// PostgreSQL's time.
    public var databaseTime: Date

    public init(queuedByTenant: [Tenant: Int], databaseTime: Date) {
        self.queuedByTenant = queuedByTenant
        self.databaseTime = databaseTime
    }

    public var queued: Int { queuedByTenant.values.reduce(0, +) }
}

extension JobStore {
    /// Counts the jobs that wait for a run. Followers do not: they cost no run.
    public func load() async throws -> QueueLoad {
        let rows = try await pool.query(
            """
            SELECT now() AS moment, NULL AS tenant, 0::bigint AS jobs
            UNION ALL
            SELECT now(), tenant, count(*) FROM jobs WHERE state = 'queued' AND leader_id IS NULL GROUP BY tenant
            """)
        var load = QueueLoad(queuedByTenant: [:], databaseTime: try rows[0].decode("moment"))
        for row in rows {
            guard let tenant = try row.decode("tenant", as: String?.self) else { continue }
            load.queuedByTenant[Tenant(name: tenant)] = try row.decode("jobs")
        }
        return load
    }
}
