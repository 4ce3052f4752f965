import Logging
import ThreadExecutor

/// The connection behind a ``RedisClient``: connects when it is needed, and again after it was lost, on one thread.
actor RedisLink {
    private let executor: ThreadExecutor
    private let configuration: RedisConfiguration
    private let logger: Logger
    private var wait: InterruptibleWait?
    private var session: RedisSession?
    private var backoff: ReconnectBackoff
    private var isClosed = false

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(configuration: RedisConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        backoff = ReconnectBackoff(delays: configuration.reconnectDelay)
        executor = ThreadExecutor(name: "redis")
    }

    /// Sends commands. The calling task's cancellation does not interrupt them: others share the connection, and
    /// an interruption would end it.
    func perform(
        _ commands: [[any RedisArgument]], deadline: ContinuousClock.Instant
    ) throws(RedisError) -> [RedisValue] {
        guard !isClosed else { throw RedisError(.closed) }
        let call = BlockingCall(deadline: deadline)
        if call.isOverdue { throw RedisError(.timeout) }
        let session = try connectedSession(call)
        defer { if session.isDead { self.session = nil } }
        return try session.perform(commands, call)
    }

    func close() {
        isClosed = true
        session = nil
    }

    /// The session, made anew where there is none or the server has closed it. Nothing has been sent on it since, so
    /// that nothing can be sent twice.
    private func connectedSession(_ call: BlockingCall) throws(RedisError) -> RedisSession {
        if let session, !session.isStale { return session }
        session = nil
        if let earliest = backoff.earliestAttempt(after: .now) {
            let delay = ContinuousClock.now.duration(to: earliest)
            throw RedisError(.connection("the last attempt to connect failed; the next one is due in \(delay)"))
        }
        let limit = ContinuousClock.now + configuration.connectTimeout
        do throws(RedisError) {
            let wait = if let known = self.wait { known } else { try InterruptibleWait.forRedis() }
            self.wait = wait
            let opened = try RedisSession.open(
                configuration, wait: wait, BlockingCall(deadline: min(call.deadline, limit)))
            session = opened
            backoff.recordSuccess()
            logger.debug("connected to Redis")
            return opened
        } catch {
            // A caller that had no time left says nothing about the server.
            if error.kind == .timeout, call.deadline < limit { throw error }
            var generator = SystemRandomNumberGenerator()
            let delay = backoff.recordFailure(at: .now, using: &generator)
            logger.warning(
                "cannot connect to Redis", metadata: ["error": "\(error.debugDescription)", "retryAfter": "\(delay)"])
            throw error
        }
    }
}
