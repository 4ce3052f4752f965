/// Why a call to Redis failed.
///
/// ``description`` may be shown to a client; ``debugDescription`` adds what hiredis and the server said.
public struct RedisError: Error, Sendable, Equatable {
    /// The kinds of failure.
    public enum Kind: Sendable, Equatable {
        /// The server cannot be reached, or the connection was lost.
        case connection(String)
        /// The server refused the command. The connection goes on.
        case server(RedisServerError)
        /// The call's deadline passed.
        case timeout
        /// The calling task was cancelled.
        case cancelled
        /// Too many calls wait for the connection already.
        case overloaded
        /// The client or connection was closed, or the connection died earlier.
        case closed
        /// The URL is wrong, or asks for something that is not supported.
        case configuration(String)
        /// The server sent what no Redis sends.
        case protocolViolation(String)
    }

    /// What kind of failure it is.
    public let kind: Kind
    /// Whether the command was sent and no answer to it came: it may have taken effect.
    public let outcomeIsUnknown: Bool

    /// An error of this kind.
    public init(_ kind: Kind, outcomeIsUnknown: Bool = false) {
        self.kind = kind
        self.outcomeIsUnknown = outcomeIsUnknown
    }

    /// The first word of the server's error, such as `NOGROUP`.
    public var code: String? {
        if case .server(let error) = kind { error.code } else { nil }
    }

    /// Whether the same work may succeed when it is tried again later. Says nothing about whether trying again is
    /// safe: see ``outcomeIsUnknown``.
    public var isRetryable: Bool {
        switch kind {
        case .connection, .timeout, .overloaded: true
        case .server(let error): error.isRetryable
        case .cancelled, .closed, .configuration, .protocolViolation: false
        }
    }
}

extension RedisError: CustomStringConvertible, CustomDebugStringConvertible {
    public var description: String {
        switch kind {
        case .connection: "Redis cannot be reached"
        case .server(let error): "Redis refused a command (\(error.code))"
        case .timeout: "Redis did not answer in time"
        case .cancelled: "the call to Redis was cancelled"
        case .overloaded: "too many calls wait for Redis"
        case .closed: "the Redis connection is closed"
        case .configuration: "Redis is not configured correctly"
        case .protocolViolation: "Redis returned something unexpected"
        }
    }

    public var debugDescription: String {
        let suffix = outcomeIsUnknown ? " (outcome unknown)" : ""
        return switch kind {
        case .connection(let detail), .configuration(let detail), .protocolViolation(let detail):
            "\(description): \(detail)\(suffix)"
        case .server(let error):
            "\(description): \(error.message)\(suffix)"
        case .timeout, .cancelled, .overloaded, .closed:
            description + suffix
        }
    }
}

/// An error reply, such as `NOGROUP No such key 's' or consumer group 'g'`.
public struct RedisServerError: Error, Sendable, Hashable {
    /// The first word: `ERR`, `NOGROUP`, `WRONGTYPE`, …
    public let code: String
    /// The rest.
    public let message: String

    /// An error reply of these two parts.
    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    init(line: String) {
        let parts = line.split(separator: " ", maxSplits: 1)
        code = parts.first.map(String.init) ?? "ERR"
        message = parts.count > 1 ? String(parts[1]) : ""
    }

    /// Errors that go away by themselves: a server that loads its data, runs a long script, is out of memory, or is
    /// in the middle of a failover.
    var isRetryable: Bool {
        ["LOADING", "BUSY", "OOM", "READONLY", "MASTERDOWN", "TRYAGAIN", "CLUSTERDOWN", "NOREPLICAS"].contains(code)
    }
}
