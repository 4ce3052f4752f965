import Foundation
import HTTPTypes
import Hummingbird
import JobModel
import JobStore
import Logging
import PostgresClient
import Synchronization
import Telemetry
import UploadStore

/// One clip on its way from a request to a durable job.
struct JobSubmission: Sendable {
    let gateway: Gateway
    let context: GatewayContext
    let tenant: Tenant

    init(gateway: Gateway, context: GatewayContext) throws {
        self.gateway = gateway
        self.context = context
        tenant = try context.tenant
    }

    private var logger: Logger { context.logger }

    /// Stores the clip, makes the job, and wakes a worker.
    ///
    /// - Throws: a `Problem`; neither bytes nor rows are left then.
    func accept(_ request: Request) async throws -> JobStatus {
        guard let key = try idempotencyKey(request) else {
            guard !gateway.configuration.requiresIdempotencyKey else {
                throw Problem(
                    .idempotencyKeyMissing, "send an Idempotency-Key, so that a repetition makes no second job", field: "Idempotency-Key",
                    closesConnection: true)
            }
            // Asked before the body is read: an upload that cannot become a job is not worth its bytes.
            return try await store(request, try await admit(request), reservation: nil) {}
        }
        let configuration = gateway.configuration
        let outcome = try await gateway.jobs.reserve(
            key: key, tenant: tenant, leaseSeconds: configuration.idempotencyLeaseSeconds,
            keepSeconds: configuration.idempotencyKeepSeconds)
        switch outcome {
        case .inFlight:
            throw Problem(
                .idempotencyInFlight, "a request with this Idempotency-Key is under way; ask again when it ended",
                retryAfterSeconds: 1, closesConnection: true)
        case .finished(let job, let fingerprint):
            return try await replay(request, job: job, fingerprint: fingerprint)
        case .reserved(let reservation):
            return try await accept(request, holding: reservation)
        }
    }

    /// Takes the body while the key's lease is kept alive, and gives the key back if that fails.
    private func accept(_ request: Request, holding reservation: IdempotencyReservation) async throws -> JobStatus {
        let leaseSeconds = gateway.configuration.idempotencyLeaseSeconds
        let renewed = Mutex(ContinuousClock.now)
        do {
            let ticket = try await admit(request)
            return try await store(request, ticket, reservation: reservation) {
                let isDue = renewed.withLock { last in
                    guard last.duration(to: .now) > .seconds(leaseSeconds / 3) else { return false }
                    last = .now
                    return true
                }
                guard isDue else { return }
                guard try await gateway.jobs.renew(reservation, tenant: tenant, leaseSeconds: leaseSeconds) else {
                    throw JobEntry.lapsed
                }
            }
        } catch {
            do {
                try await gateway.jobs.release(reservation, tenant: tenant)
            } catch let failure {
                logger.warning("an idempotency key stays reserved until its lease ends", metadata: [
                    LogField.error: "\(String(reflecting: failure))"
                ])
            }
            throw error
        }
    }

    /// What a job that was let in goes by.
    private struct Admission {
        let ticket: QueueAdmission.Ticket
        /// The most that its clip may have.
        let maximumBytes: Int
    }

    private func admit(_ request: Request) async throws -> Admission {
        let announced = request.headers[.contentLength].flatMap(Int64.init) ?? 0
        let (maximumQueued, room) = try await gateway.quotas.admit(tenant, bytes: announced)
        let ticket = try await gateway.admission.admit(tenant, maximumQueued: maximumQueued)
        return Admission(ticket: ticket, maximumBytes: Int(clamping: min(room, Int64(gateway.configuration.uploadLimits.maximumBytes))))
    }

    private func store(
        _ request: Request, _ admission: Admission, reservation: IdempotencyReservation?,
        onChunk: @escaping @Sendable () async throws -> Void
    ) async throws -> JobStatus {
        let ticket = admission.ticket
        let id = JobID.make()
        if request.isJSON {
            return try await JobEntry(gateway: gateway, logger: logger).enter(
                try await urlJob(id, request, ticket, reservation: reservation), by: ticket)
        }
        let upload = try await intake(id, databaseTime: ticket.databaseTime, maximumBytes: admission.maximumBytes)
            .receive(request, context, onChunk: onChunk)
        let wishes = upload.wishes
        let job = NewJob(
            id: id, tenant: tenant, priority: wishes.priority, maximumAttempts: gateway.configuration.maximumAttempts,
            options: wishes.options, storeKey: upload.stored.key, bytes: upload.stored.bytes,
            sha256: upload.stored.sha256, mediaType: upload.mediaType,
            traceparent: request.traceparent, runAt: wishes.runAt,
            isFresh: wishes.isFresh, isDispatched: ticket.goesOnStream && wishes.runAt == nil, reservation: reservation)
        return try await JobEntry(gateway: gateway, logger: logger).enter(job, by: ticket)
    }

