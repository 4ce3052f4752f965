/// A reply of the RESP2 protocol.
public enum RedisValue: Sendable, Hashable {
    case null
    case integer(Int64)
    /// A short text such as `OK`.
    case status(String)
    /// Bytes, which need not be text.
    case bulk([UInt8])
    case array([RedisValue])
    /// An error inside of an array or a pipeline. Elsewhere errors are thrown.
    case error(RedisServerError)

    /// The text of a status or of bytes that are UTF-8.
    public var string: String? {
        switch self {
        case .status(let text): text
        case .bulk(let bytes): String(validating: bytes, as: UTF8.self)
        case .null, .integer, .array, .error: nil
        }
    }

    /// The bytes of a bulk reply.
    public var bytes: [UInt8]? {
        if case .bulk(let bytes) = self { bytes } else { nil }
    }

    /// An integer, also one that came as text.
    public var int: Int? {
        if case .integer(let value) = self { Int(exactly: value) } else { string.flatMap { Int($0) } }
    }

    /// The elements of an array.
    public var elements: [RedisValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// Whether the reply is null: no such key, or no message in time.
    public var isNull: Bool { self == .null }

    /// Throws an error reply, returns anything else.
    public func checked() throws(RedisError) -> RedisValue {
        if case .error(let error) = self { throw RedisError(.server(error)) }
        return self
    }
}
