import FoundationEssentials

/// Where Redis is and how long to wait for it.
public struct RedisConfiguration: Sendable {
    let endpoint: RedisEndpoint
    /// Shown in `CLIENT LIST`.
    public var clientName: String
    /// The longest that one attempt to connect may take. Looking up a host name is not bounded by it.
    public var connectTimeout: Duration
    /// The deadline of a call that names none.
    public var commandTimeout: Duration
    /// The most calls that may wait for a client's connection.
    public var maximumPending: Int
    /// The delay after the first failed attempt to connect, and the longest one.
    public var reconnectDelay: ClosedRange<Duration>
    /// After how long a silence a subscription asks the server whether it is still there.
    public var subscriptionPingInterval: Duration

    /// - Parameter url: `redis://[[user]:password@]host[:port][/database]`, or a Unix socket as
    ///   `unix:///path[?db=number]` or `redis+unix:///path[?db=number]`.
    /// - Throws: ``RedisError/Kind-swift.enum/configuration(_:)`` for any other URL. TLS (`rediss://`) is not
    ///   supported, because hiredis 0.14 has none.
    public init(
        url: String,
        clientName: String = "whorl",
        connectTimeout: Duration = .seconds(2),
        commandTimeout: Duration = .seconds(2),
        maximumPending: Int = 1024,
        reconnectDelay: ClosedRange<Duration> = .milliseconds(50) ... .seconds(2),
        subscriptionPingInterval: Duration = .seconds(15)
    ) throws(RedisError) {
        endpoint = try RedisEndpoint(url: url)
        self.clientName = clientName
        self.connectTimeout = connectTimeout
        self.commandTimeout = commandTimeout
        self.maximumPending = maximumPending
        self.reconnectDelay = reconnectDelay
        self.subscriptionPingInterval = subscriptionPingInterval
    }
}

/// A server's address and what it wants to hear first.
struct RedisEndpoint: Sendable, Equatable {
    enum Address: Sendable, Equatable {
        case tcp(host: String, port: Int32)
        case unix(path: String)
    }

    let address: Address
    let user: String?
    let password: String?
    let database: Int

    /// The most bytes of a Unix socket's path, `sun_path` less its NUL.
    private static let longestPath = 107

    init(url: String) throws(RedisError) {
        // The URL holds a password, so no message quotes it.
        guard let components = URLComponents(string: url), let scheme = components.scheme?.lowercased() else {
            throw RedisError(.configuration("the Redis URL cannot be read"))
        }
        user = components.user.flatMap { $0.isEmpty ? nil : $0 }
        password = components.password
        guard user == nil || password != nil else {
            throw RedisError(.configuration("the Redis URL names a user but no password: redis://user:password@host"))
        }
        switch scheme {
        case "redis":
            address = try Self.tcpAddress(components)
            database = try Self.database(String(components.path.drop { $0 == "/" }))
        case "unix", "redis+unix":
            address = try Self.unixAddress(components)
            database = try Self.database(components.queryItems?.first { $0.name == "db" }?.value ?? "")
        case "rediss":
            throw RedisError(.configuration(
                "rediss:// (TLS) is not supported, because hiredis 0.14 has none; "
                    + "use redis:// inside of a trusted network or through a TLS tunnel"))
        default:
            throw RedisError(.configuration("\(scheme):// is no Redis URL: use redis:// or unix://"))
        }
    }

    private static func tcpAddress(_ components: URLComponents) throws(RedisError) -> Address {
        guard let host = components.host, !host.isEmpty else {
            throw RedisError(.configuration("the Redis URL names no host"))
        }
        let port = components.port ?? 6379
        guard (1...65_535).contains(port) else {
            throw RedisError(.configuration("\(port) is no port"))
        }
        // URLs put IPv6 addresses in brackets.
        return .tcp(host: host.filter { $0 != "[" && $0 != "]" }, port: Int32(port))
    }

    private static func unixAddress(_ components: URLComponents) throws(RedisError) -> Address {
        guard components.host?.isEmpty ?? true, components.path.hasPrefix("/"), components.path.count > 1 else {
            throw RedisError(.configuration("a Unix socket is written unix:///absolute/path"))
        }
        guard components.path.utf8.count <= longestPath else {
            throw RedisError(.configuration("a Unix socket's path has at most \(longestPath) bytes"))
        }
        return .unix(path: components.path)
    }

    private static func database(_ text: String) throws(RedisError) -> Int {
        if text.isEmpty { return 0 }
        guard let number = Int(text), number >= 0 else {
            throw RedisError(.configuration("a Redis database is a number from 0"))
        }
        return number
    }
}
