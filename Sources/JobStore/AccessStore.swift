import Foundation
import JobModel
import PostgresClient

/// Keys, tenants' bounds and the gateways' secrets, in PostgreSQL.
public struct AccessStore: Sendable {
    let pool: PostgresPool

    public init(pool: PostgresPool) {
        self.pool = pool
    }

    private static let keyColumns = """
        id, tenant, name, scopes, requests_per_second, created_at, expires_at, revoked_at, last_used_at
        """

    /// Makes a key.
    ///
    /// - Returns: the key's text, which cannot be had again, and its row.
    public func createKey(
        tenant: Tenant, name: String, scopes: Set<Scope>, expiresAt: Date?, requestsPerSecond: Double? = nil
    ) async throws -> (text: String, key: APIKey) {
        let key = APIKeyText()
        let rows = try await pool.query(
            """
            INSERT INTO api_keys (id, tenant, name, secret_sha256, scopes, expires_at, requests_per_second)
            VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING \(Self.keyColumns)
            """,
            [
                key.id.uuid, tenant.name, name, key.secretSHA256, scopes.map(\.rawValue).sorted(), expiresAt, requestsPerSecond,
            ])
        return (key.text, try APIKey(row: rows[0]))
    }

    /// A key with the digest of its secret; nil if there is none of that id.
    public func key(_ id: JobID) async throws -> (key: APIKey, secretSHA256: [UInt8])? {
        let rows = try await pool.query("SELECT \(Self.keyColumns), secret_sha256 FROM api_keys WHERE id = $1", [id.uuid])
        return try rows.first.map { (try APIKey(row: $0), try $0.decode("secret_sha256")) }
    }

    /// Keys in the order in which they were made, of one tenant or of all.
    public func keys(of tenant: Tenant?) async throws -> [APIKey] {
        let rows = try await pool.query(
            """
            SELECT \(Self.keyColumns) FROM api_keys WHERE $1::text IS NULL OR tenant = $1 ORDER BY tenant, created_at, id
            """,
            [tenant?.name])
        return try rows.map(APIKey.init(row:))
    }

    /// Ends a key for good; false if there is none of that id. Gateways notice within seconds.
    public func revokeKey(_ id: JobID) async throws -> Bool {
        try await pool.execute("UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1", [id.uuid]) == 1
    }

    /// Notes that keys were used just now.
    public func noteUse(of ids: [JobID]) async throws {
        try await pool.execute("UPDATE api_keys SET last_used_at = now() WHERE id = ANY($1)", [ids.map(\.uuid)])
    }

    /// A secret that all gateways share; made by the first that asks.
    public func secret(named name: String) async throws -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        let fresh = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let rows = try await pool.query(
            """
            WITH made AS (
                INSERT INTO gateway_secrets (name, secret) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING RETURNING secret
            )
            SELECT secret FROM made UNION ALL SELECT secret FROM gateway_secrets WHERE name = $1 LIMIT 1
            """,
            [name, fresh])
        if let row = rows.first { return try row.decode("secret") }
        // Another gateway made it in this moment, later than this statement's snapshot.
        return try await pool.query("SELECT secret FROM gateway_secrets WHERE name = $1", [name])[0].decode("secret")
    }
}

/// How much a tenant may have; nil where the gateways' settings decide.
public struct TenantBounds: Hashable, Sendable, Codable {
    public var maximumQueuedJobs: Int?
    public var maximumJobsPerDay: Int?
    public var maximumStoredBytes: Int64?

    public init(maximumQueuedJobs: Int? = nil, maximumJobsPerDay: Int? = nil, maximumStoredBytes: Int64? = nil) {
        self.maximumQueuedJobs = maximumQueuedJobs
        self.maximumJobsPerDay = maximumJobsPerDay
        self.maximumStoredBytes = maximumStoredBytes
    }
}

/// How much a tenant has, and its own bounds.
public struct TenantUsage: Hashable, Sendable {
    public var bounds: TenantBounds
    /// Jobs made since midnight UTC, erased ones not counted.
    public var jobsToday: Int
    /// Bytes of clips that are still in the store, or on their way into it in several requests.
    public var storedBytes: Int64
    /// Seconds until the day's jobs are counted from 0 again.
    public var secondsToMidnight: Double
}

extension AccessStore {
    /// Sets a tenant's own bounds.
    public func setBounds(_ bounds: TenantBounds, of tenant: Tenant) async throws {
        try await pool.execute(
            """
            INSERT INTO tenants (name, max_queued_jobs, max_jobs_per_day, max_stored_bytes) VALUES ($1, $2, $3, $4)
            ON CONFLICT (name) DO UPDATE SET max_queued_jobs = excluded.max_queued_jobs,
                max_jobs_per_day = excluded.max_jobs_per_day, max_stored_bytes = excluded.max_stored_bytes
            """,
            [tenant.name, bounds.maximumQueuedJobs, bounds.maximumJobsPerDay, bounds.maximumStoredBytes])
    }

    /// Counts what a tenant has.
    public func usage(of tenant: Tenant) async throws -> TenantUsage {
        // Ids sort by time, so the day's first possible id bounds a walk along an index.
        let row = try await pool.query(
            """
            WITH today AS (SELECT date_trunc('day', now(), 'UTC') AS start)
            SELECT t.max_queued_jobs, t.max_jobs_per_day, t.max_stored_bytes,
                (SELECT count(*) FROM jobs j WHERE j.tenant = $1 AND j.id >= uuidv7_floor(today.start)) AS jobs,
                (SELECT coalesce(sum(u.bytes), 0)::bigint FROM uploads u WHERE u.tenant = $1 AND u.released_at IS NULL)
                    + (SELECT coalesce(sum(r.received), 0)::bigint FROM resumable_uploads r WHERE r.tenant = $1 AND NOT r.completed)
                    AS bytes,
                extract(epoch FROM today.start + interval '1 day' - now())::float8 AS rest
            FROM today LEFT JOIN tenants t ON t.name = $1
            """,
            [tenant.name])[0]
        return TenantUsage(
            bounds: TenantBounds(
                maximumQueuedJobs: try row.decode("max_queued_jobs"), maximumJobsPerDay: try row.decode("max_jobs_per_day"),
                maximumStoredBytes: try row.decode("max_stored_bytes")),
            jobsToday: try row.decode("jobs"), storedBytes: try row.decode("bytes"), secondsToMidnight: try row.decode("rest"))
    }
}

extension APIKey {
    fileprivate init(row: PostgresRow) throws {
        let scopes: [String] = try row.decode("scopes")
        self.init(
            id: JobID(uuid: try row.decode("id")), tenant: Tenant(name: try row.decode("tenant")), name: try row.decode("name"),
            scopes: scopes.compactMap(Scope.init(rawValue:)), requestsPerSecond: try row.decode("requests_per_second"),
            createdAt: try row.decode("created_at"), expiresAt: try row.decode("expires_at"),
            revokedAt: try row.decode("revoked_at"), lastUsedAt: try row.decode("last_used_at"))
    }
}
