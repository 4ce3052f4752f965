import Foundation
import JobModel
import JobStore
import Logging
import PostgresClient
import RedisClient
import Synchronization
import Telemetry
import UploadStore

/// Runs one claimed job from its bytes to its end in PostgreSQL.
struct JobRunner: Sendable {
    let store: JobStore
    let work: any JobWork
    let uploads: any UploadStore
    /// nil where this worker fetches nothing.
    let fetcher: ClipFetcher?
    let dispatch: JobDispatch
    let held: HeldJobs
    let gate: AloneGate
    let retry: RetryPolicy
    let stop: @Sendable () -> Void
    let logger: Logger

    /// How the work on a job ended, before anything is written about it.
    private enum Ending: Sendable {
        case judged(WorkResult)
        case failed(JobFailure)
        case interrupted(Interruption)
    }

    /// - Returns: false when the work did not stop although it was told to: its slot is lost, the rest goes on without it.
    func run(_ job: ClaimedJob) async -> Bool {
        var logger = logger
        logger[metadataKey: LogField.job] = "\(job.lease.job)"
        logger[metadataKey: LogField.epoch] = "\(job.lease.epoch)"
        if let caller = job.traceparent.flatMap({ TraceContext(traceparent: $0) }) {
            var generator = SystemRandomNumberGenerator()
            let step = caller.child(using: &generator)
            logger[metadataKey: LogField.trace] = "\(step.traceID)"
            logger[metadataKey: LogField.span] = "\(step.spanID)"
            logger[metadataKey: LogField.parentSpan] = step.parentID.map { "\($0)" }
        }
        let interruptions = await held.hold(job.lease)
        let (ending, hasEntered) = await work(job, interruptions: interruptions, logger: logger)
        switch ending {
        case .interrupted(.superseded), .interrupted(.overdue):
            // Released first, so that the heart does not renew what this worker has let go of.
            await held.release(job.lease)
            logger.warning("let go of a job without writing", metadata: [LogField.state: "\(ending)"])
        case .judged, .failed, .interrupted:
            await held.enter(.storing, job.lease)
            let followers = await settle(job, ending, logger: logger)
            await held.release(job.lease)
            await hintDone([job.lease.job] + followers)
        }
        // Not before its end is written: until then a crash counts as this job's own, and must not be another's.
        if hasEntered ?? true { await gate.leave() }
        if hasEntered == nil { logger.error("a job does not stop; its slot is lost until this worker is started anew") }
        return hasEntered != nil
    }

    /// Notes that a job which had to wait until it was alone runs now: from here on its worker's loss may be its fault.
    private func isStarted(_ job: ClaimedJob, logger: Logger) async -> Bool {
        guard job.runsAlone else { return true }
        do {
            return try await store.report(job.lease, stage: .fetching, progress: 0) != .superseded
        } catch {
            // The fence of the last write decides who owns the job.
            logger.warning("the start was not written", metadata: [LogField.error: "\(String(reflecting: error))"])
            return true
        }
    }

    /// The work from its turn at the gate on, raced against interruptions. Work that was interrupted is waited for, since it ends its
    /// decoder, but not for ever.
    ///
    /// - Returns: how it ended, and whether it entered the gate; nil when it did and does not stop.
    private func work(
        _ job: ClaimedJob, interruptions: AsyncStream<Interruption>, logger: Logger
    ) async -> (ending: Ending, hasEntered: Bool?) {
        let (steps, reporter) = AsyncStream.makeStream(of: Step.self, bufferingPolicy: .bufferingNewest(1))
        let (endings, finished) = AsyncStream.makeStream(of: Ending.self)
        // A task of its own: one that hangs must not keep its neighbours and its worker from going on.
        let work = Task {
            defer { finished.finish() }
            guard await gate.enter(alone: job.runsAlone) else { return false }
            guard await isStarted(job, logger: logger) else {
                finished.yield(.interrupted(.superseded))
                return true
            }
            do throws(JobFailure) {
                finished.yield(.judged(try await perform(job, steps: reporter)))
            } catch {
                finished.yield(.failed(error))
            }
            return true
        }
        let ending = await firstEnding(job, endings: endings, interruptions: interruptions, steps: steps)
        if case .interrupted = ending { work.cancel() }
        return (ending, await value(of: work))
    }

