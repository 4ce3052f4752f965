import FoundationEssentials

/// A JSON document as text; a jsonb as a parameter, a json or jsonb as a column.
public struct PostgresJSON: Sendable, Hashable {
    /// The document as it was given or read.
    public let text: String

    /// - Parameter text: JSON. The server checks it.
    public init(_ text: String) {
        self.text = text
    }

    /// Encodes a value with sorted keys.
    ///
    /// - Throws: ``PostgresError/Kind-swift.enum/invalidParameter(_:)`` when the value cannot be JSON, such as a NaN.
    public init(encoding value: some Encodable) throws(PostgresError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            text = String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            throw PostgresError(.invalidParameter("not to be encoded as JSON: \(error)"))
        }
    }

    /// Decodes the document.
    ///
    /// - Throws: ``PostgresError/Kind-swift.enum/decoding(_:)``.
    public func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws(PostgresError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(text.utf8))
        } catch {
            throw PostgresError(.decoding("a JSON document is no \(type): \(error)"))
        }
    }
}

extension PostgresJSON: PostgresParameter, PostgresDecodable, PostgresArrayElement {
    public static var postgresType: PostgresType { .jsonb }
    public static var postgresArrayType: PostgresType { .jsonbArray }

    public func encode(into encoder: inout PostgresEncoder) throws(PostgresError) {
        encoder.append(UInt8(1))
        try encoder.append(text: text)
    }

    public static func decode(from value: PostgresValue) throws(PostgresError) -> PostgresJSON {
        guard value.type == .jsonb || value.type == .json else { throw value.mismatch(self) }
        return PostgresJSON(try String.decode(from: value))
    }
}
