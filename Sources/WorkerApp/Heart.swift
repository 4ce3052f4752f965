import Foundation
import JobModel
import JobStore
import Logging
import PostgresClient
import Synchronization
import Telemetry

/// Renews this worker's leases on a thread and a connection of its own, so that neither a long forward nor a busy pool
/// can stop it.
struct Heart: Sendable {
    let worker: WorkerRecord
    let database: PostgresConfiguration
    let registry: WorkerRegistry
    let held: HeldJobs
    let slots: Slots
    let health: WorkerHealth
    let leaseSeconds: Double
    let heartbeatSeconds: Double
    let aliveFile: String
    let readyFile: String
    let isDraining: DrainFlag
    let logger: Logger

    /// Beats until the task is cancelled.
    func run() async {
        var connection: PostgresConnection?
        while !Task.isCancelled {
            // Fixed before the beat, so that a slow one does not delay the next.
            let next = ContinuousClock.now + .seconds(heartbeatSeconds)
            do {
                let current: PostgresConnection
                if let connection, connection.isUsable {
                    current = connection
                } else {
                    current = try await PostgresConnection.connect(database)
                    connection = current
                }
                try await beat(on: current)
            } catch {
                // The job goes on: if PostgreSQL comes back before another took it, its epoch still stands.
                if !Task.isCancelled {
                    logger.warning("a heartbeat failed", metadata: [LogField.error: "\(String(reflecting: error))"])
                }
                show(isReady: false)
            }
            do {
                try await Task.sleep(until: next, clock: .continuous)
            } catch {
                break
            }
        }
        show(isReady: false)
        await connection?.close()
    }

    private func beat(on connection: PostgresConnection) async throws {
        // Two statements and a pause between beats must fit into a lease with room to spare.
        let timeout = Duration.seconds(leaseSeconds / 6)
        let leases = await held.renewable()
        if !leases.isEmpty {
            let standing = try await JobStore.renew(
                leases, leaseSeconds: leaseSeconds, on: connection, timeout: timeout)
            for lease in leases {
                switch standing[lease] {
                case nil: await held.interrupt(lease, .superseded)
                case true?: await held.interrupt(lease, .cancelRequested)
                case false?: break
                }
            }
        }
        let condition = await health.condition(
            isDraining: isDraining.isSet, busySlots: await slots.taken, lostSlots: await slots.lost,
            slots: worker.slots)
        if try await !WorkerRegistry.beat(worker.id, condition, on: connection, timeout: timeout) {
            try await registry.register(worker)
        }
        touch(aliveFile)
        show(isReady: !condition.isDraining && condition.unreadyReason == nil)
    }

    private func show(isReady: Bool) {
        if isReady {
            touch(readyFile)
        } else if !readyFile.isEmpty, unlink(readyFile) != 0, errno != ENOENT {
            logger.warning("cannot remove the ready file", metadata: [LogField.path: "\(readyFile)"])
        }
    }

    private func touch(_ file: String) {
        guard !file.isEmpty else { return }
        if !FileManager.default.createFile(atPath: file, contents: Data()) {
            logger.warning("cannot touch a file", metadata: [LogField.path: "\(file)"])
        }
    }
}

/// Set once, when the worker begins to drain.
final class DrainFlag: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { flag.load(ordering: .acquiring) }

    func set() { flag.store(true, ordering: .releasing) }
}
