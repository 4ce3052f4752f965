import Hummingbird
import JobStore
import Logging
import PostgresClient
import RedisClient
import Settings
import Telemetry

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
            let logger = Logger(label: "whorl-gateway")
            let gateway = try Gateway(configuration: configuration, logger: logger)
            let application = gateway.makeApplication { port in
                logger.info("listening", metadata: ["host": "\(configuration.host)", "port": "\(port)"])
            }
            try await application.runService()
            try await gateway.close()
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
}
