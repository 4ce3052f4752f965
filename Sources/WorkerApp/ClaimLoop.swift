import Analysis
import Foundation
import JobModel
import JobStore
import Logging
import PostgresClient
import RedisClient
import ServiceLifecycle
import Telemetry

/// Fills the worker's slots: from Redis' stream while Redis is there, from PostgreSQL's queue while it is not.
struct ClaimLoop: Sendable {
    /// Shorter than any sensible lease: a worker that is asked to stop does not wait longer for a quiet stream.
    static let blockMilliseconds = 2000

    let store: JobStore
    let dispatch: JobDispatch
    let redis: RedisClient
    let claimant: Claimant
    let kind: JobKind
    let slots: Slots
    let pollSeconds: Double
    let isDraining: DrainFlag
    let logger: Logger

    /// Claims until the worker drains; each job goes to `start`.
    func run(start: (ClaimedJob) async -> Void) async {
        var connection: RedisConnection?
        while !isDraining.isSet {
            let free = await slots.free()
            guard !isDraining.isSet else { break }
            do {
                let current = try await usable(connection)
                connection = current
                try await claimFromStream(on: current, upTo: free, start: start)
            } catch let error as RedisError {
                connection = nil
                // Counted anew: some of the entries may have become jobs before Redis went away.
                let free = await slots.free()
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

    private func usable(_ connection: RedisConnection?) async throws -> RedisConnection {
        if let connection, connection.isUsable { return connection }
        try await dispatch.ensureGroup(kind: kind)
        return try await redis.makeConnection()
    }

    private func claimFromStream(
        on connection: RedisConnection, upTo free: Int, start: (ClaimedJob) async -> Void
    ) async throws {
        let entries: [JobDispatch.Entry]
        do {
            entries = try await cancelWhenGracefulShutdown {
                try await dispatch.read(
                    on: connection, consumer: claimant.worker.uuidString.lowercased(), kind: kind, count: free,
                    blockMilliseconds: Self.blockMilliseconds)
            }
        } catch let error as RedisError where error.code == "NOGROUP" || error.code == "UNBLOCKED" {
            // FLUSHALL took the stream with it; the relay fills the new one.
            try await dispatch.ensureGroup(kind: kind)
            return
        }
        for entry in entries {
            if isDraining.isSet, let job = entry.job {
                try await store.markUndispatched([job])
            } else if let id = entry.job, let job = try await store.claim(id, for: claimant) {
                // On a PostgreSQL error the entry stays pending, and the sweep finds it.
                await start(job)
            }
            try await dispatch.settle(entry, kind: kind, refillBelow: free)
        }
        // A quiet stream may also mean that workers of another model took this one's wake-ups.
        if entries.isEmpty { try await claimFromQueue(upTo: free, start: start) }
    }

    /// Takes what PostgreSQL has without being woken.
    private func claimFromQueue(upTo free: Int, start: (ClaimedJob) async -> Void) async throws {
        guard free > 0, !isDraining.isSet else { return }
        for job in try await store.claimNext(free, for: claimant) { await start(job) }
    }

    private func claimWithoutRedis(upTo free: Int, start: (ClaimedJob) async -> Void) async {
        do {
            try await claimFromQueue(upTo: free, start: start)
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
