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
                if !isDraining.isSet {
                    logger.warning("Redis is away; looking in PostgreSQL", metadata: [LogField.error: "\(error)"])
                    await claimFromQueue(upTo: free, start: start)
                }
            } catch {
                logger.warning("no job could be claimed", metadata: [LogField.error: "\(error)"])
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
            // On a PostgreSQL error the entry stays pending, and the sweep finds it.
            let job = try await entry.job.asyncFlatMap { try await store.claim($0, for: claimant) }
            if let job { await start(job) }
            try await dispatch.settle(entry, kind: kind, refillBelow: free)
        }
    }

    private func claimFromQueue(upTo free: Int, start: (ClaimedJob) async -> Void) async {
        do {
            let jobs = try await store.claimNext(free, for: claimant)
            for job in jobs { await start(job) }
            if jobs.isEmpty { await pause() }
        } catch {
            logger.warning("PostgreSQL is away too", metadata: [LogField.error: "\(error)"])
            await pause()
        }
    }

    private func pause() async {
        do {
            try await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(pollSeconds)) }
        } catch {
            // The worker drains; the loop's condition sees it.
        }
    }
}

extension Optional {
    fileprivate func asyncFlatMap<Value>(_ transform: (Wrapped) async throws -> Value?) async rethrows -> Value? {
        guard let self else { return nil }
        return try await transform(self)
    }
}
