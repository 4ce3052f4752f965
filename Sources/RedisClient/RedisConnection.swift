import Synchronization
import ThreadExecutor

/// One connection to Redis, on a thread of its own, for commands that block.
///
/// Calls run one after another. Cancelling the calling task ends a wait at once. After a deadline, a cancellation or
/// a lost connection it is dead, and every call throws ``RedisError/Kind-swift.enum/closed``: make another one.
public actor RedisConnection: RedisCommands {
    private let executor: ThreadExecutor
    private let configuration: RedisConfiguration
    private let wait: InterruptibleWait
    private var session: RedisSession?
    private let usable = Atomic<Bool>(true)

    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private init(configuration: RedisConfiguration, wait: InterruptibleWait) {
        self.configuration = configuration
        self.wait = wait
        executor = ThreadExecutor(name: "redis")
    }

    /// Connects.
    ///
    /// - Throws: `.connection`, `.timeout`, `.cancelled`, or the server's refusal as `.server`.
    public static func connect(_ configuration: RedisConfiguration) async throws(RedisError) -> RedisConnection {
        let connection = RedisConnection(configuration: configuration, wait: try InterruptibleWait.forRedis())
        try await connection.open()
        return connection
    }

    /// Whether calls can still succeed, as far as is known without asking the server.
    public nonisolated var isUsable: Bool { usable.load(ordering: .acquiring) }

    /// Sends commands at once.
    ///
    /// - Parameter timeout: has to exceed what a blocking command is told to wait.
    public func pipeline(
        _ commands: [[any RedisArgument]], timeout: Duration?
    ) async throws(RedisError) -> [RedisValue] {
        guard let session else { throw RedisError(.closed) }
        defer { dropDeadSession() }
        let deadline = ContinuousClock.now + (timeout ?? configuration.commandTimeout)
        return try await BlockingCall.run(on: wait, until: deadline) { (call) throws(RedisError) in
            try session.perform(commands, call)
        }
    }

    /// Closes the connection. Calls that wait get ``RedisError/Kind-swift.enum/closed``.
    public func close() {
        session = nil
        dropDeadSession()
    }

    private func open() async throws(RedisError) {
        defer { dropDeadSession() }
        let deadline = ContinuousClock.now + configuration.connectTimeout
        session = try await BlockingCall.run(on: wait, until: deadline) { (call) throws(RedisError) in
            try RedisSession.open(configuration, wait: wait, call)
        }
    }

    private func dropDeadSession() {
        if session?.isDead == true { session = nil }
        usable.store(session != nil, ordering: .releasing)
    }
}

extension InterruptibleWait {
    static func forRedis() throws(RedisError) -> InterruptibleWait {
        guard let wait = InterruptibleWait() else {
            throw RedisError(.connection("the process has no file descriptor left"))
        }
        return wait
    }
}
