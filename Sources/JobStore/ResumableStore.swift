import Foundation
import JobModel
import PostgresClient

/// What the clip of a resumable upload is to become.
public struct UploadWishes: Hashable, Sendable, Codable {
    public var options: JobOptions
    public var priority: Int
    /// nil for when the upload is whole.
    public var runAt: Date?
    public var isFresh: Bool
    public var mediaType: String
    public var traceparent: String?

    public init(
        options: JobOptions, priority: Int, runAt: Date?, isFresh: Bool, mediaType: String, traceparent: String?
    ) {
        self.options = options
        self.priority = priority
        self.runAt = runAt
        self.isFresh = isFresh
        self.mediaType = mediaType
        self.traceparent = traceparent
    }
}

/// An upload that comes in several requests.
public struct ResumableUpload: Sendable {
    /// The upload's, and its job's.
    public let id: JobID
    public let tenant: Tenant
    /// nil until the client says.
    public let length: Int64?
    /// Bytes that are durable in the store.
    public let received: Int64
    /// Upload-Metadata as the client sent it.
    public let metadata: String
    public let wishes: UploadWishes
    /// JSON; where the bytes are.
    public let checkpoint: String
    /// Whether the job is made.
    public let isCompleted: Bool
    public let expiresAt: Date

    public var isWhole: Bool { received == length }
}

/// A request's hold on an upload; it alone may write until the lease ends.
public struct UploadHold: Hashable, Sendable {
    public let upload: JobID
    public let token: UUID
}

/// What became of the wish to write to an upload.
public enum HoldOutcome: Sendable {
    case held(UploadHold, ResumableUpload)
    /// Another request writes to it.
    case locked
    case unknown
}

/// Resumable uploads in PostgreSQL; their bytes are in the upload store.
public struct ResumableStore: Sendable {
    let pool: PostgresPool

    public init(pool: PostgresPool) {
        self.pool = pool
    }

    private static let columns = "id, tenant, length, received, metadata, wishes, checkpoint, completed, expires_at"

    /// Begins an upload.
    ///
    /// - Parameter maximumOpen: how many of the tenant's may be open.
    /// - Returns: the upload; nil when too many are.
    public func create(
        _ id: JobID, tenant: Tenant, length: Int64?, metadata: String, wishes: UploadWishes, checkpoint: String, keepSeconds: Double,
        maximumOpen: Int
    ) async throws -> ResumableUpload? {
        let rows = try await pool.query(
            """
            INSERT INTO resumable_uploads (id, tenant, length, metadata, wishes, checkpoint, expires_at)
            SELECT $1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7)
            WHERE (SELECT count(*) FROM resumable_uploads WHERE tenant = $2 AND NOT completed) < $8
            RETURNING \(Self.columns)
            """,
            [
                id.uuid, tenant.name, length, metadata, try PostgresJSON(encoding: wishes), PostgresJSON(checkpoint), keepSeconds,
                maximumOpen,
            ])
        return try rows.first.map(ResumableUpload.init(row:))
    }

    /// An upload as it stands; nil if the tenant has none of that id.
    public func upload(_ id: JobID, tenant: Tenant) async throws -> ResumableUpload? {
        let rows = try await pool.query(
            "SELECT \(Self.columns) FROM resumable_uploads WHERE id = $1 AND tenant = $2 AND expires_at > now()", [id.uuid, tenant.name])
        return try rows.first.map(ResumableUpload.init(row:))
    }

    /// Takes the upload for one request.
    public func hold(_ id: JobID, tenant: Tenant, leaseSeconds: Double) async throws -> HoldOutcome {
        let token = UUID()
        let rows = try await pool.query(
            """
            UPDATE resumable_uploads SET writer = $3, writer_until = now() + make_interval(secs => $4)
            WHERE id = $1 AND tenant = $2 AND expires_at > now() AND (writer IS NULL OR writer_until < now())
            RETURNING \(Self.columns)
            """,
            [id.uuid, tenant.name, token, leaseSeconds])
        if let row = rows.first { return .held(UploadHold(upload: id, token: token), try ResumableUpload(row: row)) }
        return try await upload(id, tenant: tenant) == nil ? .unknown : .locked
    }

