import Foundation
import PostgresClient
import TestServers
import Testing

@Suite struct StatementTests {
    @Test func anErrorCarriesCodeConstraintAndStatement() async throws {
        try await TestDatabase.with { _, pool in
            try await pool.execute("CREATE TABLE t (k text CONSTRAINT t_k_unique UNIQUE, n int CONSTRAINT t_n_positive CHECK (n > 0))")
            try await pool.execute("INSERT INTO t VALUES ('hidden-value', 1)")
            let unique = await #expect(throws: PostgresError.self) {
                try await pool.execute("INSERT INTO t VALUES ($1, 1)", ["hidden-value"])
            }
            #expect(unique?.sqlState == "23505")
            #expect(unique?.constraintName == "t_k_unique")
            #expect(unique?.isRetryable == false)
            #expect(unique?.outcomeIsUnknown == false)
            #expect(unique?.description.contains("hidden-value") == false)
            #expect(unique?.debugDescription.contains("INSERT INTO t") == true)
            let check = await #expect(throws: PostgresError.self) { try await pool.execute("INSERT INTO t VALUES ('x', $1)", [-1]) }
            #expect(check?.constraintName == "t_n_positive")
            let syntax = await #expect(throws: PostgresError.self) { try await pool.query("SELEKT 1") }
            #expect(syntax?.sqlState == "42601")
            #expect(try await pool.query("SELECT 1").count == 1)
        }
    }

    @Test func affectedRowsAreCounted() async throws {
        try await TestDatabase.with { _, pool in
            try await pool.execute("CREATE TABLE t (n int)")
            #expect(try await pool.execute("INSERT INTO t SELECT generate_series(1, 5)") == 5)
            #expect(try await pool.execute("UPDATE t SET n = n WHERE n > $1", [3]) == 2)
            #expect(try await pool.execute("UPDATE t SET n = n WHERE n > 99") == 0)
            let deleted = try await pool.query("DELETE FROM t WHERE n < 3 RETURNING n")
            #expect(deleted.affectedRows == 2)
            #expect(deleted.count == 2)
            #expect(deleted.columns == ["n"])
        }
    }

    @Test func aScriptRunsSeveralStatementsAsOne() async throws {
        try await TestDatabase.with { _, pool in
            try await pool.executeScript("CREATE TABLE a (n int); INSERT INTO a VALUES (1); INSERT INTO a VALUES (2);")
            #expect(try await pool.query("SELECT n FROM a").count == 2)
            await #expect(throws: PostgresError.self) {
                try await pool.executeScript("INSERT INTO a VALUES (3); SELECT 1/0; INSERT INTO a VALUES (4)")
            }
            #expect(try await pool.query("SELECT n FROM a").count == 2)
        }
    }

    @Test func aStatementIsPreparedOnce() async throws {
        try await TestDatabase.with({ $0.statementCacheSize = 3 }) { database, _ in
            let connection = try await PostgresConnection.connect(database.configuration)
            func prepared() async throws -> [String] {
                try await connection.query("SELECT statement FROM pg_prepared_statements WHERE statement NOT LIKE '%pg_prepared%' ORDER BY 1")
                    .map { try $0.decode("statement") }
            }
            for number in 0..<10 {
                #expect(try await connection.query("SELECT $1 AS n", [number]).first?.decode("n", as: Int.self) == number)
            }
            #expect(try await prepared() == ["SELECT $1 AS n"])
            // The same text with another type is another statement.
            #expect(try await connection.query("SELECT $1 AS n", [1.5]).first?.decode("n", as: Double.self) == 1.5)
            #expect(try await prepared().count == 2)
            for number in 0..<10 { try await connection.query("SELECT \(number)") }
            #expect(try await prepared() == ["SELECT 8", "SELECT 9"])
            await connection.close()
        }
    }

    @Test func aChangedTableIsPreparedAnew() async throws {
        try await TestDatabase.with { database, _ in
            let connection = try await PostgresConnection.connect(database.configuration)
            try await connection.executeScript("CREATE TABLE t (n int); INSERT INTO t VALUES (1)")
            #expect(try await connection.query("SELECT * FROM t").columns == ["n"])
            try await connection.execute("ALTER TABLE t ADD COLUMN m int")
            #expect(try await connection.query("SELECT * FROM t").columns == ["n", "m"])
            try await connection.executeScript("DEALLOCATE ALL")
            #expect(try await connection.query("SELECT * FROM t").columns == ["n", "m"])
            await connection.close()
        }
    }

    @Test func copyIsRefused() async throws {
        try await TestDatabase.with { _, pool in
            await #expect(throws: PostgresError.self) { try await pool.executeScript("COPY (SELECT 1) TO STDOUT") }
            let rows = try await pool.query("SELECT 1")
            #expect(rows.count == 1)
        }
    }

    @Test func sessionSettingsAndTheNameReachTheServer() async throws {
        try await TestDatabase.with({
            $0.applicationName = "whorl test"
            $0.sessionSettings["work_mem"] = "1234kB"
            $0.sessionSettings["DateStyle"] = "ISO, DMY"
        }) { _, pool in
            let row = try #require(
                try await pool.query(
                    "SELECT current_setting('application_name') AS a, current_setting('work_mem') AS w, current_setting('DateStyle') AS d"
                ).first)
            #expect(try row.decode("a") == "whorl test")
            #expect(try row.decode("w") == "1234kB")
            #expect(try row.decode("d") == "ISO, DMY")
        }
    }
}
