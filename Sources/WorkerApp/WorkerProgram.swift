import Logging
import NeuralCore
import PostgresClient
import RedisClient
import ServiceLifecycle
import Settings
import Telemetry

/// What executables that are workers do.
public enum WorkerProgram {
    /// The executable `whorl-worker`: reads the settings, works until SIGTERM or SIGINT, drains and exits.
    public static func main() async {
        // First, since it may start the process anew with the right OpenBLAS kernels.
        let blas = OpenBLASCore.prepare()
        await run(
            name: "whorl-worker", summary: "Claims jobs, judges their clips, and stores verdicts and pictures.",
            table: AnalysisConfiguration.table
        ) { settings, logger in
            let configuration = try AnalysisConfiguration(settings)
            logger.info("network", metadata: [
                "kernels": "\(configuration.selection)", "threads": "\(configuration.threads)", "openblas": "\(blas)",
            ])
            return try AnalysisWork(configuration: configuration)
        }
    }

    /// Runs a worker as a whole process, and ends it with a line on standard error where it cannot start.
    ///
    /// - Parameters:
    ///   - table: the settings of the work, beside those of every worker.
    ///   - makeWork: may throw `SettingsError`.
    public static func run(
        name: String, summary: String, table: [Setting], makeWork: (SettingsReader, Logger) throws -> any JobWork
    ) async {
        let settings = await SettingsProgram.read(
            name: name, version: WhorlVersion.current, summary: summary, table: WorkerConfiguration.table + table)
        do {
            let configuration = try WorkerConfiguration(settings)
            LoggingSystem.bootstrap { JSONLogHandler(label: $0, level: configuration.logLevel) }
            let logger = Logger(label: name)
            let worker = try Worker(configuration: configuration, work: try makeWork(settings, logger), logger: logger)
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: [.init(service: worker, successTerminationBehavior: .gracefullyShutdownGroup)],
                    gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
            try await group.run()
        } catch let error as SettingsError {
            SettingsProgram.stop("\(name): \(error)", code: 2)
        } catch let error as PostgresError {
            SettingsProgram.stop("\(name): --database-url: \(String(reflecting: error))", code: 2)
        } catch let error as RedisError {
            SettingsProgram.stop("\(name): --redis-url: \(String(reflecting: error))", code: 2)
        } catch {
            SettingsProgram.stop("\(name): \(error)", code: 1)
        }
    }
}
