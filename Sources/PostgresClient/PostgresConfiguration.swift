/// Where the database is and how much of it one process may use.
public struct PostgresConfiguration: Sendable {
    /// `postgresql://user:password@host:port/database?sslmode=…`, as libpq reads it. Holds a secret: never log it.
    public var url: String
    /// The most connections a pool opens, at least 1. Each has a thread of its own.
    public var maximumConnections: Int
    /// The most callers that may wait for a connection; the next one gets
    /// ``PostgresError/Kind-swift.enum/poolExhausted``.
    public var maximumWaiting: Int
    /// The longest that one attempt to connect may take. Looking up a host name is not bounded by it.
    public var connectTimeout: Duration
    /// The longest that a caller waits for a connection of the pool.
    public var acquireTimeout: Duration
    /// The deadline of a call that names none.
    public var statementTimeout: Duration
    /// The delay after the first failed attempt to connect, and the longest one.
    public var reconnectDelay: ClosedRange<Duration>
    /// Shown in `pg_stat_activity`.
    public var applicationName: String
    /// Settings of every session, such as `search_path`.
    public var sessionSettings: [String: String]
    /// The most prepared statements that one connection keeps, at least 1.
    public var statementCacheSize: Int

    /// - Precondition: at least one connection and one statement, and no negative queue.
    public init(
        url: String,
        maximumConnections: Int = 8,
        maximumWaiting: Int = 1024,
        connectTimeout: Duration = .seconds(5),
        acquireTimeout: Duration = .seconds(5),
        statementTimeout: Duration = .seconds(15),
        reconnectDelay: ClosedRange<Duration> = .milliseconds(50) ... .seconds(5),
        applicationName: String = "whorl",
        sessionSettings: [String: String] = [:],
        statementCacheSize: Int = 256
    ) {
        precondition(maximumConnections >= 1 && maximumWaiting >= 0 && statementCacheSize >= 1)
        self.url = url
        self.maximumConnections = maximumConnections
        self.maximumWaiting = maximumWaiting
        self.connectTimeout = connectTimeout
        self.acquireTimeout = acquireTimeout
        self.statementTimeout = statementTimeout
        self.reconnectDelay = reconnectDelay
        self.applicationName = applicationName
        self.sessionSettings = sessionSettings
        self.statementCacheSize = statementCacheSize
    }
}

extension PostgresConfiguration {
    /// Checks the URL without connecting.
    ///
    /// - Throws: ``PostgresError/Kind-swift.enum/configuration(_:)`` for one that libpq cannot read.
    public func validate() throws(PostgresError) {
        _ = try ConnectionParameters(self)
    }
}
