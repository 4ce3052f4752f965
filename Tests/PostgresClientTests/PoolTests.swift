import Foundation
import PostgresClient
import Synchronization
import TestServers
import Testing

/// Numbers in the order in which they were appended.
private final class Order: Sendable {
    private let storage = Mutex<[Int]>([])
    var numbers: [Int] { storage.withLock { $0 } }
    func append(_ number: Int) { storage.withLock { $0.append(number) } }
}

@Suite struct PoolTests {
    @Test func neverMoreConnectionsThanAllowed() async throws {
        try await TestDatabase.with({ $0.maximumConnections = 3 }) { _, pool in
            let pids = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<200 {
                    group.addTask {
                        try await pool.query("SELECT pg_backend_pid() AS p, pg_sleep(0.001)")[0].decode("p", as: Int.self)
                    }
                }
                return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
            }
            #expect(pids.count <= 3)
            #expect(pool.statistics.open <= 3)
            #expect(pool.statistics.waiting == 0)
        }
    }

    @Test func callersAreServedInTheirOrder() async throws {
        try await TestDatabase.with({ $0.maximumConnections = 1 }) { _, pool in
            let order = Order()
            try await withThrowingTaskGroup(of: Void.self) { group in
                try await pool.withConnection { _ in
                    for number in 0..<20 {
                        group.addTask {
                            try await pool.withConnection { _ in order.append(number) }
                        }
                        let isQueued = await eventually { pool.statistics.waiting == number + 1 }
                        #expect(isQueued)
                    }
                }
                try await group.waitForAll()
            }
            #expect(order.numbers == Array(0..<20))
        }
    }

    @Test func waitingEndsAtTheDeadline() async throws {
        try await TestDatabase.with({
            $0.maximumConnections = 1
            $0.acquireTimeout = .seconds(2)
        }) { _, pool in
            try await pool.withConnection { _ in
                let error = await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1") }
                #expect(error?.kind == .poolExhausted)
                #expect(error?.isRetryable == true)
            }
            #expect(try await pool.query("SELECT 1").count == 1)
        }
    }

    @Test func theQueueHasABound() async throws {
        try await TestDatabase.with({
            $0.maximumConnections = 1
            $0.maximumWaiting = 1
        }) { _, pool in
            try await pool.withConnection { _ in
                let waiting = Task { try await pool.query("SELECT 1").count }
                let isQueued = await eventually { pool.statistics.waiting == 1 }
                #expect(isQueued)
                let error = await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1") }
                #expect(error?.kind == .poolExhausted)
                waiting.cancel()
                let cancelled = await #expect(throws: PostgresError.self) { try await waiting.value }
                #expect(cancelled?.kind == .cancelled)
                #expect(pool.statistics.waiting == 0)
            }
        }
    }

    @Test func closingRefusesThoseWhoWaitAndThoseWhoCome() async throws {
        try await TestDatabase.with({ $0.maximumConnections = 1 }) { database, _ in
            let pool = database.makePool()
            try await pool.withConnection { (connection) async throws in
                let waiting = Task { try await pool.query("SELECT 1").count }
                let isQueued = await eventually { pool.statistics.waiting == 1 }
                #expect(isQueued)
                await pool.close()
                let error = await #expect(throws: PostgresError.self) { try await waiting.value }
                #expect(error?.kind == .closed)
                // Whoever has a connection may finish.
                #expect(try await connection.query("SELECT 1").count == 1)
            }
            let error = await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1") }
            #expect(error?.kind == .closed)
            #expect(pool.statistics == PostgresPoolStatistics(open: 0, idle: 0, waiting: 0))
        }
    }

    /// A storm of calls that end by deadline, by cancellation and well leaves the books straight.
    @Test func theBooksAreStraightAfterAStorm() async throws {
        try await TestDatabase.with({
            $0.maximumConnections = 2
            $0.acquireTimeout = .milliseconds(50)
            $0.reconnectDelay = .milliseconds(1) ... .milliseconds(5)
        }) { _, pool in
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<300 {
                    group.addTask {
                        let task = Task {
                            try await pool.query("SELECT pg_sleep(0.002)", timeout: .milliseconds(number % 5 + 1))
                        }
                        if number % 3 == 0 { task.cancel() }
                        _ = await task.result
                    }
                }
            }
            let statistics = pool.statistics
            #expect(statistics.waiting == 0)
            #expect(statistics.open == statistics.idle)
            #expect(statistics.open <= 2)
            // Connecting counts towards the short time that callers wait here.
            let works = await eventually { (try? await pool.query("SELECT 1").count) == 1 }
            #expect(works)
        }
    }
}
