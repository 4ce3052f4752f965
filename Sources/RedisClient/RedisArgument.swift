import FoundationEssentials

/// A word of a command.
public protocol RedisArgument: Sendable {
    /// Calls `body` with the word's bytes.
    func withRedisBytes(_ body: (UnsafeBufferPointer<UInt8>) -> Void)
}

extension RedisArgument where Self: StringProtocol {
    public func withRedisBytes(_ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        var text = String(self)
        text.withUTF8(body)
    }
}

extension RedisArgument where Self: CustomStringConvertible {
    fileprivate func withDescriptionBytes(_ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        var text = description
        text.withUTF8(body)
    }
}

extension String: RedisArgument {}

extension Substring: RedisArgument {}

extension Int: RedisArgument {
    public func withRedisBytes(_ body: (UnsafeBufferPointer<UInt8>) -> Void) { withDescriptionBytes(body) }
}

extension Int64: RedisArgument {
    public func withRedisBytes(_ body: (UnsafeBufferPointer<UInt8>) -> Void) { withDescriptionBytes(body) }
}

extension Double: RedisArgument {
    public func withRedisBytes(_ body: (UnsafeBufferPointer<UInt8>) -> Void) { withDescriptionBytes(body) }
}

/// In lower case, as PostgreSQL writes it.
extension UUID: RedisArgument {
    public func withRedisBytes(_ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        uuidString.lowercased().withRedisBytes(body)
    }
}

extension Array: RedisArgument where Element == UInt8 {
    public func withRedisBytes(_ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        withUnsafeBufferPointer(body)
    }
}

extension Data: RedisArgument {
    public func withRedisBytes(_ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        [UInt8](self).withRedisBytes(body)
    }
}

/// The words of one command, one after another, as hiredis wants them.
struct EncodedCommand {
    private var bytes: [UInt8] = []
    private(set) var lengths: [Int] = []

    init(_ arguments: [any RedisArgument]) {
        for argument in arguments {
            argument.withRedisBytes { word in
                bytes.append(contentsOf: word)
                lengths.append(word.count)
            }
        }
    }

    func withPointers(_ body: (inout [UnsafePointer<CChar>?]) -> Int32) -> Int32 {
        // The extra byte gives even an empty command an address.
        (bytes + [0]).withUnsafeBytes { buffer in
            var start = 0
            var pointers = lengths.map { length -> UnsafePointer<CChar>? in
                defer { start += length }
                return buffer.baseAddress.map { ($0 + start).assumingMemoryBound(to: CChar.self) }
            }
            return body(&pointers)
        }
    }
}
