import AsyncAlgorithms
import JobModel
import JobStore
import Logging
import ServiceLifecycle
import Telemetry
import UploadStore

/// Takes jobs from workers that were lost, settles what they left in Redis, and removes bytes and rows that nobody needs.
struct Sweep: Service {
    let store: JobStore
    let resumables: ResumableStore
    let dispatch: JobDispatch
    let uploads: any UploadStore
    let waiters: JobWaiters
    let kind: JobKind
    let seconds: Double
    let tidySeconds: Double
    let crashLimit: Int
    /// Entries are pending for milliseconds; what is older belonged to a worker that died between reading and claiming.
    let pendingSeconds: Double
    let keepUploadsSeconds: Double
    /// What a gateway left half-way is removed after this long.
    let abandonedUploadSeconds: Double
    let retention: RetentionPolicy
    /// Ends what resumable uploads left.
    let tidyResumables: @Sendable () async throws -> Void
    /// Writes down which keys were used.
    let noteKeyUse: @Sendable () async throws -> Void
    let pulse: Pulse
    let metrics: MetricRegistry
    let logger: Logger

    func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await takeBackAgainAndAgain() }
            group.addTask { await tidyAgainAndAgain() }
        }
    }

    private func takeBackAgainAndAgain() async {
        let ticks = AsyncTimerSequence(interval: .seconds(seconds), clock: .continuous)
        for await _ in ticks.cancelOnGracefulShutdown() {
            await attempt("take back lost jobs", of: "sweep", takeBackLost)
            await attempt("settle abandoned entries", of: "sweep", settleAbandoned)
        }
        pulse.end("sweep")
    }

    private func tidyAgainAndAgain() async {
        let ticks = AsyncTimerSequence(interval: .seconds(tidySeconds), clock: .continuous)
        // One folder a pass keeps a pass short, however many clips there are.
        var folder = 0
        var cursor: UploadCursor?
        for await _ in ticks.cancelOnGracefulShutdown() {
            await attempt("remove expired jobs") {
                if let count = try await store.removeExpired(retention), count > 0 {
                    logger.info("removed expired jobs", metadata: [LogField.count: "\(count)"])
                }
            }
            await attempt("remove unneeded uploads") { cursor = try await releaseUploads(after: cursor) }
            await attempt("end resumable uploads", tidyResumables)
            await attempt("note the keys' use", noteKeyUse)
            await attempt("remove uploads without a job") { try await removeOrphans(inFolder: folder) }
            await attempt("keep house", store.keepHouse)
            folder = (folder + 1) % UploadKey.folderCount
        }
        pulse.end("tidy")
    }

    private func attempt(_ what: String, of loop: String = "tidy", _ chore: () async throws -> Void) async {
        pulse.beat(loop)
        do {
            try await chore()
        } catch {
            metrics.add(to: .choreFailures, ["sweep"])
            logger.warning("could not \(what); will try again", metadata: [
                LogField.error: "\(String(reflecting: error))"
            ])
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
        for job in report.dead + report.cancelled + report.followers { await waiters.wake(job) }
    }

    private func settleAbandoned() async throws {
        try await dispatch.ensureGroup(kind: kind)
        let jobs = try await dispatch.clearAbandoned(kind: kind, idleMilliseconds: Int(pendingSeconds * 1000))
        if !jobs.isEmpty { try await store.markUndispatched(jobs) }
    }

    /// One pass over a part of the uploads; returns where the next goes on.
    private func releaseUploads(after cursor: UploadCursor?) async throws -> UploadCursor? {
        let unfinished = try await uploads.unfinished(olderThanSeconds: abandonedUploadSeconds)
        if !unfinished.isEmpty {
            let known = Set(try await resumables.open(among: unfinished.compactMap { UploadKey.id(in: $0) }).map(UploadKey.make))
            for key in unfinished where !known.contains(key) {
                try await uploads.discard(unfinished: key)
            }
        }
        var released: [ReleasableUpload] = []
        let pass = try await store.releasableUploads(keepSeconds: keepUploadsSeconds, after: cursor)
        for upload in pass.uploads {
            // One that cannot be removed must not keep the others.
            await attempt("remove the bytes of \(upload.storeKey)") {
                try await uploads.remove(key: upload.storeKey)
                released.append(upload)
            }
        }
        if !released.isEmpty { try await store.markReleased(released) }
        try await store.forgetUnreferencedUploads()
        return pass.next
    }

    private func removeOrphans(inFolder folder: Int) async throws {
        let keys = try await uploads.keys(inFolder: folder, olderThanSeconds: abandonedUploadSeconds)
        guard !keys.isEmpty else { return }
        let known = try await store.knownUploadKeys(among: keys)
        for key in keys where !known.contains(key) {
            logger.warning("an upload has no job; its bytes are removed", metadata: [LogField.path: "\(key)"])
            try await uploads.remove(key: key)
        }
    }
}
