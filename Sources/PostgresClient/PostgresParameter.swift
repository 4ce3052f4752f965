/// A value that can stand for `$1`, `$2`, … in a statement.
///
/// A `RawRepresentable` whose raw value is a parameter conforms by declaration alone.
public protocol PostgresParameter: Sendable {
    /// The type that the statement is prepared with.
    static var postgresType: PostgresType { get }

    /// Whether this is NULL; ``encode(into:)`` is not called then.
    var isPostgresNull: Bool { get }

    /// Writes the value in PostgreSQL's binary format, or as text where the type is
    /// ``PostgresType/unspecified``.
    ///
    /// - Throws: ``PostgresError/Kind-swift.enum/invalidParameter(_:)`` for a value that the type cannot hold.
    func encode(into encoder: inout PostgresEncoder) throws(PostgresError)
}

extension PostgresParameter {
    public var isPostgresNull: Bool { false }
}

extension PostgresParameter where Self: RawRepresentable, RawValue: PostgresParameter {
    public static var postgresType: PostgresType { RawValue.postgresType }
    public var isPostgresNull: Bool { rawValue.isPostgresNull }
    public func encode(into encoder: inout PostgresEncoder) throws(PostgresError) {
        try rawValue.encode(into: &encoder)
    }
}

/// NULL of whatever type the statement wants.
public struct PostgresNull: PostgresParameter {
    public static var postgresType: PostgresType { .unspecified }
    /// NULL.
    public init() {}
    public var isPostgresNull: Bool { true }
    public func encode(into encoder: inout PostgresEncoder) {}
}

extension Optional: PostgresParameter where Wrapped: PostgresParameter {
    public static var postgresType: PostgresType { Wrapped.postgresType }
    public var isPostgresNull: Bool { self?.isPostgresNull ?? true }
    public func encode(into encoder: inout PostgresEncoder) throws(PostgresError) {
        if let self { try self.encode(into: &encoder) }
    }
}

/// The bytes of a statement's parameters, one after another.
public struct PostgresEncoder {
    /// Where one parameter lies.
    struct Field {
        var type: PostgresType
        /// Nil for NULL.
        var range: Range<Int>?
    }

    /// Begins with a byte that belongs to no parameter: an empty value, which is not NULL, needs an address too.
    private(set) var bytes: [UInt8] = [0]
    private(set) var fields: [Field] = []

    init(_ parameters: [any PostgresParameter]) throws(PostgresError) {
        fields.reserveCapacity(parameters.count)
        guard parameters.count <= Int(UInt16.max) else {
            throw PostgresError(.invalidParameter("\(parameters.count) parameters; PostgreSQL takes 65535"))
        }
        for parameter in parameters {
            try encode(parameter)
        }
        guard bytes.count < Int(Int32.max) / 2 else {
            throw PostgresError(.invalidParameter("\(bytes.count) bytes of parameters; send less at once"))
        }
    }

    private mutating func encode(_ parameter: some PostgresParameter) throws(PostgresError) {
        let type = type(of: parameter).postgresType
        guard !parameter.isPostgresNull else {
            fields.append(Field(type: type, range: nil))
            return
        }
        let start = bytes.count
        try parameter.encode(into: &self)
        fields.append(Field(type: type, range: start..<bytes.count))
        // libpq reads parameters in text format up to their NUL.
        if type == .unspecified { bytes.append(0) }
    }

    /// Appends an integer in network byte order.
    public mutating func append(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    /// Appends bytes as they are.
    public mutating func append(contentsOf newBytes: some Sequence<UInt8>) {
        bytes.append(contentsOf: newBytes)
    }

    /// Appends text as UTF-8.
    ///
    /// - Throws: ``PostgresError/Kind-swift.enum/invalidParameter(_:)`` for a NUL, which PostgreSQL cannot store.
    public mutating func append(text: String) throws(PostgresError) {
        guard !text.utf8.contains(0) else {
            throw PostgresError(.invalidParameter("a text holds a NUL character"))
        }
        bytes.append(contentsOf: text.utf8)
    }

    /// Appends what `body` writes, led by its length: an element of an array.
    mutating func appendSized(
        _ body: (inout PostgresEncoder) throws(PostgresError) -> Void
    ) throws(PostgresError) {
        let start = bytes.count
        append(Int32(0))
        try body(&self)
        let size = Int32(bytes.count - start - 4)
        withUnsafeBytes(of: size.bigEndian) { source in
            for (offset, byte) in source.enumerated() { bytes[start + offset] = byte }
        }
    }
}
