import ArgumentParser
import Foundation
import JobStore
import Logging
import PostgresClient

/// Which database a command works on.
struct DatabaseOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "postgresql://user:password@host:port/database. Default: WHORL_DATABASE_URL, else DATABASE_URL.", valueName: "url"))
    var databaseURL: String?

    func validate() throws {
        guard address != nil else {
            throw ValidationError("no database: give --database-url or set WHORL_DATABASE_URL or DATABASE_URL")
        }
    }

    private var address: String? {
        let environment = ProcessInfo.processInfo.environment
        return [databaseURL, environment["WHORL_DATABASE_URL"], environment["DATABASE_URL"]].lazy
            .compactMap { $0 }.first { !$0.isEmpty }
    }

    /// Lends a small pool for the time of `body`.
    func withPool<Value>(applicationName: String, _ body: (PostgresPool) async throws -> Value) async throws -> Value {
        let pool = pool(connections: 1, applicationName: applicationName)
        do {
            let value = try await body(pool)
            await pool.close()
            return value
        } catch {
            await pool.close()
            throw error
        }
    }

    /// Makes a pool that logs nothing; the command's own words are what a person reads.
    func pool(connections: Int, applicationName: String) -> PostgresPool {
        let silent = Logger(label: "whorl") { _ in SwiftLogNoOpLogHandler() }
        return PostgresPool(
            configuration: PostgresConfiguration(
                url: address ?? "", maximumConnections: connections, applicationName: applicationName,
                sessionSettings: JobStore.sessionSettings),
            logger: silent)
    }
}
