import Logging
import Synchronization
import ThreadExecutor

/// Lends connections, a bounded number of them, in the order in which callers ask.
///
/// Connections are opened when they are needed. A lost one is discarded, with all that are idle at that moment, and
/// its call's error says whether trying again may help: the pool never runs a statement twice by itself. After a failed
/// attempt to connect the next one waits, longer each time, and the callers with it.
public final class PostgresPool: PostgresQueryable, Sendable {
    private let configuration: PostgresConfiguration
    private let logger: Logger
    private let state: Mutex<PoolState>

    /// Makes a pool without connecting; a wrong URL shows at the first call.
    public init(configuration: PostgresConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        state = Mutex(PoolState(configuration: configuration))
    }

    /// The numbers of connections and callers at this moment.
    public var statistics: PostgresPoolStatistics {
        state.withLock {
            PostgresPoolStatistics(open: $0.openCount, idle: $0.idle.count, waiting: $0.waiters.count)
        }
    }

    public func run(
        _ sql: String, _ parameters: [any PostgresParameter], timeout: Duration?
    ) async throws(PostgresError) -> PostgresResult {
        let connection = try await acquire(sql: sql)
        defer { giveBack(connection) }
        return try await connection.run(sql, parameters, timeout: timeout)
    }

    /// Runs several statements, separated by semicolons and without parameters, as one transaction unless they say
    /// otherwise. For migrations.
    public func executeScript(_ sql: String, timeout: Duration? = nil) async throws(PostgresError) {
        let connection = try await acquire(sql: sql)
        defer { giveBack(connection) }
        try await connection.executeScript(sql, timeout: timeout)
    }

    /// Lends one connection to `body` alone. It must not be used after `body` has returned.
    ///
    /// - Throws: what `body` throws, or a ``PostgresError``.
    @discardableResult
    public func withConnection<Value>(
        isolation: isolated (any Actor)? = #isolation,
        _ body: (PostgresConnection) async throws -> Value
    ) async throws -> Value {
        let connection = try await acquire(sql: nil)
        defer { giveBack(connection) }
        return try await body(connection)
    }

    /// Runs `body` in a transaction: COMMIT when it returns, ROLLBACK when it throws. Never runs it twice; a
    /// serialization failure is thrown and says that it is retryable.
    ///
    /// COMMIT and ROLLBACK run even when the task is cancelled.
    ///
    /// - Throws: what `body` throws, or a ``PostgresError``.
    @discardableResult
    public func withTransaction<Value>(
        level: PostgresIsolationLevel = .readCommitted,
        isReadOnly: Bool = false,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (PostgresTransaction) async throws -> Value
    ) async throws -> Value {
        let connection = try await acquire(sql: nil)
        defer { giveBack(connection) }
        return try await connection.withTransaction(level: level, isReadOnly: isReadOnly, body)
    }

    /// Refuses all calls from now on and closes what nobody uses; connections that are lent out are closed when they
    /// come back.
    public func close() async {
        let (waiters, idle) = state.withLock { state in (state.close(), state.dropIdle()) }
        for waiter in waiters { waiter.continuation.resume(returning: .refusal(.closed)) }
        for connection in idle { await connection.close() }
    }

    /// Gets a connection: an idle one, a new one, or in its turn one that comes back.
    private func acquire(sql: String?) async throws(PostgresError) -> PostgresConnection {
        guard !Task.isCancelled else { throw PostgresError(.cancelled, sql: sql) }
        let deadline = ContinuousClock.now + configuration.acquireTimeout
        var grant = state.withLock { $0.acquire() }
        if grant == nil { grant = await waitForGrant(until: deadline) }
        switch grant {
        case .connection(let connection): return connection
        case .permit: return try await open(deadline: deadline, sql: sql)
        case .refusal(let kind): throw PostgresError(kind, sql: sql)
        case nil: throw PostgresError(.poolExhausted, sql: sql)
        }
    }

