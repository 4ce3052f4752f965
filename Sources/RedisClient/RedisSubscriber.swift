import Logging
import ThreadExecutor

/// What a subscription tells its consumer.
public enum RedisSubscriptionEvent: Sendable, Hashable {
    /// All channels are subscribed to, for the first time or anew. What was published before may have been missed.
    case subscribed
    case message(channel: String, payload: [UInt8])
}

/// The connection behind one subscription, on a thread of its own.
actor RedisSubscriber {
    private let executor: ThreadExecutor
    private let channels: [String]
    private let configuration: RedisConfiguration
    private let logger: Logger
    private let wait: InterruptibleWait?
    private var session: RedisSession?
    private var backoff: ReconnectBackoff

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(channels: [String], configuration: RedisConfiguration, logger: Logger) {
        precondition(!channels.isEmpty, "a subscription needs a channel")
        self.channels = channels
        self.configuration = configuration
        self.logger = logger
        wait = InterruptibleWait()
        backoff = ReconnectBackoff(delays: configuration.reconnectDelay)
        executor = ThreadExecutor(name: "redis-sub")
    }

    /// Waits for the next event, through as many reconnections as it takes. Nil when the task is cancelled.
    func next() async -> RedisSubscriptionEvent? {
        guard let wait else {
            logger.error("no Redis subscription: the process has no file descriptor left")
            return nil
        }
        return await BlockingCall.run(on: wait, until: .now) { call in
            while let cancellation = call.cancellation, !cancellation.isCancelled {
                do throws(RedisError) {
                    return try nextEvent(wait, cancellation)
                } catch {
                    session = nil
                    if error.kind != .cancelled { pause(wait, cancellation, after: error) }
                }
            }
            session = nil
            return nil
        }
    }

    private func nextEvent(
        _ wait: InterruptibleWait, _ cancellation: CallCancellation
    ) throws(RedisError) -> RedisSubscriptionEvent {
        guard let session else {
            try subscribe(wait, cancellation)
            return .subscribed
        }
        while true {
            if let event = try receive(session, for: configuration.subscriptionPingInterval, cancellation) {
                if let message = event.message { return message }
                continue
            }
            // Silence: a server that is there answers a PING, also among messages.
            try session.post(["PING"], call(for: configuration.commandTimeout, cancellation))
            guard let answer = try receive(session, for: configuration.commandTimeout, cancellation) else {
                throw RedisError(.timeout)
            }
            if let message = answer.message { return message }
        }
    }

    private func subscribe(_ wait: InterruptibleWait, _ cancellation: CallCancellation) throws(RedisError) {
        let connecting = call(for: configuration.connectTimeout, cancellation)
        let opened = try RedisSession.open(configuration, wait: wait, connecting)
        let limit = call(for: configuration.commandTimeout, cancellation)
        try opened.post(["SUBSCRIBE"] + channels, limit)
        var confirmed = 0
        while confirmed < channels.count {
            guard let reply = try opened.receive(limit)?.checked() else { throw RedisError(.timeout) }
            // A message of a channel that is confirmed already counts as missed.
            if reply.elements?.first?.string == "subscribe" { confirmed += 1 }
        }
        session = opened
        backoff.recordSuccess()
    }

    private func receive(
        _ session: RedisSession, for duration: Duration, _ cancellation: CallCancellation
    ) throws(RedisError) -> RedisValue? {
        try session.receive(call(for: duration, cancellation))?.checked()
    }

    private func call(for duration: Duration, _ cancellation: CallCancellation) -> BlockingCall {
        BlockingCall(deadline: .now + duration, cancellation: cancellation)
    }

    /// Waits before the next attempt, or until the consumer is cancelled.
    private func pause(_ wait: InterruptibleWait, _ cancellation: CallCancellation, after error: RedisError) {
        var generator = SystemRandomNumberGenerator()
        let delay = backoff.recordFailure(at: .now, using: &generator)
        logger.warning(
            "lost a Redis subscription", metadata: ["error": "\(error.debugDescription)", "retryAfter": "\(delay)"])
        let deadline = ContinuousClock.now + delay
        while !cancellation.isCancelled, wait.wait(for: nil, until: deadline) != .timedOut {}
    }
}

extension RedisValue {
    /// The message in a pushed reply; nil for confirmations and pongs.
    fileprivate var message: RedisSubscriptionEvent? {
        guard let elements, elements.count == 3, elements[0].string == "message",
            let channel = elements[1].string, let payload = elements[2].bytes
        else { return nil }
        return .message(channel: channel, payload: payload)
    }
}
