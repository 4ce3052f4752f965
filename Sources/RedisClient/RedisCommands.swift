/// Something that sends commands: a client or a connection. Code written against this does not care which.
public protocol RedisCommands: Sendable {
    /// Sends commands at once and returns as many replies, in their order; refused commands are
    /// ``RedisValue/error(_:)``.
    ///
    /// - Parameters:
    ///   - commands: each with at least one word.
    ///   - timeout: for all of them together; nil stands for the configured one.
    func pipeline(_ commands: [[any RedisArgument]], timeout: Duration?) async throws(RedisError) -> [RedisValue]
}

extension RedisCommands {
    /// Sends commands at once, with the configured timeout.
    public func pipeline(_ commands: [[any RedisArgument]]) async throws(RedisError) -> [RedisValue] {
        try await pipeline(commands, timeout: nil)
    }

    /// Sends one command.
    ///
    /// - Throws: also the server's error reply.
    @discardableResult
    public func send(
        _ arguments: any RedisArgument..., timeout: Duration? = nil
    ) async throws(RedisError) -> RedisValue {
        try await send(arguments, timeout: timeout)
    }

    /// Sends one command.
    ///
    /// - Throws: also the server's error reply.
    @discardableResult
    public func send(
        _ arguments: [any RedisArgument], timeout: Duration? = nil
    ) async throws(RedisError) -> RedisValue {
        let replies = try await pipeline([arguments], timeout: timeout)
        guard let reply = replies.first else { throw RedisError(.protocolViolation("no reply")) }
        return try reply.checked()
    }

    /// Runs a Lua script by its digest, or whole where the server does not know it.
    ///
    /// - Throws: also the error reply of the script.
    @discardableResult
    public func run(
        _ script: RedisScript, keys: [String] = [], arguments: [any RedisArgument] = [], timeout: Duration? = nil
    ) async throws(RedisError) -> RedisValue {
        let operands: [any RedisArgument] = [keys.count] + keys.map { $0 as any RedisArgument } + arguments
        let digest = try await script.digest(from: self, timeout: timeout)
        do {
            return try await send(["EVALSHA", digest] + operands, timeout: timeout)
        } catch {
            // The server was restarted or its scripts were flushed. EVAL stores the script again.
            guard error.code == "NOSCRIPT" else { throw error }
            return try await send(["EVAL", script.source] + operands, timeout: timeout)
        }
    }
}
