import Crypto
import Foundation
import JobModel
import PostgresClient

extension NewJob {
    /// What two requests with one idempotency key must have in common: SHA-256 of the content's hash and the options.
    func fingerprint() throws -> String {
        try Self.fingerprint(contentSHA256: sourceURL.map { "url:" + $0 } ?? sha256, options: options)
    }

    /// The fingerprint of a request with this content and these options, hex.
    ///
    /// - Parameter contentSHA256: of a clip that was sent; of one that is fetched, `url:` and its URL.
    public static func fingerprint(contentSHA256: String, options: JobOptions) throws -> String {
        var hash = SHA256()
        hash.update(data: Data(contentSHA256.utf8))
        hash.update(data: try WhorlJSON.encoder().encode(options))
        return hash.finalize().hexText
    }
}

extension JobStore {
    /// Reserves an idempotency key as the headers arrive, before any byte of the body.
    ///
    /// - Parameters:
    ///   - leaseSeconds: for how long other requests with the key get `inFlight` if this one neither ends nor renews.
    ///   - keepSeconds: for how long a finished key is remembered.
    public func reserve(
        key: String, tenant: Tenant, leaseSeconds: Double, keepSeconds: Double
    ) async throws -> IdempotencyOutcome {
        let token = UUID()
        let taken = try await pool.execute(
            """
            INSERT INTO idempotency (tenant, key, state, reservation, leased_until, expires_at)
            VALUES ($1, $2, 'reserved', $3, now() + make_interval(secs => $4), now() + make_interval(secs => $5))
            ON CONFLICT (tenant, key) DO UPDATE SET
                state = 'reserved', reservation = $3, job_id = NULL, fingerprint = NULL,
                leased_until = excluded.leased_until, expires_at = excluded.expires_at
            WHERE idempotency.expires_at < now()
               OR (idempotency.state = 'reserved' AND idempotency.leased_until < now())
            """,
            [tenant.name, key, token, leaseSeconds, keepSeconds])
        if taken == 1 { return .reserved(IdempotencyReservation(key: key, token: token)) }
        let rows = try await pool.query(
            "SELECT job_id, fingerprint FROM idempotency WHERE tenant = $1 AND key = $2", [tenant.name, key])
        guard let row = rows.first, let job = try row.decode("job_id", as: UUID?.self),
            let fingerprint = try row.decode("fingerprint", as: String?.self)
        else { return .inFlight }
        return .finished(job: JobID(uuid: job), fingerprint: fingerprint)
    }

    /// Keeps a reservation while a long body flows; false when another request has taken the key.
    public func renew(_ reservation: IdempotencyReservation, tenant: Tenant, leaseSeconds: Double) async throws -> Bool {
        try await pool.execute(
            """
            UPDATE idempotency SET leased_until = now() + make_interval(secs => $1)
            WHERE tenant = $2 AND key = $3 AND reservation = $4 AND state = 'reserved'
            """,
            [leaseSeconds, tenant.name, reservation.key, reservation.token]) == 1
    }

    /// Gives a key back after the request failed, so that a repetition may use it at once.
    public func release(_ reservation: IdempotencyReservation, tenant: Tenant) async throws {
        try await pool.execute(
            "DELETE FROM idempotency WHERE tenant = $1 AND key = $2 AND reservation = $3 AND state = 'reserved'",
            [tenant.name, reservation.key, reservation.token])
    }
}
