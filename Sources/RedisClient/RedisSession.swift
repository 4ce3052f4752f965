import CHiredis
import Glibc
import ThreadExecutor

/// One hiredis context and the calls on it. Everything here blocks its thread, so it lives inside of an actor on a
/// thread of its own. After any error but a server's reply the session is dead: replies could no longer be told apart.
final class RedisSession {
    private let context: UnsafeMutablePointer<redisContext>
    private let wait: InterruptibleWait
    private(set) var isDead = false

    /// Takes over a connected context.
    init(context: UnsafeMutablePointer<redisContext>, wait: InterruptibleWait) {
        self.context = context
        self.wait = wait
        whorl_redis_forget_blocking(context)
    }

    deinit {
        redisFree(context)
    }

    /// Sends commands at once and returns as many replies, error replies among them.
    func perform(_ commands: [[any RedisArgument]], _ call: BlockingCall) throws(RedisError) -> [RedisValue] {
        guard !isDead else { throw RedisError(.closed) }
        // Nothing is sent for a call that is over already, so the session survives it.
        if call.isCancelled { throw RedisError(.cancelled) }
        if call.isOverdue { throw RedisError(.timeout) }
        for command in commands {
            try append(command)
        }
        try flush(call)
        var replies: [RedisValue] = []
        replies.reserveCapacity(commands.count)
        while replies.count < commands.count {
            guard let reply = try receive(call) else {
                isDead = true
                throw RedisError(.timeout, outcomeIsUnknown: true)
            }
            replies.append(reply)
        }
        return replies
    }

    /// Sends commands without waiting for their replies, as a subscription does.
    func post(_ command: [any RedisArgument], _ call: BlockingCall) throws(RedisError) {
        guard !isDead else { throw RedisError(.closed) }
        try append(command)
        try flush(call)
    }

    /// Waits for one reply. Nil when there is none by the deadline; the session is as good as before then.
    func receive(_ call: BlockingCall) throws(RedisError) -> RedisValue? {
        while true {
            var reply: UnsafeMutableRawPointer?
            guard redisGetReplyFromReader(context, &reply) == REDIS_OK else { throw broken() }
            if let reply {
                defer { freeReplyObject(reply) }
                return RedisValue(reply.assumingMemoryBound(to: redisReply.self).pointee)
            }
            guard try awaitSocket(.readable, call) else { return nil }
            guard redisBufferRead(context) == REDIS_OK else { throw broken() }
        }
    }

    /// Whether the server has closed the connection, or has sent what nobody asked for. Sends nothing.
    var isStale: Bool {
        if isDead { return true }
        if case .ready = wait.wait(for: context.pointee.fd, until: .now) { return true }
        return false
    }

    private func append(_ arguments: [any RedisArgument]) throws(RedisError) {
        precondition(!arguments.isEmpty, "a Redis command has at least one word")
        let command = EncodedCommand(arguments)
        let status = command.withPointers { pointers in
            redisAppendCommandArgv(context, Int32(pointers.count), &pointers, command.lengths)
        }
        guard status == REDIS_OK else { throw broken() }
    }

    /// Sends what is buffered.
    private func flush(_ call: BlockingCall) throws(RedisError) {
        while true {
            var isDone: Int32 = 0
            guard redisBufferWrite(context, &isDone) == REDIS_OK else { throw broken() }
            if isDone != 0 { return }
            guard try awaitSocket(.writable, call) else {
                isDead = true
                throw RedisError(.timeout, outcomeIsUnknown: true)
            }
        }
    }

    /// False when the deadline has passed.
    private func awaitSocket(_ events: InterruptibleWait.Events, _ call: BlockingCall) throws(RedisError) -> Bool {
        while true {
            switch wait.wait(for: context.pointee.fd, events, until: call.deadline) {
            case .ready: return true
            case .timedOut: return false
            case .woken:
                guard call.isCancelled else { continue }
                isDead = true
                throw RedisError(.cancelled, outcomeIsUnknown: true)
            }
        }
    }

    private func broken() -> RedisError {
        isDead = true
        let message = context.errorText
        return RedisError(
            context.pointee.err == REDIS_ERR_PROTOCOL ? .protocolViolation(message) : .connection(message),
            outcomeIsUnknown: true)
    }
}

extension UnsafeMutablePointer<redisContext> {
    /// What hiredis says went wrong.
    var errorText: String {
        withUnsafeBytes(of: pointee.errstr) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}

extension RedisValue {
    /// Copies a reply of hiredis, which bounds its depth.
    init(_ reply: redisReply) {
        switch reply.type {
        case REDIS_REPLY_INTEGER:
            self = .integer(reply.integer)
        case REDIS_REPLY_STRING:
            self = .bulk(reply.bytes)
        case REDIS_REPLY_STATUS:
            self = .status(String(decoding: reply.bytes, as: UTF8.self))
        case REDIS_REPLY_ERROR:
            self = .error(RedisServerError(line: String(decoding: reply.bytes, as: UTF8.self)))
        case REDIS_REPLY_ARRAY:
            let elements = UnsafeBufferPointer(start: reply.element, count: reply.elements)
            self = .array(elements.map { $0.map { RedisValue($0.pointee) } ?? .null })
        default:
            self = .null
        }
    }
}

extension redisReply {
    fileprivate var bytes: [UInt8] {
        [UInt8](UnsafeRawBufferPointer(start: str, count: len))
    }
}
