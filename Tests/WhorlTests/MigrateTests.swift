import Foundation
import PostgresClient
import TestServers
import Testing

/// `whorl migrate` against a real PostgreSQL, in a schema of its own.
@Suite struct MigrateTests {
    @Test func upDownAndRefusal() async throws {
        try await TestDatabase.with { database, pool in
            let url = try address(of: database)
            let folder = try TestFolder()
            let steps = [
                ("0001_first.up.sql", "CREATE TABLE first (id int);"), ("0001_first.down.sql", "DROP TABLE first;"),
                ("0002_second.up.sql", "CREATE TABLE second (id int);"), ("0002_second.down.sql", "DROP TABLE second;"),
            ]
            for (name, sql) in steps { _ = try folder.write(name, sql.utf8) }
            func migrate(_ arguments: String...) throws -> Outcome {
                try WhorlProcess.run(["migrate", "--migrations", folder.path, "--database-url", url] + arguments)
            }
            func tables() async throws -> [String] {
                try await pool.query(
                    "SELECT table_name::text AS name FROM information_schema.tables WHERE table_schema = $1 ORDER BY 1",
                    [database.schema]
                ).map { try $0.decode("name") }
            }

            let first = try migrate("--wait", "5")
            #expect(first.status == 0, "\(first.error)")
            #expect(first.output == "applied 0001_first\napplied 0002_second\nthe schema is at version 2\n")
            #expect(try await tables() == ["first", "schema_migrations", "second"])
            #expect(try migrate().output == "the schema is at version 2\n")
            #expect(try migrate("--to", "1").output == "reverted 0002_second\nthe schema is at version 1\n")
            #expect(try await tables() == ["first", "schema_migrations"])
            #expect(try migrate("--to", "7").status == 1)

            _ = try folder.write("0001_first.up.sql", "CREATE TABLE first (id bigint);".utf8)
            let changed = try migrate()
            #expect(changed.status == 1)
            #expect(changed.error.contains("was changed after it was applied"))
            #expect(try await tables() == ["first", "schema_migrations"])
        }
    }

    /// The test server's URL with the schema as its search path.
    private func address(of database: TestDatabase) throws -> String {
        let variable = "WHORL_TEST_DATABASE_URL"
        let url = try #require(ProcessInfo.processInfo.environment[variable])
        return url + (url.contains("?") ? "&" : "?") + "options=-csearch_path%3D\(database.schema)"
    }
}
