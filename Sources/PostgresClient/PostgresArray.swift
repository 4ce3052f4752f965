/// An element of an array: `[Self]` can be a parameter and be read from a column. NULLs need an Optional element.
public protocol PostgresArrayElement: Sendable {
    /// The type of an array of this.
    static var postgresArrayType: PostgresType { get }

    static func encode(array: [Self], into encoder: inout PostgresEncoder) throws(PostgresError)

    static func decode(arrayFrom value: PostgresValue) throws(PostgresError) -> [Self]

    /// The type of an element inside of an array, where the server cannot infer it.
    static var postgresElementType: PostgresType { get }
}

extension PostgresArrayElement where Self: PostgresParameter {
    public static var postgresElementType: PostgresType { postgresType }
}

extension PostgresArrayElement where Self: PostgresParameter & PostgresDecodable {
    /// The binary form of one dimension (PostgreSQL source, `array_send`): number of dimensions, whether NULLs occur,
    /// the element's type, the length, the lower bound, then each element with its size, −1 for NULL.
    public static func encode(array: [Self], into encoder: inout PostgresEncoder) throws(PostgresError) {
        encoder.append(Int32(array.isEmpty ? 0 : 1))
        encoder.append(Int32(array.contains { $0.isPostgresNull } ? 1 : 0))
        encoder.append(postgresElementType.oid)
        if array.isEmpty { return }
        encoder.append(Int32(array.count))
        encoder.append(Int32(1))
        for element in array {
            if element.isPostgresNull {
                encoder.append(Int32(-1))
            } else {
                try encoder.appendSized { (encoder) throws(PostgresError) in try element.encode(into: &encoder) }
            }
        }
    }

    public static func decode(arrayFrom value: PostgresValue) throws(PostgresError) -> [Self] {
        guard PostgresType.arrays.contains(value.type) || value.type.isUserDefined else {
            throw value.mismatch([Self].self)
        }
        var reader = PostgresReader(value: value)
        let dimensions = try reader.integer(Int32.self)
        _ = try reader.integer(Int32.self)
        let elementType = PostgresType(oid: try reader.integer(UInt32.self))
        guard dimensions == 1 else {
            if dimensions == 0 { return [] }
            throw PostgresError(.decoding("column \"\(value.column)\" has \(dimensions) dimensions; only one is read"))
        }
        let count = try reader.integer(Int32.self)
        _ = try reader.integer(Int32.self)
        var elements: [Self] = []
        for _ in 0..<max(count, 0) {
            let size = try reader.integer(Int32.self)
            if size < 0 {
                elements.append(try decodeNull(column: value.column))
            } else {
                let bytes = try reader.bytes(count: Int(size))
                let element = PostgresValue(type: elementType, column: value.column, bytes: bytes, owner: value.owner)
                elements.append(try decode(from: element))
            }
        }
        return elements
    }
}

extension Optional: PostgresArrayElement
where Wrapped: PostgresArrayElement & PostgresParameter & PostgresDecodable {
    public static var postgresArrayType: PostgresType { Wrapped.postgresArrayType }
    public static var postgresElementType: PostgresType { Wrapped.postgresElementType }
}

/// `[UInt8]` is a bytea, not an array of numbers.
extension UInt8: PostgresArrayElement {
    public static var postgresArrayType: PostgresType { .bytea }
    public static var postgresElementType: PostgresType { .bytea }

    public static func encode(array: [UInt8], into encoder: inout PostgresEncoder) {
        encoder.append(contentsOf: array)
    }

    public static func decode(arrayFrom value: PostgresValue) throws(PostgresError) -> [UInt8] {
        guard value.type == .bytea else { throw value.mismatch([UInt8].self) }
        return value.withUnsafeBytes { [UInt8]($0) }
    }
}

extension Array: PostgresParameter where Element: PostgresArrayElement {
    public static var postgresType: PostgresType { Element.postgresArrayType }
    public func encode(into encoder: inout PostgresEncoder) throws(PostgresError) {
        try Element.encode(array: self, into: &encoder)
    }
}

extension Array: PostgresDecodable where Element: PostgresArrayElement {
    public static func decode(from value: PostgresValue) throws(PostgresError) -> [Element] {
        try Element.decode(arrayFrom: value)
    }
}

extension PostgresType {
    /// The built-in arrays whose elements can be read, `varchar[]` (1015) and `name[]` (1003) among them.
    fileprivate static let arrays: Set<PostgresType> = [
        .boolArray, .byteaArray, .int2Array, .int4Array, .textArray, .int8Array, .float4Array, .float8Array, .timestamptzArray,
        .uuidArray, .jsonbArray, PostgresType(oid: 1003), PostgresType(oid: 1015),
    ]
}
