import Foundation
import Logging
import PostgresClient

/// A schema of one's own in the server that `WHORL_TEST_DATABASE_URL` names.
struct TestDatabase {
    let configuration: PostgresConfiguration
    let schema: String

    /// Runs `body` with a fresh schema and drops it afterwards.
    static func with(
        _ adjust: (inout PostgresConfiguration) -> Void = { _ in },
        _ body: (TestDatabase, PostgresPool) async throws -> Void
    ) async throws {
        guard let url = ProcessInfo.processInfo.environment["WHORL_TEST_DATABASE_URL"] else {
            throw MissingServer(variable: "WHORL_TEST_DATABASE_URL")
        }
        let schema = "test_" + UUID().uuidString.lowercased().replacing("-", with: "")
        var configuration = PostgresConfiguration(url: url, maximumConnections: 4, sessionSettings: ["search_path": schema])
        adjust(&configuration)
        let database = TestDatabase(configuration: configuration, schema: schema)
        let administration = PostgresPool(
            configuration: PostgresConfiguration(url: url, maximumConnections: 1), logger: quietLogger)
        try await administration.execute("CREATE SCHEMA \(schema)")
        let pool = database.makePool()
        var failure: (any Error)?
        do {
            try await body(database, pool)
        } catch {
            failure = error
        }
        await pool.close()
        try await administration.execute("DROP SCHEMA \(schema) CASCADE")
        await administration.close()
        if let failure { throw failure }
    }

    func makePool() -> PostgresPool {
        PostgresPool(configuration: configuration, logger: quietLogger)
    }
}

/// A test server is missing; that is a failure, never a reason to skip.
struct MissingServer: Error, CustomStringConvertible {
    let variable: String
    var description: String { "\(variable) is not set: run the tests by `make test`, which starts the servers" }
}

let quietLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Waits until `condition` holds, with a deadline.
func eventually(
    within limit: Duration = .seconds(10), _ condition: () async throws -> Bool
) async rethrows -> Bool {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if try await condition() { return true }
        await Task.yield()
    }
    return false
}
