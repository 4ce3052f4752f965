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
                    logger.warning("a heartbeat failed", metadata: [LogField.error: "\(error)"])
                }
            }
            do {
                try await Task.sleep(for: .seconds(heartbeatSeconds))
            } catch {
                break
            }
        }
        await connection?.close()
    }

    private func beat(on connection: PostgresConnection) async throws {
        let timeout = Duration.seconds(heartbeatSeconds)
        if try await !WorkerRegistry.beat(worker.id, isDraining: isDraining.isSet, on: connection, timeout: timeout) {
            try await registry.register(worker)
        }
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
