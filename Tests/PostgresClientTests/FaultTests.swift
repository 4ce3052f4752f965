import Foundation
import PostgresClient
import TestServers
import Testing

@Suite struct FaultTests {
    @Test func aDeadlineCancelsTheStatementAndKeepsTheConnection() async throws {
        try await TestDatabase.with({ $0.maximumConnections = 1 }) { database, pool in
            let pid = try await pool.query("SELECT pg_backend_pid() AS p")[0].decode("p", as: Int.self)
            let clock = ContinuousClock()
            let elapsed = await clock.measure {
                let error = await #expect(throws: PostgresError.self) {
                    try await pool.query("SELECT pg_sleep(60)", timeout: .milliseconds(200))
                }
                #expect(error?.kind == .timeout)
                #expect(error?.isRetryable == true)
            }
            #expect(elapsed < .seconds(5))
            #expect(try await pool.query("SELECT pg_backend_pid() AS p")[0].decode("p", as: Int.self) == pid)
            let observer = database.makePool()
            let running = try await observer.query(
                "SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND state = 'active'", [pid])
            #expect(running.isEmpty)
            await observer.close()
        }
    }

    @Test func cancellationEndsTheStatementAtOnce() async throws {
        try await TestDatabase.with { _, pool in
            let task = Task { try await pool.query("SELECT pg_sleep(60)") }
            let isRunning = try await eventually {
                try await !pool.query(
                    "SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' AND wait_event = 'PgSleep'").isEmpty
            }
            #expect(isRunning)
            let start = ContinuousClock.now
            task.cancel()
            let error = await #expect(throws: PostgresError.self) { try await task.value }
            #expect(error?.kind == .cancelled)
            #expect(ContinuousClock.now - start < .seconds(5))
            #expect(try await pool.query("SELECT 1").count == 1)
        }
    }

    @Test func aCancelledTaskSendsNothing() async throws {
        try await TestDatabase.with { _, pool in
            try await pool.execute("CREATE TABLE t (n int)")
            let task = Task {
                // Ends by the cancellation, and with it the query meets a task that is cancelled already.
                _ = try? await Task.sleep(for: .seconds(60))
                return try await pool.execute("INSERT INTO t VALUES (1)")
            }
            task.cancel()
            await #expect(throws: PostgresError.self) { try await task.value }
            #expect(try await pool.query("SELECT n FROM t").isEmpty)
        }
    }

    /// Deadlines and cancellations at random moments of short statements: no late cancel request may hit a later one.
    @Test func cancelRequestsNeverHitTheNextStatement() async throws {
        try await TestDatabase.with({ $0.maximumConnections = 1 }) { _, pool in
            for round in 0..<60 {
                do {
                    try await pool.query("SELECT pg_sleep(0.01)", timeout: .microseconds(9_000 + round * 50))
                } catch let error as PostgresError {
                    #expect(error.kind == .timeout)
                }
                #expect(try await pool.query("SELECT \(round) AS n")[0].decode("n", as: Int.self) == round)
            }
        }
    }

    @Test func aKilledConnectionGivesARetryableErrorAndIsReplaced() async throws {
        try await TestDatabase.with { database, pool in
            let observer = database.makePool()
            let pid = try await pool.query("SELECT pg_backend_pid() AS p")[0].decode("p", as: Int.self)
            try await observer.query("SELECT pg_terminate_backend($1::int, 5000)", [Int32(pid)])
            let error = await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1") }
            #expect(error?.isRetryable == true)
            #expect(pool.statistics.open == 0)
            #expect(try await pool.query("SELECT pg_backend_pid() AS p")[0].decode("p", as: Int.self) != pid)
            await observer.close()
        }
    }

    @Test func aConnectionKilledWithinAStatementIsNoticed() async throws {
        try await TestDatabase.with { database, pool in
            let observer = database.makePool()
            let task = Task { try await pool.query("SELECT pg_sleep(60), 'victim'") }
            let wasKilled = try await eventually {
                try await !observer.query(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60), ''victim''' AND state = 'active'"
                ).isEmpty
            }
            #expect(wasKilled)
            let error = await #expect(throws: PostgresError.self) { try await task.value }
            #expect(error?.isRetryable == true)
            await observer.close()
        }
    }

    @Test func aTransactionOnALostConnectionThrowsAndTheNextOneWorks() async throws {
        try await TestDatabase.with { database, pool in
            try await pool.execute("CREATE TABLE t (n int)")
            let observer = database.makePool()
            await #expect(throws: PostgresError.self) {
                try await pool.withTransaction { transaction in
                    try await transaction.execute("INSERT INTO t VALUES (1)")
                    let pid = try await transaction.query("SELECT pg_backend_pid() AS p")[0].decode("p", as: Int.self)
                    try await observer.query("SELECT pg_terminate_backend($1::int, 5000)", [Int32(pid)])
                    try await transaction.execute("INSERT INTO t VALUES (2)")
                }
            }
            try await pool.withTransaction { transaction in _ = try await transaction.execute("INSERT INTO t VALUES (3)") }
            #expect(try await pool.query("SELECT n FROM t").map { try $0.decode("n", as: Int.self) } == [3])
            await observer.close()
        }
    }

    @Test func aServerThatNeverAnswersMeetsTheDeadline() async throws {
        let listener = try SilentListener()
        let configuration = PostgresConfiguration(
            url: "postgresql://u:secret@127.0.0.1:\(listener.port)/d", connectTimeout: .milliseconds(200))
        let start = ContinuousClock.now
        let error = await #expect(throws: PostgresError.self) { try await PostgresConnection.connect(configuration) }
        #expect(error?.kind == .timeout)
        #expect(ContinuousClock.now - start < .seconds(3))
        listener.stop()
    }

    @Test func connectingCanBeCancelled() async throws {
        let listener = try SilentListener()
        let configuration = PostgresConfiguration(
            url: "postgresql://127.0.0.1:\(listener.port)/d", connectTimeout: .seconds(60))
        let task = Task { try await PostgresConnection.connect(configuration) }
        await Task.yield()
        task.cancel()
        let error = await #expect(throws: PostgresError.self) { _ = try await task.value }
        #expect(error?.kind == .cancelled)
        listener.stop()
    }

    @Test func aRefusedConnectionIsRetryableAndBacksOff() async throws {
        let listener = try SilentListener()
        let port = listener.port
        listener.stop()
        let configuration = PostgresConfiguration(
            url: "postgresql://u:secret@127.0.0.1:\(port)/d", acquireTimeout: .seconds(2), reconnectDelay: .seconds(60) ... .seconds(60))
        let pool = PostgresPool(configuration: configuration, logger: quietLogger)
        let error = await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1") }
        #expect(error?.isRetryable == true)
        #expect(error?.debugDescription.contains("secret") == false)
        let second = await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1") }
        #expect(second?.debugDescription.contains("not due yet") == true)
        #expect(pool.statistics.open == 0)
        await pool.close()
    }

    @Test(arguments: ["", "http://x", "postgresql://u:pass%zz@h/d", "host=x"])
    func aWrongURLIsRefusedWithoutItsPassword(url: String) async throws {
        let error = await #expect(throws: PostgresError.self) {
            try await PostgresConnection.connect(PostgresConfiguration(url: url))
        }
        guard case .configuration(let message) = error?.kind else {
            Issue.record("\(url) gave \(String(describing: error?.debugDescription))")
            return
        }
        #expect(!message.contains("pass%zz"))
        #expect(error?.isRetryable == false)
    }
}