    private func firstEnding(
        _ job: ClaimedJob, endings: AsyncStream<Ending>, interruptions: AsyncStream<Interruption>, steps: AsyncStream<Step>
    ) async -> Ending {
        await withTaskGroup(of: Ending?.self) { group in
            group.addTask {
                for await ending in endings { return ending }
                return nil
            }
            group.addTask {
                for await interruption in interruptions { return .interrupted(interruption) }
                return nil
            }
            group.addTask {
                await report(job.lease, steps)
                return nil
            }
            var ending: Ending?
            while ending == nil, let next = await group.next() { ending = next }
            // Ends the reporting.
            group.cancelAll()
            return ending ?? .interrupted(.superseded)
        }
    }

    /// Waits for work that has ended or was told to; nil when it does not end.
    private func value(of work: Task<Bool, Never>) async -> Bool? {
        let (values, found) = AsyncStream.makeStream(of: Bool?.self)
        let waits = [
            Task {
                _ = found.yield(await work.value)
            },
            Task {
                do {
                    try await Task.sleep(for: .seconds(HeldJobs.letGoSeconds))
                    found.yield(nil)
                } catch {
                    // The work ended first.
                }
            },
        ]
        defer { for wait in waits { wait.cancel() } }
        for await value in values { return value }
        return nil
    }

    /// How far a job is: its stage, and the share of that stage that is done.
    private struct Step: Sendable {
        let stage: JobStage
        let share: Double

        /// The share of the whole job, from the stages' usual weights: decoding takes most of the time.
        var overall: Double {
            switch stage {
            case .fetching: 0
            case .decoding: 0.02 + 0.68 * share
            case .classifying: 0.7 + 0.2 * share
            case .drawing: 0.9 + 0.07 * share
            case .storing: 0.97
            }
        }
    }

    private func perform(_ job: ClaimedJob, steps: AsyncStream<Step>.Continuation) async throws(JobFailure) -> WorkResult {
        await held.enter(.fetching, job.lease)
        let job = try await fetched(job)
        let descriptor: Int32
        do {
            descriptor = try await uploads.open(key: job.storeKey)
        } catch {
            logger.error("an upload cannot be read", metadata: [
                LogField.job: "\(job.lease.job)", LogField.error: "\(error.debugDescription)",
            ])
            throw JobFailure(code: "upload_unreadable", message: error.description, disposition: error.disposition)
        }
        defer { close(descriptor) }
        await held.enter(.decoding, job.lease)
        return try await work.perform(job, upload: descriptor) { stage, share in
            steps.yield(Step(stage: stage, share: share))
        }
    }

    /// The job with its clip in the store.
    private func fetched(_ job: ClaimedJob) async throws(JobFailure) -> ClaimedJob {
        guard job.uploadSHA256 == nil else { return job }
        guard let fetcher, let url = job.sourceURL else {
            throw JobFailure(code: "fetching_off", message: "this worker fetches no clips; another may", disposition: .retry)
        }
        let stored = try await fetcher.fetch(url)
        var job = job
        let isOurs: Bool
        do {
            isOurs = try await store.attach(&job, storeKey: stored.key, bytes: stored.bytes, sha256: stored.sha256)
        } catch {
            // Bytes that no row knows go with the next sweep of the store.
            throw JobFailure(code: "fetch_not_noted", message: "the database could not be told of the clip; again later", disposition: .retry)
        }
        guard isOurs else {
            do {
                try await uploads.remove(key: stored.key)
            } catch {
                logger.warning("a fetched clip that nobody needs is left to the sweep", metadata: [LogField.error: "\(error.debugDescription)"])
            }
            await held.interrupt(job.lease, .superseded)
            throw JobFailure(code: "superseded", message: "another worker has the job", disposition: .retry)
        }
        return job
    }

