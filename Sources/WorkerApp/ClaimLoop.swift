import Foundation
import JobModel
import JobStore
import Logging
import PostgresClient
import RedisClient
import ServiceLifecycle
import Telemetry

/// Fills the worker's slots: by Redis' wake-ups while jobs run as they come; from PostgreSQL's queue, in turn, while more wait
/// than run, so that turns and priority are decided when a slot is free and not when a wake-up was sent; and while Redis is away.
struct ClaimLoop: Sendable {
    /// Shorter than any sensible lease: a worker that is asked to stop does not wait longer for a quiet stream.
    static let blockMilliseconds = 2000
    private static let shortBlockMilliseconds = 50

    let store: JobStore
    let dispatch: JobDispatch
    let redis: RedisClient
    let claimant: Claimant
    let kind: JobKind
    let slots: Slots
    let memory: MemoryBudget
    let health: WorkerHealth
    let pollSeconds: Double
    let isDraining: DrainFlag
    let logger: Logger

    /// Claims until the worker drains; each job goes to `start`.
    func run(start: (ClaimedJob) async -> Void) async {
        var connection: RedisConnection?
        var isBacklogged = false
        while !isDraining.isSet {
            let free = await freeSlots()
            guard !isDraining.isSet else { break }
            await health.claimLoopPassed()
            guard free > 0 else {
                await pause()
                continue
            }
            do {
                if isBacklogged, try await claimFromQueue(upTo: free, start: start) > 0 { continue }
                let current = try await usable(connection)
                connection = current
                // Just after a backlog others may have been quicker everywhere this looked: it looks again soon.
                isBacklogged = try await claimFromStream(
                    on: current, upTo: free, blockMilliseconds: isBacklogged ? Self.shortBlockMilliseconds : Self.blockMilliseconds,
                    start: start)
            } catch let error as RedisError {
                connection = nil
                // Counted anew: some of the entries may have become jobs before Redis went away.
                let free = await freeSlots()
                if !isDraining.isSet {
                    logger.warning("Redis is away; looking in PostgreSQL", metadata: [
                        LogField.error: "\(String(reflecting: error))"
                    ])
                    await claimWithoutRedis(upTo: free, start: start)
                }
            } catch {
                logger.warning("no job could be claimed", metadata: [LogField.error: "\(String(reflecting: error))"])
                await pause()
            }
        }
        await connection?.close()
    }

    /// Waits for a free slot; 0 when memory has no room for a job, which readiness tells then.
    private func freeSlots() async -> Int {
        let free = await slots.free()
        guard let room = await memory.roomForJobs() else { return free }
        await health.note(
            .memory, room > 0 ? nil : "less than \(memory.jobMegabytes) MB of memory are free, which a job may need")
        return min(free, room)
    }

    private func usable(_ connection: RedisConnection?) async throws -> RedisConnection {
        if let connection, connection.isUsable { return connection }
        try await dispatch.ensureGroup(kind: kind)
        return try await redis.makeConnection()
    }

    /// - Returns: whether more jobs wait than there are wake-ups.
    private func claimFromStream(
        on connection: RedisConnection, upTo free: Int, blockMilliseconds: Int, start: (ClaimedJob) async -> Void
    ) async throws -> Bool {
        let entries: [JobDispatch.Entry]
        do {
            entries = try await cancelWhenGracefulShutdown {
                try await dispatch.read(
                    on: connection, consumer: claimant.worker.uuidString.lowercased(), kind: kind,
                    // Half of what fits: a burst is shared with other workers that wait as well.
                    count: (free + 1) / 2, blockMilliseconds: blockMilliseconds)
            }
        } catch let error as RedisError where error.code == "NOGROUP" || error.code == "UNBLOCKED" {
            // FLUSHALL took the stream with it; the relay fills the new one.
            try await dispatch.ensureGroup(kind: kind)
            return false
        }
        if isDraining.isSet {
            try await store.markUndispatched(entries.compactMap(\.job))
        } else {
            // On a PostgreSQL error the entries stay pending, and the sweep finds them.
            let named = entries.compactMap(\.job)
            let claimed = try await store.claim(named, for: claimant)
            for job in claimed { await start(job) }
            try await store.markMissed(named.filter { id in !claimed.contains { $0.lease.job == id } }, by: claimant)
        }
        let isBacklogged = try await dispatch.settle(entries, kind: kind, refillBelow: slots.count)
        // A quiet stream may also mean that workers of another model took this one's wake-ups.
        return entries.isEmpty ? try await claimFromQueue(upTo: free, start: start) > 0 : isBacklogged
    }

    /// Takes what PostgreSQL has without being woken.
    ///
    /// - Returns: how many jobs that were.
    private func claimFromQueue(upTo free: Int, start: (ClaimedJob) async -> Void) async throws -> Int {
        guard free > 0, !isDraining.isSet else { return 0 }
        let claimed = try await store.claimNext(free, for: claimant)
        for job in claimed { await start(job) }
        return claimed.count
    }

    private func claimWithoutRedis(upTo free: Int, start: (ClaimedJob) async -> Void) async {
        do {
            _ = try await claimFromQueue(upTo: free, start: start)
        } catch {
            logger.warning("PostgreSQL is away too", metadata: [LogField.error: "\(String(reflecting: error))"])
        }
        await pause()
    }

    private func pause() async {
        do {
            try await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(pollSeconds)) }
        } catch {
            // The worker drains; the loop's condition sees it.
        }
    }
}
