import Hummingbird
import JobStore
import Logging
import PostgresClient
import RedisClient
import ServiceLifecycle
import Settings
import Telemetry
import UnixSignals

/// What the executable `whorl-gateway` does.
public enum GatewayProgram {
    /// Reads the settings, serves until SIGTERM or SIGINT, and exits.
    public static func main() async {
        let settings = await SettingsProgram.read(
            name: "whorl-gateway", version: WhorlVersion.current,
            summary: "Takes clips over HTTP, makes jobs of them, and shows their verdicts.",
            table: GatewayConfiguration.table)
        do {
            let configuration = try GatewayConfiguration(settings)
            LoggingSystem.bootstrap { JSONLogHandler(label: $0, level: configuration.logLevel) }
            try await serve(configuration)
        } catch let error as SettingsError {
            SettingsProgram.stop("whorl-gateway: \(error)", code: 2)
        } catch let error as PostgresError {
            SettingsProgram.stop("whorl-gateway: --database-url: \(String(reflecting: error))", code: 2)
        } catch let error as RedisError {
            SettingsProgram.stop("whorl-gateway: --redis-url: \(String(reflecting: error))", code: 2)
        } catch {
            SettingsProgram.stop("whorl-gateway: \(error)", code: 1)
        }
    }

    private static func serve(_ configuration: GatewayConfiguration) async throws {
        let logger = Logger(label: "whorl-gateway")
        let gateway = try Gateway(configuration: configuration, logger: logger)
        let publicSide = try gateway.makeApplication { port in
            logger.info("listening", metadata: ["host": "\(configuration.host)", "port": "\(port)"])
        }
        let operatorSide = gateway.makeOperatorApplication { port in
            logger.info("listening for operators", metadata: ["host": "\(configuration.operatorsHost)", "port": "\(port)"])
        }
        // The operators' listener goes last, so that they can watch the others stop.
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(services: [operatorSide] + gateway.services + [publicSide], logger: logger))
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        let stopping = Task {
            for await _ in signals { break }
            guard !Task.isCancelled else { return }
            logger.info("stopping", metadata: [LogField.seconds: "\(configuration.drainSeconds)"])
            gateway.drain.begin()
            try await Task.sleep(for: .seconds(configuration.drainSeconds))
            await group.triggerGracefulShutdown()
        }
        defer { stopping.cancel() }
        try await group.run()
        try await gateway.close()
    }
}