    /// Notes how far the upload has come, and keeps the hold; false when it is lost: then what came is not this request's any more.
    public func note(received: Int64, checkpoint: String, by hold: UploadHold, leaseSeconds: Double) async throws -> Bool {
        try await pool.execute(
            """
            UPDATE resumable_uploads SET received = $3, checkpoint = $4, writer_until = now() + make_interval(secs => $5)
            WHERE id = $1 AND writer = $2
            """,
            [hold.upload.uuid, hold.token, received, PostgresJSON(checkpoint), leaseSeconds]) == 1
    }

    /// Notes the length that was left open at first; false when the hold is lost.
    public func set(length: Int64, by hold: UploadHold) async throws -> Bool {
        try await pool.execute(
            "UPDATE resumable_uploads SET length = $3 WHERE id = $1 AND writer = $2 AND (length IS NULL OR length = $3)",
            [hold.upload.uuid, hold.token, length]) == 1
    }

    /// Keeps the hold while bytes flow; false when it is lost.
    public func renew(_ hold: UploadHold, leaseSeconds: Double) async throws -> Bool {
        try await pool.execute(
            "UPDATE resumable_uploads SET writer_until = now() + make_interval(secs => $3) WHERE id = $1 AND writer = $2",
            [hold.upload.uuid, hold.token, leaseSeconds]) == 1
    }

    /// Lets others write.
    public func release(_ hold: UploadHold) async throws {
        try await pool.execute(
            "UPDATE resumable_uploads SET writer = NULL, writer_until = NULL WHERE id = $1 AND writer = $2",
            [hold.upload.uuid, hold.token])
    }

    /// Notes that the job is made, and lets go.
    public func complete(_ id: JobID) async throws {
        try await pool.execute(
            "UPDATE resumable_uploads SET completed = true, writer = NULL, writer_until = NULL WHERE id = $1 AND received = length",
            [id.uuid])
    }

    /// Ends an upload that this request holds; its bytes are the caller's to remove.
    public func remove(_ hold: UploadHold) async throws {
        try await pool.execute("DELETE FROM resumable_uploads WHERE id = $1 AND writer = $2", [hold.upload.uuid, hold.token])
    }

    /// Whole uploads of which no job was made, and nobody is about to.
    public func whole(limit: Int) async throws -> [ResumableUpload] {
        let rows = try await pool.query(
            """
            SELECT \(Self.columns) FROM resumable_uploads
            WHERE received = length AND NOT completed AND (writer IS NULL OR writer_until < now()) ORDER BY id LIMIT $1
            """,
            [limit])
        return try rows.map(ResumableUpload.init(row:))
    }

    /// Takes expired uploads off the table; their bytes are the caller's to remove.
    public func removeExpired(limit: Int) async throws -> [ResumableUpload] {
        let rows = try await pool.query(
            """
            DELETE FROM resumable_uploads WHERE id IN (
                SELECT id FROM resumable_uploads WHERE expires_at < now() AND (writer IS NULL OR writer_until < now())
                ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)
            RETURNING \(Self.columns)
            """,
            [limit])
        return try rows.map(ResumableUpload.init(row:))
    }

    /// Which of these are open.
    public func open(among ids: [JobID]) async throws -> [JobID] {
        let rows = try await pool.query(
            "SELECT id FROM resumable_uploads WHERE id = ANY($1) AND NOT completed", [ids.map(\.uuid)])
        return try rows.map { JobID(uuid: try $0.decode("id")) }
    }
}

extension ResumableUpload {
    fileprivate init(row: PostgresRow) throws {
        self.init(
            id: JobID(uuid: try row.decode("id")), tenant: Tenant(name: try row.decode("tenant")), length: try row.decode("length"),
            received: try row.decode("received"), metadata: try row.decode("metadata"),
            wishes: try row.decode("wishes", as: PostgresJSON.self).decode(),
            checkpoint: try row.decode("checkpoint", as: PostgresJSON.self).text, isCompleted: try row.decode("completed"),
            expiresAt: try row.decode("expires_at"))
    }
}
