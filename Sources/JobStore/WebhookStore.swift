import Foundation
import JobModel
import PostgresClient

/// What a webhook can tell of: how a job ended.
public enum WebhookEvent: String, Hashable, Sendable, Codable, CaseIterable {
    case succeeded = "job.succeeded"
    case failed = "job.failed"
    case cancelled = "job.cancelled"
    case dead = "job.dead"
}

/// Somebody who wants to hear of a tenant's jobs.
public struct WebhookEndpoint: Hashable, Sendable, Codable {
    public var id: JobID
    public var url: String
    public var events: [WebhookEvent]
    public var description: String
    public var createdAt: Date
    /// It said that it is gone, or nothing reached it for too long.
    public var disabledAt: Date?
}

/// What was told, or is to be.
public struct WebhookDelivery: Hashable, Sendable, Codable {
    public enum State: String, Hashable, Sendable, Codable {
        case pending, delivered, failed
    }

    public var id: JobID
    /// nil for a test.
    public var jobID: JobID?
    public var event: String
    public var state: State
    /// How often it was tried.
    public var attempt: Int
    /// When it is tried next; nil once it is over.
    public var nextAt: Date?
    /// The HTTP status of the last answer.
    public var lastStatus: Int?
    public var lastError: String?
    public var createdAt: Date
    public var endedAt: Date?

    private enum CodingKeys: String, CodingKey {
        case id
        case jobID = "jobId"
        case event, state, attempt, nextAt, lastStatus, lastError, createdAt, endedAt
    }
}

/// A delivery that this gateway is to try now.
public struct DueDelivery: Sendable {
    public let id: JobID
    public let endpoint: JobID
    public let tenant: Tenant
    public let job: JobID?
    public let event: String
    /// This one, counted from 1; the fence of what is written about it.
    public let attempt: Int
    public let body: String?
    public let url: String
    public let secret: [UInt8]
    public let createdAt: Date
}

/// How a try ended.
public enum DeliveryOutcome: Hashable, Sendable {
    case delivered(status: Int)
    /// To be tried again after so many seconds.
    case retry(status: Int?, error: String, afterSeconds: Double)
    case failed(status: Int?, error: String)
    /// The endpoint said that it is gone: it gets nothing any more.
    case gone
}

/// Webhooks in PostgreSQL. Deliveries are made by a trigger, in the transaction that ends the job.
public struct WebhookStore: Sendable {
    let pool: PostgresPool

    public init(pool: PostgresPool) {
        self.pool = pool
    }

    private static let endpointColumns = "id, url, events, description, created_at, disabled_at"

    /// Adds an endpoint; nil when the tenant has `maximum` already.
    public func add(
        _ id: JobID, tenant: Tenant, url: String, secret: [UInt8], events: [WebhookEvent], description: String, maximum: Int
    ) async throws -> WebhookEndpoint? {
        let rows = try await pool.query(
            """
            INSERT INTO webhook_endpoints (id, tenant, url, secret, events, description)
            SELECT $1, $2, $3, $4, $5, $6 WHERE (SELECT count(*) FROM webhook_endpoints WHERE tenant = $2) < $7
            RETURNING \(Self.endpointColumns)
            """,
            [id.uuid, tenant.name, url, secret, events.map(\.rawValue), description, maximum])
        return try rows.first.map(WebhookEndpoint.init(row:))
    }

    public func endpoints(of tenant: Tenant) async throws -> [WebhookEndpoint] {
        let rows = try await pool.query(
            "SELECT \(Self.endpointColumns) FROM webhook_endpoints WHERE tenant = $1 ORDER BY created_at, id", [tenant.name])
        return try rows.map(WebhookEndpoint.init(row:))
    }

    public func endpoint(_ id: JobID, tenant: Tenant) async throws -> WebhookEndpoint? {
        let rows = try await pool.query(
            "SELECT \(Self.endpointColumns) FROM webhook_endpoints WHERE id = $1 AND tenant = $2", [id.uuid, tenant.name])
        return try rows.first.map(WebhookEndpoint.init(row:))
    }

    /// Removes an endpoint with its log; false if the tenant has none of that id.
    public func remove(_ id: JobID, tenant: Tenant) async throws -> Bool {
        try await pool.execute("DELETE FROM webhook_endpoints WHERE id = $1 AND tenant = $2", [id.uuid, tenant.name]) == 1
    }

    /// Has a test delivered, also to a disabled endpoint; nil if the tenant has none of that id.
    public func test(_ id: JobID, tenant: Tenant) async throws -> WebhookDelivery? {
        let rows = try await pool.query(
            """
            INSERT INTO webhook_deliveries (id, endpoint_id, tenant, event)
            SELECT $3, id, tenant, 'test' FROM webhook_endpoints WHERE id = $1 AND tenant = $2
            RETURNING \(Self.deliveryColumns)
            """,
            [id.uuid, tenant.name, JobID.make().uuid])
        return try rows.first.map(WebhookDelivery.init(row:))
    }

    private static let deliveryColumns = """
        id, job_id, event, state, attempt, next_at, last_status, last_error, created_at, ended_at
        """

    /// An endpoint's deliveries, newest first.
    public func deliveries(to endpoint: JobID, tenant: Tenant, before: JobID?, limit: Int) async throws -> [WebhookDelivery] {
        let rows = try await pool.query(
            """
            SELECT \(Self.deliveryColumns) FROM webhook_deliveries
            WHERE endpoint_id = $1 AND tenant = $2 AND ($3::uuid IS NULL OR id < $3) ORDER BY id DESC LIMIT $4
            """,
            [endpoint.uuid, tenant.name, before?.uuid, limit])
        return try rows.map(WebhookDelivery.init(row:))
    }

