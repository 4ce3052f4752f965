import AsyncAlgorithms
import JobModel
import JobStore
import Logging
import ServiceLifecycle
import Telemetry
import UploadStore

/// Takes jobs from workers that were lost, settles what they left in Redis, and removes bytes that nobody needs.
struct Sweep: Service {
    /// Half-written uploads are removed when nothing was written to them for this long: their gateway is gone.
    static let abandonedSeconds = 3600.0
    /// Entries are pending for milliseconds; what is older belonged to a worker that died between reading and claiming.
    static let pendingMilliseconds = 30_000

    let store: JobStore
    let dispatch: JobDispatch
    let uploads: DirectoryUploadStore
    let waiters: JobWaiters
    let kind: JobKind
    let seconds: Double
    let crashLimit: Int
    let keepUploadsSeconds: Double
    let logger: Logger

    func run() async throws {
        let ticks = AsyncTimerSequence(interval: .seconds(seconds), clock: .continuous)
        for await _ in ticks.cancelOnGracefulShutdown() {
            await attempt("take back lost jobs", takeBackLost)
            await attempt("settle abandoned entries", settleAbandoned)
            await attempt("remove unneeded uploads", releaseUploads)
            await attempt("keep house", store.keepHouse)
        }
    }

    private func attempt(_ what: String, _ chore: () async throws -> Void) async {
        do {
            try await chore()
        } catch {
            logger.warning("could not \(what); will try again", metadata: [LogField.error: "\(error)"])
        }
    }

    private func takeBackLost() async throws {
        guard let report = try await store.sweep(crashLimit: crashLimit) else { return }
        for job in report.requeued {
            logger.warning("a worker was lost; its job is queued again", metadata: [LogField.job: "\(job)"])
        }
        for job in report.dead {
            logger.error("a job took its workers with it and is dead", metadata: [LogField.job: "\(job)"])
        }
        for job in report.dead + report.cancelled { await waiters.wake(job) }
    }

    private func settleAbandoned() async throws {
        try await dispatch.ensureGroup(kind: kind)
        let jobs = try await dispatch.clearAbandoned(kind: kind, idleMilliseconds: Self.pendingMilliseconds)
        if !jobs.isEmpty { try await store.markUndispatched(jobs) }
    }

    private func releaseUploads() async throws {
        _ = try await uploads.removeAbandoned(olderThanSeconds: Self.abandonedSeconds)
        let releasable = try await store.releasableUploads(keepSeconds: keepUploadsSeconds)
        guard !releasable.isEmpty else { return }
        for upload in releasable { try await uploads.remove(key: upload.storeKey) }
        try await store.markReleased(releasable)
    }
}
