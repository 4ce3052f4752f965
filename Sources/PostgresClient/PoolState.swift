import ThreadExecutor

/// The book-keeping of a ``PostgresPool``. Does no I/O: each step returns what the pool has to do.
struct PoolState {
    /// What a caller gets.
    enum Grant: Sendable {
        case connection(PostgresConnection)
        /// One connection of the bound is the caller's to open.
        case permit
        case refusal(PostgresError.Kind)
    }

    struct Waiter {
        let identity: UInt64
        let continuation: CheckedContinuation<Grant, Never>
    }

    private let maximumConnections: Int
    private let maximumWaiting: Int
    /// The one used last is at the end and goes first, so that few connections serve a low load.
    private(set) var idle: [PostgresConnection] = []
    /// Idle, lent and being opened.
    private(set) var openCount = 0
    /// In the order of their arrival. Short, so that searching it costs little.
    private(set) var waiters: [Waiter] = []
    private(set) var isClosed = false
    private var waiterCount: UInt64 = 0
    var backoff: ReconnectBackoff

    init(configuration: PostgresConfiguration) {
        maximumConnections = configuration.maximumConnections
        maximumWaiting = configuration.maximumWaiting
        backoff = ReconnectBackoff(delays: configuration.reconnectDelay)
    }

    /// Nil when the caller has to wait.
    mutating func acquire() -> Grant? {
        if isClosed { return .refusal(.closed) }
        if let connection = idle.popLast() { return .connection(connection) }
        if openCount < maximumConnections {
            openCount += 1
            return .permit
        }
        return waiters.count < maximumWaiting ? nil : .refusal(.poolExhausted)
    }

    mutating func makeWaiterIdentity() -> UInt64 {
        waiterCount += 1
        return waiterCount
    }

    /// Puts a caller at the end of the queue, unless something became free since it asked.
    mutating func enqueue(_ waiter: Waiter) -> Grant? {
        if let grant = acquire() { return grant }
        waiters.append(waiter)
        return nil
    }

    mutating func removeWaiter(_ identity: UInt64) -> Waiter? {
        waiters.firstIndex { $0.identity == identity }.map { waiters.remove(at: $0) }
    }

    /// Takes a connection back. Returns who gets it.
    mutating func giveBack(_ connection: PostgresConnection) -> (Waiter, Grant)? {
        if isClosed {
            openCount -= 1
            return nil
        }
        if !waiters.isEmpty { return (waiters.removeFirst(), .connection(connection)) }
        idle.append(connection)
        return nil
    }

    /// Takes note of a connection that is gone, or could not be opened. Returns who may open another.
    mutating func forfeit() -> (Waiter, Grant)? {
        openCount -= 1
        guard !isClosed, !waiters.isEmpty, openCount < maximumConnections else { return nil }
        openCount += 1
        return (waiters.removeFirst(), .permit)
    }

    /// Drops the connections that nobody uses: when one was lost, the server may have ended the others with it.
    mutating func dropIdle() -> [PostgresConnection] {
        defer { idle = [] }
        openCount -= idle.count
        return idle
    }

    /// Refuses everybody from now on. Returns those who wait.
    mutating func close() -> [Waiter] {
        isClosed = true
        defer { waiters = [] }
        return waiters
    }
}
