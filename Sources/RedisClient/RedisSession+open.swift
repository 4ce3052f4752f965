import CHiredis
import Glibc
import ThreadExecutor

extension RedisSession {
    /// Connects, authenticates, and chooses the database.
    ///
    /// - Throws: `.connection`, `.timeout`, `.cancelled`, or the server's refusal.
    static func open(
        _ configuration: RedisConfiguration, wait: InterruptibleWait, _ call: BlockingCall
    ) throws(RedisError) -> RedisSession {
        let remaining = ContinuousClock.now.duration(to: call.deadline)
        guard remaining > .zero else { throw RedisError(.timeout) }
        let context = try connect(configuration.endpoint.address, timeout: remaining)
        let session = RedisSession(context: context, wait: wait)
        try session.introduce(configuration, call)
        return session
    }

    /// Blocks until connected: hiredis tries all addresses of a host that way. Bounded, but not to be cancelled.
    private static func connect(
        _ address: RedisEndpoint.Address, timeout: Duration
    ) throws(RedisError) -> UnsafeMutablePointer<redisContext> {
        let (seconds, attoseconds) = timeout.components
        let limit = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
        let context = switch address {
        case .tcp(let host, let port): redisConnectWithTimeout(host, port, limit)
        case .unix(let path): redisConnectUnixWithTimeout(path, limit)
        }
        guard let context else { throw RedisError(.connection("out of memory")) }
        guard context.pointee.err == 0 else {
            let message = context.errorText
            redisFree(context)
            throw RedisError(.connection(message))
        }
        let descriptor = context.pointee.fd
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        // hiredis leaves its sockets to child processes.
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        if case .tcp = address { redisEnableKeepAlive(context) }
        return context
    }

    private func introduce(_ configuration: RedisConfiguration, _ call: BlockingCall) throws(RedisError) {
        let endpoint = configuration.endpoint
        var commands: [[any RedisArgument]] = []
        if let password = endpoint.password {
            commands.append(["AUTH"] + [endpoint.user].compactMap { $0 } + [password])
        }
        if endpoint.database != 0 { commands.append(["SELECT", endpoint.database]) }
        for reply in try perform(commands, call) { _ = try reply.checked() }
        // A name is a convenience: a user without the right to set it, or one with a space in it, goes on without.
        _ = try perform([["CLIENT", "SETNAME", configuration.clientName]], call)
    }
}
