import Foundation
import JobModel
import PostgresClient

/// Which verdicts a listing shows; nil for any.
public struct VerdictFilter: Hashable, Sendable {
    public var label: Verdict.Label?
    public var modelSHA256: String?
    public var uploadSHA256: String?

    public init(label: Verdict.Label? = nil, modelSHA256: String? = nil, uploadSHA256: String? = nil) {
        self.label = label
        self.modelSHA256 = modelSHA256
        self.uploadSHA256 = uploadSHA256
    }
}

extension JobStore {
    /// A tenant's verdicts, newest job first.
    ///
    /// - Parameters:
    ///   - before: the last id of the page before.
    ///   - limit: 1…201.
    public func verdicts(tenant: Tenant, filter: VerdictFilter, before: JobID?, limit: Int) async throws -> [VerdictSummary] {
        precondition((1...201).contains(limit))
        // A text for each set of filters, so that each has a plan of its own.
        var conditions = ""
        var parameters: [any PostgresParameter] = [tenant.name, before?.uuid, limit]
        for (column, value) in [
            ("v.label", filter.label?.rawValue), ("v.model_sha256", filter.modelSHA256), ("j.upload_sha256", filter.uploadSHA256),
        ] {
            guard let value else { continue }
            parameters.append(value)
            conditions += " AND \(column) = $\(parameters.count)"
        }
        let rows = try await pool.query(
            """
            SELECT v.job_id, v.label, v.probability, v.model_sha256, v.reused, j.upload_sha256, j.created_at, j.finished_at
            FROM verdicts v JOIN jobs j ON j.id = v.job_id
            WHERE v.tenant = $1 AND ($2::uuid IS NULL OR v.job_id < $2) AND j.finished_at IS NOT NULL\(conditions)
            ORDER BY v.job_id DESC LIMIT $3
            """,
            parameters)
        return try rows.map { row in
            let label: String = try row.decode("label")
            guard let label = Verdict.Label(rawValue: label) else { throw PostgresError(.decoding("\(label) is not a label")) }
            return VerdictSummary(
                jobID: JobID(uuid: try row.decode("job_id")), label: label, probability: try row.decode("probability"),
                modelSHA256: try row.decode("model_sha256"), uploadSHA256: try row.decode("upload_sha256"),
                reused: try row.decode("reused"), createdAt: try row.decode("created_at"), finishedAt: try row.decode("finished_at"))
        }
    }
}