    /// A job whose clip a worker fetches.
    private func urlJob(
        _ id: JobID, _ request: Request, _ ticket: QueueAdmission.Ticket, reservation: IdempotencyReservation?
    ) async throws -> NewJob {
        guard gateway.configuration.takesURLs else {
            throw Problem(.urlJobsOff, "this server takes no clips by URL; send the clip itself", closesConnection: true)
        }
        let wish = try await request.json(URLWish.self)
        do {
            try gateway.outbound.check(wish.url)
        } catch {
            throw Problem(.urlRefused, "\(error)", field: "url")
        }
        let wishes = try JobWishes(
            databaseTime: ticket.databaseTime, maximumDelaySeconds: gateway.configuration.maximumDelaySeconds
        ) { wish.text($0) }
        return NewJob(
            id: id, tenant: tenant, priority: wishes.priority, maximumAttempts: gateway.configuration.maximumAttempts,
            options: wish.options, storeKey: UploadKey.make(id), bytes: 0, sha256: "",
            mediaType: "application/octet-stream", sourceURL: wish.url, traceparent: request.traceparent, runAt: wishes.runAt,
            isFresh: wishes.isFresh, isDispatched: ticket.goesOnStream && wishes.runAt == nil, reservation: reservation)
    }

    private func intake(_ id: JobID, databaseTime: Date, maximumBytes: Int) -> UploadIntake {
        var limits = gateway.configuration.uploadLimits
        limits.maximumBytes = maximumBytes
        return UploadIntake(
            store: gateway.uploads, id: id, limits: limits, databaseTime: databaseTime,
            maximumDelaySeconds: gateway.configuration.maximumDelaySeconds, underWay: gateway.uploadsUnderWay, metrics: gateway.metrics)
    }

    /// The same key again: an equal request gets the same job, any other is refused. The body is read to compare it, and
    /// not kept.
    private func replay(_ request: Request, job: JobID, fingerprint: String) async throws -> JobStatus {
        guard let status = try await gateway.jobs.status(of: job, tenant: tenant) else { throw Problem.noJob(job) }
        if request.isJSON {
            let wish = try await request.json(URLWish.self)
            return try replayed(status, content: "url:" + wish.url, options: wish.options, fingerprint: fingerprint)
        }
        // A start that was in time when the key was new may be past by now.
        let upload = try await intake(
            .make(), databaseTime: status.createdAt, maximumBytes: gateway.configuration.uploadLimits.maximumBytes
        ).receive(request, context) {}
        try await gateway.uploads.remove(key: upload.stored.key)
        return try replayed(status, content: upload.stored.sha256, options: upload.wishes.options, fingerprint: fingerprint)
    }

    private func replayed(_ status: JobStatus, content: String, options: JobOptions, fingerprint: String) throws -> JobStatus {
        guard try NewJob.fingerprint(contentSHA256: content, options: options) == fingerprint else {
            throw Problem(.idempotencyKeyReused, "this Idempotency-Key was used with another clip or other options")
        }
        return status
    }

    private func idempotencyKey(_ request: Request) throws -> String? {
        guard let text = request.headers[.idempotencyKey] else { return nil }
        // The draft makes it a structured string, in quotes; many clients leave them out.
        let key = text.hasPrefix("\"") && text.hasSuffix("\"") && text.count >= 2 ? String(text.dropFirst().dropLast()) : text
        guard (1...255).contains(key.unicodeScalars.count) else {
            throw Problem(
                .idempotencyKeyMalformed, "Idempotency-Key must have 1 to 255 characters",
                field: "Idempotency-Key", closesConnection: true)
        }
        return key
    }
}

/// A job's wishes as JSON, with the clip's URL in the clip's place.
private struct URLWish: Decodable {
    let url: String
    private let given: JobOptions.Strict?
    private let priority: Int?
    private let runAt: String?
    private let fresh: Bool?

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case url, priority, runAt, fresh
        case given = "options"
    }

    init(from decoder: any Decoder) throws {
        try WhorlJSON.refuseStrangers(in: decoder, known: CodingKeys.allCases.map(\.rawValue))
        let container = try decoder.container(keyedBy: CodingKeys.self)
        url = try container.decode(String.self, forKey: .url)
        given = try container.decodeIfPresent(JobOptions.Strict.self, forKey: .given)
        priority = try container.decodeIfPresent(Int.self, forKey: .priority)
        runAt = try container.decodeIfPresent(String.self, forKey: .runAt)
        fresh = try container.decodeIfPresent(Bool.self, forKey: .fresh)
    }

    var options: JobOptions { given?.options ?? JobOptions() }

    /// Those that are no JSON by themselves, as the other ways of asking have them.
    func text(_ field: JobWishes.Field) -> String? {
        switch field {
        case .options: nil
        case .priority: priority.map(String.init)
        case .runAt: runAt
        case .fresh: fresh.map { "\($0)" }
        }
    }
}

extension Request {
    fileprivate var isJSON: Bool { ParameterizedValue(headers[.contentType] ?? "").value == "application/json" }

    /// The trace that the caller is in; a `traceparent` that has not the form is not passed on.
    var traceparent: String? {
        headers[.traceparent].flatMap { TraceContext(traceparent: $0) == nil ? nil : $0 }
    }
}
