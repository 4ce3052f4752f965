import Logging
import Synchronization

/// A client that many tasks share: one connection, made when it is needed and made again after it was lost.
///
/// Calls run one after another, on a thread of their own. A command is never sent twice by itself: a call whose
/// connection was lost throws, and its error says whether trying again may help. While Redis is down, calls fail at
/// once between the attempts to connect, which come at growing intervals.
///
/// A command that blocks would hold up everybody: it belongs on a connection of its own, see ``makeConnection()``.
public final class RedisClient: RedisCommands {
    private let configuration: RedisConfiguration
    private let logger: Logger
    private let link: RedisLink
    private let pendingCount = Atomic<Int>(0)

    /// Makes a client without connecting.
    public init(configuration: RedisConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        link = RedisLink(configuration: configuration, logger: logger)
    }

    /// Sends commands at once. A task that is cancelled before they are sent gets
    /// ``RedisError/Kind-swift.enum/cancelled``; after that the replies are awaited, or the deadline.
    public func pipeline(
        _ commands: [[any RedisArgument]], timeout: Duration?
    ) async throws(RedisError) -> [RedisValue] {
        guard !Task.isCancelled else { throw RedisError(.cancelled) }
        let deadline = ContinuousClock.now + (timeout ?? configuration.commandTimeout)
        let pending = pendingCount.add(1, ordering: .relaxed).newValue
        defer { pendingCount.subtract(1, ordering: .relaxed) }
        guard pending <= configuration.maximumPending else { throw RedisError(.overloaded) }
        return try await link.perform(commands, deadline: deadline)
    }

    /// Makes a connection for commands that block, such as XREADGROUP with BLOCK.
    ///
    /// - Throws: as ``RedisConnection/connect(_:)``. There is no backoff here: it is the caller who decides when to
    ///   try again.
    public func makeConnection() async throws(RedisError) -> RedisConnection {
        try await RedisConnection.connect(configuration)
    }

    /// Subscribes to channels, on a connection of its own that reconnects and subscribes anew by itself.
    ///
    /// The first event is ``RedisSubscriptionEvent/subscribed``. Nothing is read ahead: a slow consumer leaves
    /// messages with the server, which drops a client that is too far behind, and the subscription then begins anew.
    /// The stream ends when the consuming task is cancelled.
    ///
    /// - Parameter channels: at least one.
    public func subscribe(to channels: [String]) -> AsyncStream<RedisSubscriptionEvent> {
        let subscriber = RedisSubscriber(channels: channels, configuration: configuration, logger: logger)
        return AsyncStream { await subscriber.next() }
    }

    /// Closes the shared connection and refuses all calls from now on. Connections and subscriptions go on.
    public func close() async {
        await link.close()
    }
}
