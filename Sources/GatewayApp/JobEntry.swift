import JobModel
import JobStore
import Logging
import PostgresClient
import Telemetry

/// Makes jobs of clips that are in the store, however they came there.
struct JobEntry: Sendable {
    let gateway: Gateway
    let logger: Logger

    /// Enqueues the job and wakes a worker.
    ///
    /// - Parameter keepsBytes: whether the bytes stay when the job cannot be made, for another try.
    /// - Throws: a `Problem` or what PostgreSQL throws; then the job's bytes are gone, unless the job may have been made.
    func enter(_ job: NewJob, by ticket: QueueAdmission.Ticket, keepsBytes: Bool = false) async throws -> JobStatus {
        let enqueued: EnqueuedJob
        do {
            enqueued = try await gateway.jobs.enqueue(job)
            if enqueued.outcome == .lapsed { throw Self.lapsed }
        } catch {
            if !keepsBytes { await cleanUp(job, after: error) }
            throw error
        }
        gateway.metrics.add(to: .jobsAccepted, [enqueued.outcome.rawValue])
        await gateway.quotas.noteJob(of: job.tenant, storedBytes: enqueued.outcome == .queued ? job.bytes : 0)
        if enqueued.outcome == .queued {
            await gateway.admission.noteQueued(job.tenant)
            await wakeWorker(job, bound: ticket.streamBound)
            return JobStatus(of: job, enqueued)
        }
        // An equal job's bytes are there already.
        await remove(job)
        guard let status = try await gateway.jobs.status(of: job.id, tenant: job.tenant) else { throw Problem.noJob(job.id) }
        return status
    }

    static var lapsed: Problem {
        Problem(
            .idempotencyInFlight, "the upload stood still for so long that another request took its Idempotency-Key",
            retryAfterSeconds: 1, closesConnection: true)
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
}

extension JobStatus {
    /// A job that was queued in this moment, as its row says.
    fileprivate init(of job: NewJob, _ enqueued: EnqueuedJob) {
        self.init(
            id: job.id, kind: job.kind, priority: job.priority, runAt: job.runAt ?? enqueued.createdAt, leaderID: nil,
            state: .queued, stage: nil, progress: 0, revision: 1, attempt: 0, maximumAttempts: job.maximumAttempts,
            cancelRequested: false, options: job.options, uploadBytes: job.sourceURL == nil ? job.bytes : nil,
            uploadSHA256: job.sourceURL == nil ? job.sha256 : nil, sourceURL: job.sourceURL, modelSHA256: enqueued.modelSHA256, error: nil, createdAt: enqueued.createdAt, startedAt: nil, finishedAt: nil,
            verdict: nil)
    }
}