    /// Waits in the queue until the deadline, cancellation or one's turn.
    private func waitForGrant(until deadline: ContinuousClock.Instant) async -> PoolState.Grant {
        let identity = state.withLock { $0.makeWaiterIdentity() }
        return await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    try await Task.sleep(until: deadline, clock: .continuous)
                } catch {
                    // Cancelled: the wait is over, and with it the need for an alarm.
                    return
                }
                self.refuseWaiter(identity, .poolExhausted)
            }
            defer { group.cancelAll() }
            return await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let waiter = PoolState.Waiter(identity: identity, continuation: continuation)
                    if let grant = state.withLock({ $0.enqueue(waiter) }) {
                        continuation.resume(returning: grant)
                    } else if Task.isCancelled {
                        // The handler may have run before the waiter was there to be found.
                        refuseWaiter(identity, .cancelled)
                    }
                }
            } onCancel: {
                refuseWaiter(identity, .cancelled)
            }
        }
    }

    private func refuseWaiter(_ identity: UInt64, _ reason: PostgresError.Kind) {
        let waiter = state.withLock { $0.removeWaiter(identity) }
        waiter?.continuation.resume(returning: .refusal(reason))
    }

    /// Opens the connection that the caller has a permit for.
    private func open(
        deadline: ContinuousClock.Instant, sql: String?
    ) async throws(PostgresError) -> PostgresConnection {
        do {
            try await waitOutBackoff(deadline: deadline)
        } catch {
            // Nothing was attempted, so nothing failed: counting it would put off the next attempt again and again.
            grant(state.withLock { $0.forfeit() })
            throw sql.map(error.with(sql:)) ?? error
        }
        let limit = ContinuousClock.now + configuration.connectTimeout
        do {
            let connection = try await PostgresConnection.connect(configuration, deadline: min(deadline, limit))
            state.withLock { $0.backoff.recordSuccess() }
            logger.debug("connected to PostgreSQL")
            return connection
        } catch {
            // A caller that had no time left says nothing about the server.
            let isCutShort = error.kind == .timeout && deadline < limit
            if error.kind != .cancelled, !isCutShort {
                let delay = state.withLock { state in
                    var generator = SystemRandomNumberGenerator()
                    return state.backoff.recordFailure(at: .now, using: &generator)
                }
                logger.warning(
                    "cannot connect to PostgreSQL",
                    metadata: ["error": "\(error.debugDescription)", "retryAfter": "\(delay)"])
            }
            grant(state.withLock { $0.forfeit() })
            throw sql.map(error.with(sql:)) ?? error
        }
    }

    private func waitOutBackoff(deadline: ContinuousClock.Instant) async throws(PostgresError) {
        while let earliest = state.withLock({ $0.backoff.earliestAttempt(after: .now) }) {
            guard earliest < deadline else {
                throw PostgresError(.connection("the last attempt to connect failed; the next one is not due yet"))
            }
            do {
                try await Task.sleep(until: earliest, clock: .continuous)
            } catch {
                throw PostgresError(.cancelled)
            }
        }
    }

    /// Takes a connection back, or notes that it is gone. One left inside of a transaction is not lent again.
    private func giveBack(_ connection: PostgresConnection) {
        switch connection.state {
        case .idle:
            grant(state.withLock { $0.giveBack(connection) })
        case .dead:
            let idle = state.withLock { $0.dropIdle() }
            logger.warning("lost a connection to PostgreSQL", metadata: ["idleConnectionsDropped": "\(idle.count)"])
            grant(state.withLock { $0.forfeit() })
        case .opening, .inTransaction:
            logger.error("a connection came back with an open transaction, and is closed")
            grant(state.withLock { $0.forfeit() })
        }
    }

    private func grant(_ turn: (waiter: PoolState.Waiter, grant: PoolState.Grant)?) {
        guard let turn else { return }
        turn.waiter.continuation.resume(returning: turn.grant)
    }
}

/// The numbers of a pool at one moment.
public struct PostgresPoolStatistics: Sendable, Equatable {
    /// Connections that are idle, lent out or being opened.
    public let open: Int
    /// Connections that nobody uses.
    public let idle: Int
    /// Callers in the queue.
    public let waiting: Int

    /// The numbers as given.
    public init(open: Int, idle: Int, waiting: Int) {
        self.open = open
        self.idle = idle
        self.waiting = waiting
    }
}