    /// Shows progress at most twice a second; a write that finds another owner interrupts the job.
    private func report(_ lease: JobLease, _ steps: AsyncStream<Step>) async {
        var shown: Step?
        for await step in steps {
            if step.stage != shown?.stage { await held.enter(step.stage, lease) }
            shown = step
            do {
                let outcome = try await store.report(lease, stage: step.stage, progress: step.overall)
                if outcome == .superseded { await held.interrupt(lease, .superseded) }
                try await Task.sleep(for: .milliseconds(500))
            } catch is CancellationError {
                return
            } catch {
                // Progress is only shown; the heart and the last write decide who owns the job.
                logger.debug("progress was not written", metadata: [LogField.error: "\(String(reflecting: error))"])
            }
        }
    }

    /// Writes how the job ended.
    ///
    /// - Returns: the jobs that ended with it, or wait for another now.
    private func settle(_ job: ClaimedJob, _ ending: Ending, logger: Logger) async -> [JobID] {
        switch ending {
        case .judged(let result):
            let outcome = await persist(job, logger: logger) {
                try await store.complete(
                    job.lease, verdict: result.verdict, analysisVersion: work.identity.analysisVersion, artifacts: result.artifacts)
            }
            switch outcome {
            case .written(let followers):
                logger.info("judged", metadata: [LogField.state: "\(result.verdict.label.rawValue)"])
                return followers
            // Either another worker has it, and this changes nothing, or its client withdrew it in the meantime.
            case .superseded: return await end(job, .cancelled, logger: logger)
            case nil: return []
            }
        case .failed(let failure): return await settle(job, failure, logger: logger)
        case .interrupted(.cancelRequested): return await end(job, .cancelled, logger: logger)
        case .interrupted(.draining): return await end(job, .handedBack, logger: logger)
        case .interrupted(.superseded), .interrupted(.overdue): return []
        }
    }

    private func settle(_ job: ClaimedJob, _ failure: JobFailure, logger: Logger) async -> [JobID] {
        logger.notice("not judged", metadata: [LogField.code: "\(failure.code)", LogField.error: "\(failure.message)"])
        var generator = SystemRandomNumberGenerator()
        switch failure.disposition {
        // A crashed decoder may have been the machine's fault; a clip that crashes it twice will do it again.
        case .refuse where failure.code != "decoder_crashed" || job.decoderCrashes > 0 || job.attempt >= job.maximumAttempts:
            return await end(job, .failed(JobError(failure)), logger: logger)
        case .refuse, .retry:
            let delay = retry.delaySeconds(afterAttempt: job.attempt, using: &generator)
            return await end(job, .retried(JobError(failure), delaySeconds: delay), logger: logger)
        case .stop:
            let followers = await end(job, .handedBack, logger: logger)
            logger.critical("this worker cannot go on and stops", metadata: [LogField.code: "\(failure.code)"])
            stop()
            return followers
        }
    }

    private func end(_ job: ClaimedJob, _ outcome: RunOutcome, logger: Logger) async -> [JobID] {
        guard case .written(let followers) = await persist(job, logger: logger, { try await store.end(job.lease, outcome) })
        else { return [] }
        return followers
    }

    /// Writes again and again, for about ten minutes, while PostgreSQL is away: the work is done and must not be lost. The
    /// fence makes a repetition harmless.
    private func persist(
        _ job: ClaimedJob, logger: Logger, _ write: () async throws -> FencedOutcome
    ) async -> FencedOutcome? {
        var attempt = 0
        var generator = SystemRandomNumberGenerator()
        let policy = RetryPolicy(baseSeconds: 0.25, capSeconds: 10)
        while true {
            do {
                return try await write()
            } catch let error as PostgresError where error.isRetryable && attempt < 60 {
                attempt += 1
                logger.warning("the outcome is not written yet", metadata: [LogField.error: "\(String(reflecting: error))"])
            } catch {
                logger.error("the outcome could not be written; the lease will run out", metadata: [
                    LogField.error: "\(String(reflecting: error))"
                ])
                return nil
            }
            do {
                try await Task.sleep(for: .seconds(policy.delaySeconds(afterAttempt: attempt, using: &generator)))
            } catch {
                return nil
            }
        }
    }

    private func hintDone(_ jobs: [JobID]) async {
        do {
            for job in jobs { try await dispatch.publish(.done, job) }
        } catch {
            logger.debug("a hint was not published", metadata: [LogField.error: "\(String(reflecting: error))"])
        }
    }
}
