import AsyncAlgorithms
import JobModel
import JobStore
import Logging
import RedisClient
import ServiceLifecycle
import Telemetry

/// Keeps the stream filled from PostgreSQL: what was never dispatched, what a dead gateway or a flushed Redis lost, and
/// what had to wait because the stream was at its bound.
struct Relay: Service {
    /// So many entries are on the stream at most when no worker is known.
    private static let minimumBound = 4
    /// Refills asked for within this time are one.
    static let restMilliseconds = 10

    let store: JobStore
    let registry: WorkerRegistry
    let dispatch: JobDispatch
    let kind: JobKind
    let seconds: Double
    let staleSeconds: Double
    let aliveSeconds: Double
    /// This gateway's own requests: a job came that is not on the stream.
    let requests: AsyncStream<Void>
    let pulse: Pulse
    let metrics: MetricRegistry
    let logger: Logger

    func run() async throws {
        let ticks = AsyncTimerSequence(interval: .seconds(seconds), clock: .continuous).map { _ in }
        let refills = dispatch.hints([.refill]).map { _ in }
        for await _ in merge(ticks, refills, requests).cancelOnGracefulShutdown() {
            pulse.beat("relay")
            do {
                try await refill()
                try await Task.sleep(for: .milliseconds(Self.restMilliseconds))
            } catch {
                metrics.add(to: .choreFailures, ["relay"])
                logger.warning("the relay will try again", metadata: [LogField.error: "\(String(reflecting: error))"])
            }
        }
        pulse.end("relay")
    }

    /// How many entries the stream may hold: one for each slot, so that a job which comes now waits for one round of the pool at
    /// most before its turn counts, and priority and cancellation are decided late, in PostgreSQL.
    static func bound(slots: Int) -> Int {
        max(minimumBound, slots)
    }

    private func refill() async throws {
        let bound = Self.bound(slots: try await registry.capacity(withinSeconds: aliveSeconds).slots)
        // Redis first: without it nothing is marked, and workers poll PostgreSQL by themselves.
        let room = bound - (try await dispatch.depth(kind: kind))
        guard room > 0 else { return }
        guard let jobs = try await store.takeUndispatched(
            kind: kind, limit: room, bound: bound, staleSeconds: staleSeconds)
        else { return }
        let pushed: Int
        do {
            pushed = try await dispatch.refill(jobs, kind: kind, bound: bound, hasMore: jobs.count == room)
        } catch {
            try await store.markUndispatched(jobs)
            throw error
        }
        if pushed < jobs.count { try await store.markUndispatched(Array(jobs[pushed...])) }
    }
}
