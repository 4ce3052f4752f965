/// Where a request or a job stands in a trace (W3C Trace Context, level 1).
public struct TraceContext: Hashable, Sendable {
    /// 32 hexadecimal digits.
    public let traceID: String
    /// 16 hexadecimal digits; of this step.
    public let spanID: String
    /// Of the step that caused this one; nil for the first.
    public let parentID: String?
    private let flags: String

    /// Reads a `traceparent`: its span is the step that it came from. nil for what has not the form, or is all zeros.
    public init?(traceparent text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 4, parts.map(\.utf8.count) == [2, 32, 16, 2], parts.allSatisfy({ $0.utf8.allSatisfy(Self.isDigit) }),
            parts[0] != "ff", parts[1].utf8.contains(where: { $0 != UInt8(ascii: "0") }), parts[2].utf8.contains(where: { $0 != UInt8(ascii: "0") })
        else { return nil }
        traceID = String(parts[1])
        spanID = String(parts[2])
        parentID = nil
        flags = String(parts[3])
    }

    private init(traceID: String, spanID: String, parentID: String, flags: String) {
        self.traceID = traceID
        self.spanID = spanID
        self.parentID = parentID
        self.flags = flags
    }

    /// A step of its own that this one causes.
    public func child(using generator: inout some RandomNumberGenerator) -> TraceContext {
        let span = withUnsafeBytes(of: UInt64.random(in: 1 ... .max, using: &generator).bigEndian) { $0.hexText }
        return TraceContext(traceID: traceID, spanID: span, parentID: spanID, flags: flags)
    }

    /// As it is passed on.
    public var traceparent: String { "00-\(traceID)-\(spanID)-\(flags)" }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}
