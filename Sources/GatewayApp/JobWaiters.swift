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
    private struct Waiting {
        let wake: AsyncStream<Void>.Continuation
        /// What the waiting request knows already.
        var seen: Int64?
    }

    private var waiting: [JobID: [UUID: Waiting]] = [:]

    /// A registration; every change after it was made is noticed.
    struct Ticket: Sendable {
        fileprivate let job: JobID
        fileprivate let token: UUID
        fileprivate let changes: AsyncStream<Void>
        fileprivate let waiters: JobWaiters

        /// Says which revision of the job is known, so that nobody is woken for it again.
        func note(seen revision: Int64) async {
            await waiters.note(seen: revision, by: self)
        }

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

    /// How many requests wait.
    var count: Int { waiting.values.reduce(0) { $0 + $1.count } }

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
        for request in (waiting[job] ?? [:]).values { request.wake.yield() }
    }

    /// Wakes those who wait for one job and know of another revision.
    func wake(_ job: JobID, for revision: Int64) {
        for request in (waiting[job] ?? [:]).values where request.seen != revision { request.wake.yield() }
    }

    /// Wakes everybody: some hints may have been missed.
    func wakeAll() {
        for job in waiting.keys { wake(job) }
    }

    private func register(_ job: JobID) -> Ticket {
        let token = UUID()
        let (changes, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        waiting[job, default: [:]][token] = Waiting(wake: continuation)
        return Ticket(job: job, token: token, changes: changes, waiters: self)
    }

    private func note(seen revision: Int64, by ticket: Ticket) {
        waiting[ticket.job]?[ticket.token]?.seen = revision
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
    let pulse: Pulse
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
        for await _ in AsyncTimerSequence(interval: .seconds(pollSeconds), clock: .continuous).cancelOnGracefulShutdown() {
            pulse.beat("waiters")
            let jobs = await waiters.jobs
            guard !jobs.isEmpty else { continue }
            do {
                let current = try await store.revisions(of: jobs)
                for job in jobs {
                    // One that is gone was erased, and nobody is to wait for it.
                    if let row = current[job] { await waiters.wake(job, for: row.revision) } else { await waiters.wake(job) }
                }
            } catch {
                logger.warning("cannot look after waiting requests", metadata: [LogField.error: "\(String(reflecting: error))"])
            }
        }
        pulse.end("waiters")
    }
}
