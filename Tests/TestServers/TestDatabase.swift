import Foundation
import Logging
import PostgresClient

/// A schema of one's own in the server that `WHORL_TEST_DATABASE_URL` names.
public struct TestDatabase: Sendable {
    /// Its `search_path` is the schema.
    public let configuration: PostgresConfiguration
    /// The schema's name.
    public let schema: String

    /// Runs `body` with a fresh schema and drops it afterwards.
    public static func with(
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

    /// One more pool on the same schema.
    public func makePool() -> PostgresPool {
        PostgresPool(configuration: configuration, logger: quietLogger)
    }
}
