import Analysis
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
    let uploads: any UploadStore
    let dispatch: JobDispatch
    let held: HeldJobs
    let gate: AloneGate
    let retry: RetryPolicy
    let stop: @Sendable () -> Void
    let logger: Logger

    /// How the work on a job ended, before anything is written about it.
    private enum Ending: Sendable {
        case analyzed(ClipAnalysis, [Artifact])
        case failed(JobFailure)
        case interrupted(Interruption)
    }

    func run(_ job: ClaimedJob, analyzer: ClipAnalyzer) async {
        var logger = logger
        logger[metadataKey: LogField.job] = "\(job.lease.job)"
        logger[metadataKey: LogField.epoch] = "\(job.lease.epoch)"
        let interruptions = await held.hold(job.lease)
        await gate.enter(alone: job.runsAlone)
        let ending = await work(job, analyzer: analyzer, interruptions: interruptions)
        await gate.leave()
        await held.enter(.storing, job.lease)
        await settle(job, ending, logger: logger)
        await held.release(job.lease)
    }

    /// The work, raced against interruptions.
    private func work(
        _ job: ClaimedJob, analyzer: ClipAnalyzer, interruptions: AsyncStream<Interruption>
    ) async -> Ending {
        let (steps, reporter) = AsyncStream.makeStream(of: Step.self, bufferingPolicy: .bufferingNewest(1))
        return await withTaskGroup(of: Ending?.self) { group in
            group.addTask {
                do throws(JobFailure) {
                    return try await analyze(job, analyzer: analyzer, steps: reporter)
                } catch {
                    return .failed(error)
                }
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
            // Ends the reporting, and kills the decoder child if the work is what lost the race.
            group.cancelAll()
            return ending ?? .interrupted(.superseded)
        }
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

    private func analyze(
        _ job: ClaimedJob, analyzer: ClipAnalyzer, steps: AsyncStream<Step>.Continuation
    ) async throws(JobFailure) -> Ending {
        await held.enter(.fetching, job.lease)
        let descriptor: Int32
        do {
            descriptor = try await uploads.open(key: job.storeKey)
        } catch {
            throw JobFailure(code: "upload_unreadable", message: error.description, disposition: error.disposition)
        }
        defer { close(descriptor) }
        await held.enter(.decoding, job.lease)
        steps.yield(Step(stage: .decoding, share: 0))
        let analysis = try await analyzer.analyze(
            fileDescriptor: descriptor, sha256: job.uploadSHA256, options: job.options
        ) { stage, share in
            steps.yield(Step(stage: stage, share: share))
        }
        await held.enter(.drawing, job.lease)
        steps.yield(Step(stage: .drawing, share: 0))
        let start = ContinuousClock.now
        var finished = analysis
        let artifacts = try await analyzer.draw(analysis)
        finished.verdict.timings.drawMilliseconds = (start.duration(to: .now) / .milliseconds(1) * 10).rounded() / 10
        return .analyzed(finished, artifacts)
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
                logger.debug("progress was not written", metadata: [LogField.error: "\(error)"])
            }
        }
    }

    private func settle(_ job: ClaimedJob, _ ending: Ending, logger: Logger) async {
        switch ending {
        case .analyzed(let analysis, let artifacts):
            let outcome = await persist(job, logger: logger) {
                try await store.complete(job.lease, verdict: analysis.verdict, artifacts: artifacts)
            }
            if outcome == .superseded {
                // Either another worker has it, and this changes nothing, or its client withdrew it in the meantime.
                await end(job, .cancelled, logger: logger)
            } else {
                logger.info("judged", metadata: [LogField.state: "\(analysis.verdict.label.rawValue)"])
            }
        case .failed(let failure): await settle(job, failure, logger: logger)
        case .interrupted(.cancelRequested): await end(job, .cancelled, logger: logger)
        case .interrupted(.draining): await end(job, .handedBack, logger: logger)
        case .interrupted(.superseded), .interrupted(.overdue):
            logger.warning("let go of a job without writing", metadata: [LogField.state: "\(ending)"])
        }
        await hintDone(job.lease.job)
    }

    private func settle(_ job: ClaimedJob, _ failure: JobFailure, logger: Logger) async {
        logger.notice("not judged", metadata: [LogField.code: "\(failure.code)", LogField.error: "\(failure.message)"])
        var generator = SystemRandomNumberGenerator()
        switch failure.disposition {
        // A crashed decoder may have been the machine's fault; a clip that crashes it twice will do it again.
        case .refuse where failure.code != "decoder_crashed" || job.attempt >= 2:
            await end(job, .failed(JobError(failure)), logger: logger)
        case .refuse, .retry:
            let delay = retry.delaySeconds(afterAttempt: job.attempt, using: &generator)
            await end(job, .retried(JobError(failure), delaySeconds: delay), logger: logger)
        case .stop:
            await end(job, .handedBack, logger: logger)
            logger.critical("this worker cannot go on and stops", metadata: [LogField.code: "\(failure.code)"])
            stop()
        }
    }

    private func end(_ job: ClaimedJob, _ outcome: RunOutcome, logger: Logger) async {
        _ = await persist(job, logger: logger) { try await store.end(job.lease, outcome) }
    }

    /// Writes again and again while PostgreSQL is away: the work is done and must not be lost. The fence makes a
    /// repetition harmless, and the stage's deadline ends it.
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
                logger.warning("the outcome is not written yet", metadata: [LogField.error: "\(error)"])
            } catch {
                logger.error("the outcome could not be written; the lease will run out", metadata: [
                    LogField.error: "\(error)"
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

    private func hintDone(_ job: JobID) async {
        do {
            try await dispatch.publish(.done, job)
        } catch {
            logger.debug("a hint was not published", metadata: [LogField.error: "\(error)"])
        }
    }
}
