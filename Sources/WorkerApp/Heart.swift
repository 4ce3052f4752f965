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
    let leaseSeconds: Double
    let heartbeatSeconds: Double
    let aliveFile: String
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
            }
            do {
                try await Task.sleep(until: next, clock: .continuous)
            } catch {
                break
            }
        }
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
        if try await !WorkerRegistry.beat(worker.id, isDraining: isDraining.isSet, on: connection, timeout: timeout) {
            try await registry.register(worker)
        }
        touchAliveFile()
    }

    private func touchAliveFile() {
        guard !aliveFile.isEmpty else { return }
        if !FileManager.default.createFile(atPath: aliveFile, contents: Data()) {
            logger.warning("cannot touch the alive file", metadata: [LogField.path: "\(aliveFile)"])
        }
    }
}

/// Set once, when the worker begins to drain.
final class DrainFlag: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { flag.load(ordering: .acquiring) }

    func set() { flag.store(true, ordering: .releasing) }
}
