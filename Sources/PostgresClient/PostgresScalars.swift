import FoundationEssentials

extension Bool: PostgresParameter, PostgresDecodable, PostgresArrayElement {
    public static var postgresType: PostgresType { .bool }
    public static var postgresArrayType: PostgresType { .boolArray }

    public func encode(into encoder: inout PostgresEncoder) {
        encoder.append(UInt8(self ? 1 : 0))
    }

    public static func decode(from value: PostgresValue) throws(PostgresError) -> Bool {
        guard value.type == .bool else { throw value.mismatch(self) }
        return try value.integer(UInt8.self) != 0
    }
}

/// What all integers share: they are read from any integer column that holds a value in their range.
public protocol PostgresInteger: FixedWidthInteger & SignedInteger & PostgresParameter & PostgresDecodable {}

extension PostgresInteger {
    public static func decode(from value: PostgresValue) throws(PostgresError) -> Self {
        let wide: Int64 = switch value.type {
        case .int2: Int64(try value.integer(Int16.self))
        case .int4: Int64(try value.integer(Int32.self))
        case .int8: try value.integer(Int64.self)
        case .oid: Int64(try value.integer(UInt32.self))
        default: throw value.mismatch(self)
        }
        guard let exact = Self(exactly: wide) else {
            throw PostgresError(.decoding("column \"\(value.column)\" holds \(wide), too much for \(Self.self)"))
        }
        return exact
    }
}

extension Int: PostgresInteger, PostgresArrayElement {
    public static var postgresType: PostgresType { .int8 }
    public static var postgresArrayType: PostgresType { .int8Array }
    public func encode(into encoder: inout PostgresEncoder) { encoder.append(Int64(self)) }
}

extension Int64: PostgresInteger, PostgresArrayElement {
    public static var postgresType: PostgresType { .int8 }
    public static var postgresArrayType: PostgresType { .int8Array }
    public func encode(into encoder: inout PostgresEncoder) { encoder.append(self) }
}

extension Int32: PostgresInteger, PostgresArrayElement {
    public static var postgresType: PostgresType { .int4 }
    public static var postgresArrayType: PostgresType { .int4Array }
    public func encode(into encoder: inout PostgresEncoder) { encoder.append(self) }
}

extension Int16: PostgresInteger, PostgresArrayElement {
    public static var postgresType: PostgresType { .int2 }
    public static var postgresArrayType: PostgresType { .int2Array }
    public func encode(into encoder: inout PostgresEncoder) { encoder.append(self) }
}

extension Double: PostgresParameter, PostgresDecodable, PostgresArrayElement {
    public static var postgresType: PostgresType { .float8 }
    public static var postgresArrayType: PostgresType { .float8Array }

    public func encode(into encoder: inout PostgresEncoder) {
        encoder.append(bitPattern)
    }

    public static func decode(from value: PostgresValue) throws(PostgresError) -> Double {
        switch value.type {
        case .float8: Double(bitPattern: try value.integer(UInt64.self))
        case .float4: Double(Float(bitPattern: try value.integer(UInt32.self)))
        default: throw value.mismatch(self)
        }
    }
}

extension Float: PostgresParameter, PostgresDecodable, PostgresArrayElement {
    public static var postgresType: PostgresType { .float4 }
    public static var postgresArrayType: PostgresType { .float4Array }

    public func encode(into encoder: inout PostgresEncoder) {
        encoder.append(bitPattern)
    }

    /// A float8 is rounded.
    public static func decode(from value: PostgresValue) throws(PostgresError) -> Float {
        switch value.type {
        case .float4: Float(bitPattern: try value.integer(UInt32.self))
        case .float8: Float(Double(bitPattern: try value.integer(UInt64.self)))
        default: throw value.mismatch(self)
        }
    }
}

extension String: PostgresParameter, PostgresDecodable, PostgresArrayElement {
    /// Left to the server, as for a quoted literal: the same string fits a text, an enum or an interval.
    public static var postgresType: PostgresType { .unspecified }
    public static var postgresArrayType: PostgresType { .textArray }
    public static var postgresElementType: PostgresType { .text }

    public func encode(into encoder: inout PostgresEncoder) throws(PostgresError) {
        try encoder.append(text: self)
    }

    public static func decode(from value: PostgresValue) throws(PostgresError) -> String {
        switch value.type {
        case .text, .varchar, .bpchar, .name, .json, .unknown, .char:
            value.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        case .jsonb:
            // The first byte is the version of the format, always 1.
            value.withUnsafeBytes { String(decoding: $0.dropFirst(), as: UTF8.self) }
        case let type where type.isUserDefined:
            // Enums and citext are sent as text; a type that is not may not even be UTF-8.
            try value.validText()
        default:
            throw value.mismatch(self)
        }
    }
}

extension PostgresValue {
    fileprivate func validText() throws(PostgresError) -> String {
        guard let text = withUnsafeBytes({ String(validating: $0, as: UTF8.self) }) else {
            throw mismatch(String.self)
        }
        return text
    }
}

extension UUID: PostgresParameter, PostgresDecodable, PostgresArrayElement {
    public static var postgresType: PostgresType { .uuid }
    public static var postgresArrayType: PostgresType { .uuidArray }

    public func encode(into encoder: inout PostgresEncoder) {
        withUnsafeBytes(of: uuid) { encoder.append(contentsOf: $0) }
    }

    public static func decode(from value: PostgresValue) throws(PostgresError) -> UUID {
        guard value.type == .uuid, value.bytes.count == 16 else { throw value.mismatch(self) }
        return value.withUnsafeBytes { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
    }
}

extension Date: PostgresParameter, PostgresDecodable, PostgresArrayElement {
    public static var postgresType: PostgresType { .timestamptz }
    public static var postgresArrayType: PostgresType { .timestamptzArray }

    /// 2000-01-01 00:00 UTC in seconds since 1970.
    private static let epochSeconds = 946_684_800.0
    /// 4714-11-24 BC and the end of the year 294276, the range of timestamptz, in seconds since 2000.
    private static let range = -211_813_488_000.0 ..< 9_223_371_331_200.0

    /// Rounds to microseconds.
    public func encode(into encoder: inout PostgresEncoder) throws(PostgresError) {
        let seconds = timeIntervalSince1970 - Self.epochSeconds
        guard Self.range.contains(seconds) else {
            throw PostgresError(.invalidParameter("a date lies outside of PostgreSQL's range"))
        }
        encoder.append(Int64((seconds * 1_000_000).rounded()))
    }

    /// PostgreSQL's infinities become the distant future and past.
    public static func decode(from value: PostgresValue) throws(PostgresError) -> Date {
        guard value.type == .timestamptz else { throw value.mismatch(self) }
        let microseconds = try value.integer(Int64.self)
        return switch microseconds {
        case .max: .distantFuture
        case .min: .distantPast
        default: Date(timeIntervalSince1970: Double(microseconds) / 1_000_000 + epochSeconds)
        }
    }
}

extension Data: PostgresParameter, PostgresDecodable, PostgresArrayElement {
    public static var postgresType: PostgresType { .bytea }
    public static var postgresArrayType: PostgresType { .byteaArray }

    public func encode(into encoder: inout PostgresEncoder) {
        encoder.append(contentsOf: self)
    }

    public static func decode(from value: PostgresValue) throws(PostgresError) -> Data {
        guard value.type == .bytea else { throw value.mismatch(self) }
        return value.withUnsafeBytes { Data($0) }
    }
}
