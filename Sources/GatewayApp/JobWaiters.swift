import AsyncAlgorithms
import Foundation
import JobModel
import JobStore
import Logging
import RedisClient
import ServiceLifecycle
import Telemetry

/// Requests that wait for a job to change. Whoever waits registers first, then reads, then waits, so that no change is
/// missed; hints from Redis wake them, and one query for all of them every few seconds does when Redis cannot.
actor JobWaiters {
    private var waiting: [JobID: [UUID: AsyncStream<Void>.Continuation]] = [:]

    /// A registration; every change after it was made is noticed.
    struct Ticket: Sendable {
        fileprivate let job: JobID
        fileprivate let token: UUID
        fileprivate let changes: AsyncStream<Void>

        /// Returns when the job may have changed, the deadline has passed, the gateway stops, or the task was cancelled.
        func wait(until deadline: ContinuousClock.Instant) async {
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    var iterator = changes.makeAsyncIterator()
                    await iterator.next()
                }
                group.addTask {
                    do {
                        try await Task.sleep(until: deadline, clock: .continuous)
                    } catch {
                        // Cancelled: the change came first, or the request ended.
                    }
                }
                group.addTask {
                    do {
                        try await gracefulShutdown()
                    } catch {
                        // Cancelled: one of the others came first.
                    }
                }
                await group.next()
                group.cancelAll()
            }
        }
    }

    /// The jobs that somebody waits for.
    var jobs: [JobID] { Array(waiting.keys) }

    /// Registers for the time of `body`.
    nonisolated func withTicket<Value: Sendable>(
        for job: JobID, _ body: (Ticket) async throws -> Value
    ) async throws -> Value {
        let ticket = await register(job)
        do {
            let value = try await body(ticket)
            await unregister(ticket)
            return value
        } catch {
            await unregister(ticket)
            throw error
        }
    }

    /// Wakes those who wait for one job.
    func wake(_ job: JobID) {
        for continuation in (waiting[job] ?? [:]).values { continuation.yield() }
    }

    /// Wakes everybody: some hints may have been missed.
    func wakeAll() {
        for job in waiting.keys { wake(job) }
    }

    private func register(_ job: JobID) -> Ticket {
        let token = UUID()
        let (changes, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        waiting[job, default: [:]][token] = continuation
        return Ticket(job: job, token: token, changes: changes)
    }

    private func unregister(_ ticket: Ticket) {
        waiting[ticket.job]?[ticket.token] = nil
        if waiting[ticket.job]?.isEmpty == true { waiting[ticket.job] = nil }
    }
}

/// Feeds `JobWaiters`: from Redis' hints, and from PostgreSQL every few seconds.
struct JobWaker: Service {
    let waiters: JobWaiters
    let store: JobStore
    let dispatch: JobDispatch
    let pollSeconds: Double
    let logger: Logger

    func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await follow() }
            group.addTask { await poll() }
            await group.next()
            group.cancelAll()
        }
    }

    private func follow() async {
        for await event in dispatch.hints([.done]).cancelOnGracefulShutdown() {
            switch event {
            case .subscribed: await waiters.wakeAll()
            case .message(_, let payload):
                if let job = JobID(String(decoding: payload, as: UTF8.self)) { await waiters.wake(job) }
            }
        }
    }

    private func poll() async {
        var known: [JobID: Int64] = [:]
        for await _ in AsyncTimerSequence(interval: .seconds(pollSeconds), clock: .continuous).cancelOnGracefulShutdown() {
            let jobs = await waiters.jobs
            guard !jobs.isEmpty else {
                known = [:]
                continue
            }
            do {
                let current = try await store.revisions(of: jobs)
                for (job, row) in current where known[job] != row.revision { await waiters.wake(job) }
                known = current.mapValues(\.revision)
            } catch {
                logger.warning("cannot look after waiting requests", metadata: [LogField.error: "\(String(reflecting: error))"])
            }
        }
    }
}
