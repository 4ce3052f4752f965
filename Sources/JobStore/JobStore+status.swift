import Foundation
import JobModel
import PostgresClient

/// As much of a job as tells whether what is known of it still holds.
public struct JobHead: Hashable, Sendable {
    public let tenant: Tenant
    public let state: JobState
    public let revision: Int64
}

extension JobStore {
    /// How a job stands; nil if there is none of that id. Those who ask at one moment share a query.
    public func head(of id: JobID) async throws -> JobHead? {
        try await headReading.submit(id)
    }

    static func heads(of ids: [JobID], _ pool: PostgresPool) async throws -> [JobHead?] {
        let rows = try await pool.query(
            "SELECT id, tenant, state, revision FROM jobs WHERE id = ANY($1)", [Array(Set(ids.map(\.uuid)))])
        var heads: [UUID: JobHead] = [:]
        for row in rows {
            heads[try row.decode("id")] = JobHead(
                tenant: Tenant(name: try row.decode("tenant")), state: try row.state(), revision: try row.decode("revision"))
        }
        return ids.map { heads[$0.uuid] }
    }
}
