import Foundation
import HTTPTypes
import Hummingbird
import JobModel
import JobStore
import Logging
import PostgresClient
import Synchronization
import Telemetry

/// One clip on its way from a request to a durable job.
struct JobSubmission: Sendable {
    let gateway: Gateway
    let tenant: Tenant
    let logger: Logger

    /// Stores the clip, makes the job, and wakes a worker.
    ///
    /// - Throws: a `Problem`; neither bytes nor rows are left then.
    func accept(_ request: Request) async throws -> JobStatus {
        guard let key = try idempotencyKey(request) else {
            // Asked before the body is read: an upload that cannot become a job is not worth its bytes.
            return try await store(request, try await gateway.admission.admit(tenant), reservation: nil) {}
        }
        let configuration = gateway.configuration
        let outcome = try await gateway.jobs.reserve(
            key: key, tenant: tenant, leaseSeconds: configuration.idempotencyLeaseSeconds,
            keepSeconds: configuration.idempotencyKeepSeconds)
        switch outcome {
        case .inFlight:
            throw Problem(
                .conflict, "idempotency_in_flight", "a request with this Idempotency-Key is under way; ask again when it ended",
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
            let ticket = try await gateway.admission.admit(tenant)
            return try await store(request, ticket, reservation: reservation) {
                let isDue = renewed.withLock { last in
                    guard last.duration(to: .now) > .seconds(leaseSeconds / 3) else { return false }
                    last = .now
                    return true
                }
                guard isDue else { return }
                guard try await gateway.jobs.renew(reservation, tenant: tenant, leaseSeconds: leaseSeconds) else {
                    throw Self.lapsed
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

    private func store(
        _ request: Request, _ ticket: QueueAdmission.Ticket, reservation: IdempotencyReservation?,
        onChunk: @escaping @Sendable () async throws -> Void
    ) async throws -> JobStatus {
        let upload = try await intake(databaseTime: ticket.databaseTime).receive(request, onChunk: onChunk)
        let wishes = upload.wishes
        let job = NewJob(
            tenant: tenant, priority: wishes.priority, maximumAttempts: gateway.configuration.maximumAttempts,
            options: wishes.options, storeKey: upload.stored.key, bytes: upload.stored.bytes,
            sha256: upload.stored.sha256, mediaType: upload.mediaType,
            traceparent: request.headers[.traceparent].flatMap(Self.validTraceparent), runAt: wishes.runAt,
            isFresh: wishes.isFresh, isDispatched: ticket.goesOnStream && wishes.runAt == nil, reservation: reservation)
        let enqueued: EnqueuedJob
        do {
            enqueued = try await gateway.jobs.enqueue(job)
            if enqueued.outcome == .lapsed { throw Self.lapsed }
        } catch {
            await cleanUp(job, after: error)
            throw error
        }
        if enqueued.outcome == .queued {
            await gateway.admission.noteQueued(tenant)
            await wakeWorker(job, bound: ticket.streamBound)
            return JobStatus(of: job, enqueued)
        }
        // An equal job's bytes are there already.
        await remove(job)
        guard let status = try await gateway.jobs.status(of: job.id, tenant: tenant) else { throw JobRoutes.noJob(job.id) }
        return status
    }

    private func intake(databaseTime: Date) -> UploadIntake {
        UploadIntake(
            store: gateway.uploads, maximumBytes: gateway.configuration.maximumUploadBytes, databaseTime: databaseTime,
            maximumDelaySeconds: gateway.configuration.maximumDelaySeconds, stallSeconds: gateway.configuration.uploadStallSeconds)
    }

    /// The same key again: an equal request gets the same job, any other is refused. The body is read to compare it, and
    /// not kept.
    private func replay(_ request: Request, job: JobID, fingerprint: String) async throws -> JobStatus {
        guard let status = try await gateway.jobs.status(of: job, tenant: tenant) else { throw JobRoutes.noJob(job) }
        // A start that was in time when the key was new may be past by now.
        let upload = try await intake(databaseTime: status.createdAt).receive(request) {}
        try await gateway.uploads.remove(key: upload.stored.key)
        let same = try NewJob.fingerprint(contentSHA256: upload.stored.sha256, options: upload.wishes.options)
        guard same == fingerprint else {
            throw Problem(
                .unprocessableContent, "idempotency_key_reused", "this Idempotency-Key was used with another clip or other options")
        }
        return status
    }

    /// Removes the bytes of a job that was not made. If the commit's answer was lost, the job may exist, or come to exist in
    /// a moment: then the bytes stay, and the sweep removes them later if no row knows them.
    private func cleanUp(_ job: NewJob, after error: any Error) async {
        if let error = error as? PostgresError, error.outcomeIsUnknown {
            logger.warning("whether a job was made is not known", metadata: [LogField.job: "\(job.id)"])
            return
        }
        await remove(job)
    }

    private func remove(_ job: NewJob) async {
        do {
            try await gateway.uploads.remove(key: job.storeKey)
        } catch {
            logger.error("an upload's bytes are left to the sweep", metadata: [
                LogField.job: "\(job.id)", LogField.error: "\(String(reflecting: error))",
            ])
        }
    }

    /// XADD while nobody waits before it; whatever fails here the relay makes good.
    private func wakeWorker(_ job: NewJob, bound: Int) async {
        guard job.isDispatched else {
            if job.runAt == nil { gateway.relayRequests.yield() }
            return
        }
        do {
            let pushed: Bool
            do {
                pushed = try await gateway.dispatch.push(job.id, kind: job.kind, bound: bound)
            } catch {
                logger.warning("Redis does not take the job; the relay will dispatch it", metadata: [
                    LogField.job: "\(job.id)", LogField.error: "\(String(reflecting: error))",
                ])
                pushed = false
            }
            if !pushed {
                await gateway.admission.noteBacklog()
                try await gateway.jobs.markUndispatched([job.id])
                gateway.relayRequests.yield()
            }
        } catch {
            logger.warning("a job waits until its dispatch is stale", metadata: [
                LogField.job: "\(job.id)", LogField.error: "\(String(reflecting: error))",
            ])
        }
    }

    private func idempotencyKey(_ request: Request) throws -> String? {
        guard let text = request.headers[.idempotencyKey] else { return nil }
        // The draft makes it a structured string, in quotes; many clients leave them out.
        let key = text.hasPrefix("\"") && text.hasSuffix("\"") && text.count >= 2 ? String(text.dropFirst().dropLast()) : text
        guard (1...255).contains(key.unicodeScalars.count) else {
            throw Problem(
                .badRequest, "idempotency_key_malformed", "Idempotency-Key must have 1 to 255 characters",
                field: "Idempotency-Key", closesConnection: true)
        }
        return key
    }

    private static var lapsed: Problem {
        Problem(
            .conflict, "idempotency_in_flight", "the upload stood still for so long that another request took its Idempotency-Key",
            retryAfterSeconds: 1, closesConnection: true)
    }

    /// A trace context of the form that W3C Trace Context level 1 gives; anything else is not passed on.
    private static func validTraceparent(_ text: String) -> String? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 4, parts.map(\.count) == [2, 32, 16, 2],
            text.allSatisfy({ $0 == "-" || ($0.isHexDigit && !$0.isUppercase) })
        else { return nil }
        return text
    }
}

extension JobStatus {
    /// A job that was queued in this moment, as its row says.
    fileprivate init(of job: NewJob, _ enqueued: EnqueuedJob) {
        self.init(
            id: job.id, kind: job.kind, priority: job.priority, runAt: job.runAt ?? enqueued.createdAt, leaderID: nil,
            state: .queued, stage: nil, progress: 0, revision: 1, attempt: 0, maximumAttempts: job.maximumAttempts,
            cancelRequested: false, options: job.options, uploadBytes: job.bytes, uploadSHA256: job.sha256,
            modelSHA256: enqueued.modelSHA256, error: nil, createdAt: enqueued.createdAt, startedAt: nil, finishedAt: nil,
            verdict: nil)
    }
}
