/// A value that can be read from a column.
///
/// A `RawRepresentable` whose raw value can be read conforms by declaration alone.
public protocol PostgresDecodable {
    /// Reads a value that is not NULL.
    ///
    /// - Throws: ``PostgresError/Kind-swift.enum/decoding(_:)`` when the column's type or value does not fit.
    static func decode(from value: PostgresValue) throws(PostgresError) -> Self

    /// What NULL is read as.
    ///
    /// - Throws: ``PostgresError/Kind-swift.enum/decoding(_:)`` unless this is an Optional.
    static func decodeNull(column: String) throws(PostgresError) -> Self
}

extension PostgresDecodable {
    public static func decodeNull(column: String) throws(PostgresError) -> Self {
        throw PostgresError(.decoding("column \"\(column)\" is NULL; read it as \(Self.self)?"))
    }
}

extension PostgresDecodable where Self: RawRepresentable, RawValue: PostgresDecodable {
    public static func decode(from value: PostgresValue) throws(PostgresError) -> Self {
        let raw = try RawValue.decode(from: value)
        guard let decoded = Self(rawValue: raw) else {
            throw PostgresError(.decoding("column \"\(value.column)\" holds \(raw), which is no \(Self.self)"))
        }
        return decoded
    }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    public static func decode(from value: PostgresValue) throws(PostgresError) -> Wrapped? {
        try Wrapped.decode(from: value)
    }

    public static func decodeNull(column: String) -> Wrapped? { nil }
}

/// The bytes of one value, in PostgreSQL's binary format, and what they are.
public struct PostgresValue {
    /// The column's type, or an array's element's.
    public let type: PostgresType
    /// The column's name, for error messages.
    public let column: String
    /// Valid for as long as `owner` lives.
    let bytes: UnsafeRawBufferPointer
    let owner: ResultStorage

    /// Lends the bytes; they must not be kept.
    public func withUnsafeBytes<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        withExtendedLifetime(owner) { body(bytes) }
    }

    /// An error that says which column does not fit `wanted`.
    public func mismatch(_ wanted: Any.Type) -> PostgresError {
        var text = "column \"\(column)\" is \(type.displayName) and cannot be read as \(wanted)"
        switch type.oid {
        case 1700: text += "; cast it in SQL, ::float8 or ::bigint"
        case 1114, 1082: text += "; cast it in SQL, ::timestamptz"
        case 1186: text += "; cast it in SQL, such as extract(epoch FROM …)::float8"
        default: break
        }
        return PostgresError(.decoding(text))
    }

    /// Reads a big-endian integer that is all of the value.
    func integer<Value: FixedWidthInteger>(_: Value.Type) throws(PostgresError) -> Value {
        var reader = PostgresReader(value: self)
        return try reader.integer(Value.self)
    }
}

/// Reads the parts of a composite value, checking every length.
struct PostgresReader {
    private let value: PostgresValue
    private var offset = 0

    init(value: PostgresValue) { self.value = value }

    mutating func integer<Value: FixedWidthInteger>(_: Value.Type) throws(PostgresError) -> Value {
        let size = Value.bitWidth / 8
        let slice = try bytes(count: size)
        return value.withUnsafeBytes { _ in Value(bigEndian: slice.loadUnaligned(as: Value.self)) }
    }

    mutating func bytes(count: Int) throws(PostgresError) -> UnsafeRawBufferPointer {
        guard count >= 0, offset + count <= value.bytes.count else {
            throw PostgresError(.decoding("column \"\(value.column)\" holds too few bytes"))
        }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: value.bytes[offset..<offset + count])
    }
}