    /// Has a delivery that is over tried once more, at once; one that is not over stays as it is. nil if there is none of that id.
    public func redeliver(_ id: JobID, endpoint: JobID, tenant: Tenant) async throws -> WebhookDelivery? {
        let rows = try await pool.query(
            """
            UPDATE webhook_deliveries SET
                next_at = CASE WHEN state = 'pending' THEN next_at ELSE now() END, state = 'pending', ended_at = NULL
            WHERE id = $1 AND endpoint_id = $2 AND tenant = $3 RETURNING \(Self.deliveryColumns)
            """,
            [id.uuid, endpoint.uuid, tenant.name])
        return try rows.first.map(WebhookDelivery.init(row:))
    }

    // MARK: Delivering

    /// Takes deliveries that are due; another gateway gets them again after the lease.
    ///
    /// - Parameter busy: endpoints whose deliveries are left for later.
    public func takeDue(limit: Int, leaseSeconds: Double, except busy: Set<JobID> = []) async throws -> [DueDelivery] {
        let rows = try await pool.query(
            """
            WITH due AS (
                SELECT id FROM webhook_deliveries
                WHERE state = 'pending' AND next_at <= now() AND endpoint_id <> ALL(string_to_array($3, ',')::uuid[])
                ORDER BY next_at LIMIT $1 FOR UPDATE SKIP LOCKED
            )
            UPDATE webhook_deliveries d SET attempt = d.attempt + 1, next_at = now() + make_interval(secs => $2)
            FROM due, webhook_endpoints e WHERE d.id = due.id AND e.id = d.endpoint_id
            RETURNING d.id, d.endpoint_id, d.tenant, d.job_id, d.event, d.attempt, d.body, e.url, e.secret, d.created_at
            """,
            [limit, leaseSeconds, busy.map { "\($0)" }.joined(separator: ",")])
        return try rows.map { row in
            DueDelivery(
                id: JobID(uuid: try row.decode("id")), endpoint: JobID(uuid: try row.decode("endpoint_id")),
                tenant: Tenant(name: try row.decode("tenant")),
                job: try row.decode("job_id", as: UUID?.self).map(JobID.init(uuid:)), event: try row.decode("event"),
                attempt: try row.decode("attempt"), body: try row.decode("body"), url: try row.decode("url"),
                secret: try row.decode("secret"), createdAt: try row.decode("created_at"))
        }
    }

    /// Keeps what is sent, so that every try sends the same; false when the delivery is another's by now.
    public func keep(body: String, of delivery: DueDelivery) async throws -> Bool {
        try await pool.execute(
            "UPDATE webhook_deliveries SET body = $3 WHERE id = $1 AND attempt = $2 AND state = 'pending' AND body IS NULL",
            [delivery.id.uuid, delivery.attempt, body]) == 1
    }

    /// Writes down how a try ended, unless the delivery is another's by now.
    public func note(_ outcome: DeliveryOutcome, of delivery: DueDelivery) async throws {
        let (state, status, error, wait): (WebhookDelivery.State, Int?, String?, Double?) = switch outcome {
        case .delivered(let status): (.delivered, status, nil, nil)
        case .retry(let status, let error, let seconds): (.pending, status, error, seconds)
        case .failed(let status, let error): (.failed, status, error, nil)
        case .gone: (.failed, 410, "the endpoint said that it is gone", nil)
        }
        try await pool.execute(
            """
            UPDATE webhook_deliveries SET state = $3, last_status = $4::int, last_error = left($5, 500),
                next_at = CASE WHEN $6::float8 IS NULL THEN next_at ELSE now() + make_interval(secs => $6) END,
                ended_at = CASE WHEN $3 = 'pending' THEN NULL ELSE now() END
            WHERE id = $1 AND attempt = $2 AND state = 'pending'
            """,
            [delivery.id.uuid, delivery.attempt, state.rawValue, status, error, wait])
        if outcome == .gone {
            try await pool.execute(
                "UPDATE webhook_endpoints SET disabled_at = coalesce(disabled_at, now()) WHERE id = $1", [delivery.endpoint.uuid])
        }
    }

    /// Forgets deliveries that are long over.
    public func removeEnded(olderThanSeconds seconds: Double, limit: Int) async throws {
        try await pool.execute(
            """
            DELETE FROM webhook_deliveries WHERE id IN (
                SELECT id FROM webhook_deliveries WHERE ended_at < now() - make_interval(secs => $1) LIMIT $2)
            """,
            [seconds, limit])
    }
}

extension WebhookEndpoint {
    fileprivate init(row: PostgresRow) throws {
        let events: [String] = try row.decode("events")
        self.init(
            id: JobID(uuid: try row.decode("id")), url: try row.decode("url"), events: events.compactMap(WebhookEvent.init(rawValue:)),
            description: try row.decode("description"), createdAt: try row.decode("created_at"), disabledAt: try row.decode("disabled_at"))
    }
}

extension WebhookDelivery {
    fileprivate init(row: PostgresRow) throws {
        let word: String = try row.decode("state")
        guard let state = State(rawValue: word) else { throw PostgresError(.decoding("\(word) is not a delivery's state")) }
        self.init(
            id: JobID(uuid: try row.decode("id")), jobID: try row.decode("job_id", as: UUID?.self).map(JobID.init(uuid:)),
            event: try row.decode("event"), state: state, attempt: try row.decode("attempt"),
            nextAt: state == .pending ? try row.decode("next_at", as: Date.self) : nil,
            lastStatus: try row.decode("last_status"), lastError: try row.decode("last_error"),
            createdAt: try row.decode("created_at"), endedAt: try row.decode("ended_at"))
    }
}
