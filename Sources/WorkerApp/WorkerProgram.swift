import Detector
import Logging
import NeuralCore
import PostgresClient
import RedisClient
import ServiceLifecycle
import Settings
import Telemetry

/// What the executable `whorl-worker` does.
public enum WorkerProgram {
    /// Reads the settings, works until SIGTERM or SIGINT, drains and exits.
    public static func main() async {
        // First, since it may start the process anew with the right OpenBLAS kernels.
        let blas = OpenBLASCore.prepare()
        let settings = await SettingsProgram.read(
            name: "whorl-worker", version: WhorlVersion.current,
            summary: "Claims jobs, judges their clips, and stores verdicts and pictures.",
            table: WorkerConfiguration.table)
        do {
            let configuration = try WorkerConfiguration(settings)
            LoggingSystem.bootstrap { JSONLogHandler(label: $0, level: configuration.logLevel) }
            let logger = Logger(label: "whorl-worker")
            logger.info(
                "network", metadata: ["kernels": "\(configuration.selection)", "threads": "\(configuration.threads)", "openblas": "\(blas)"])
            let worker = try Worker(configuration: configuration, logger: logger)
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: [.init(service: worker, successTerminationBehavior: .gracefullyShutdownGroup)],
                    gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
            try await group.run()
        } catch let error as SettingsError {
            SettingsProgram.stop("whorl-worker: \(error)", code: 2)
        } catch let error as PostgresError {
            SettingsProgram.stop("whorl-worker: --database-url: \(String(reflecting: error))", code: 2)
        } catch let error as RedisError {
            SettingsProgram.stop("whorl-worker: --redis-url: \(String(reflecting: error))", code: 2)
        } catch {
            SettingsProgram.stop("whorl-worker: \(error)", code: 1)
        }
    }
}
