import Foundation
import PostgresClient
import TestServers
import Testing

private struct Refusal: Error {}

/// Checks that a transaction's closure may use the state of the actor it is written in.
private actor Counter {
    var count = 0

    func countInTransaction(_ pool: PostgresPool) async throws {
        try await pool.withTransaction { transaction in
            count += try await transaction.query("SELECT 1 UNION ALL SELECT 2").count
        }
    }
}

@Suite struct TransactionTests {
    @Test func returningCommitsAndThrowingRollsBack() async throws {
        try await TestDatabase.with { _, pool in
            try await pool.execute("CREATE TABLE t (n int)")
            let answer = try await pool.withTransaction { transaction in
                try await transaction.execute("INSERT INTO t VALUES (1)")
                return 42
            }
            #expect(answer == 42)
            await #expect(throws: Refusal.self) {
                try await pool.withTransaction { transaction in
                    try await transaction.execute("INSERT INTO t VALUES (2)")
                    throw Refusal()
                }
            }
            #expect(try await pool.query("SELECT n FROM t").map { try $0.decode("n", as: Int.self) } == [1])
            #expect(pool.statistics == PostgresPoolStatistics(open: 1, idle: 1, waiting: 0))
        }
    }

    @Test func aSwallowedErrorCannotPassForACommit() async throws {
        try await TestDatabase.with { _, pool in
            try await pool.execute("CREATE TABLE t (n int)")
            let error = await #expect(throws: PostgresError.self) {
                try await pool.withTransaction { transaction in
                    try await transaction.execute("INSERT INTO t VALUES (1)")
                    _ = try? await transaction.query("SELECT 1/0")
                }
            }
            #expect(error?.sqlState == "25P02")
            #expect(try await pool.query("SELECT n FROM t").isEmpty)
        }
    }

    @Test func aTransactionIsOverWhenItsClosureIs() async throws {
        try await TestDatabase.with({ $0.maximumConnections = 1 }) { _, pool in
            let escaped = try await pool.withTransaction { $0 }
            let error = await #expect(throws: PostgresError.self) { try await escaped.query("SELECT 1") }
            #expect(error?.kind == .closed)
            // Nor does it work inside of the next one on the same connection.
            try await pool.withTransaction { _ in
                await #expect(throws: PostgresError.self) { try await escaped.query("SELECT 1") }
            }
        }
    }

    @Test func levelsAreKept() async throws {
        try await TestDatabase.with { _, pool in
            let level = try await pool.withTransaction(level: .serializable, isReadOnly: true) { transaction in
                let row = try await transaction.query(
                    "SELECT current_setting('transaction_isolation') || ' ' || current_setting('transaction_read_only') AS l")
                return try row[0].decode("l", as: String.self)
            }
            #expect(level == "serializable on")
        }
    }

    @Test func aSerializationFailureIsRetryable() async throws {
        try await TestDatabase.with { _, pool in
            try await pool.executeScript("CREATE TABLE t (n int); INSERT INTO t VALUES (1)")
            let error = await #expect(throws: PostgresError.self) {
                try await pool.withTransaction(level: .repeatableRead) { transaction in
                    try await transaction.query("SELECT n FROM t")
                    try await pool.execute("UPDATE t SET n = 2")
                    try await transaction.execute("UPDATE t SET n = 3")
                }
            }
            #expect(error?.sqlState == "40001")
            #expect(error?.isRetryable == true)
        }
    }

    @Test func aConnectionLeftInATransactionIsNotLentAgain() async throws {
        try await TestDatabase.with({ $0.maximumConnections = 1 }) { _, pool in
            try await pool.execute("CREATE TABLE t (n int)")
            try await pool.withConnection { connection in
                try await connection.executeScript("BEGIN; INSERT INTO t VALUES (1)")
            }
            #expect(try await pool.query("SELECT n FROM t").isEmpty)
        }
    }

    @Test func cancellationRollsBackAndKeepsTheConnection() async throws {
        try await TestDatabase.with({ $0.maximumConnections = 1 }) { _, pool in
            try await pool.execute("CREATE TABLE t (n int)")
            let pid = try await pool.query("SELECT pg_backend_pid() AS p")[0].decode("p", as: Int.self)
            let task = Task {
                try await pool.withTransaction { transaction in
                    try await transaction.execute("INSERT INTO t VALUES (1)")
                    try await transaction.query("SELECT pg_sleep(30)")
                }
            }
            let isBusy = await eventually { pool.statistics.idle == 0 && pool.statistics.open == 1 }
            #expect(isBusy)
            task.cancel()
            let error = await #expect(throws: PostgresError.self) { try await task.value }
            #expect(error?.kind == .cancelled)
            #expect(try await pool.query("SELECT n FROM t").isEmpty)
            #expect(try await pool.query("SELECT pg_backend_pid() AS p")[0].decode("p", as: Int.self) == pid)
        }
    }

    @Test func anActorsOwnStateIsAtHand() async throws {
        try await TestDatabase.with { _, pool in
            let counter = Counter()
            try await counter.countInTransaction(pool)
            #expect(await counter.count == 2)
        }
    }
}
