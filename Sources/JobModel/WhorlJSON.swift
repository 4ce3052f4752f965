import FoundationEssentials

/// JSON as the API speaks it: camelCase, sorted keys, times in RFC 3339 UTC with milliseconds.
public enum WhorlJSON {
    public static func encoder(pretty: Bool = false) -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            // The format cuts off what is below a millisecond; half of one more makes that rounding.
            try container.encode(date.addingTimeInterval(0.0005).formatted(timeFormat))
        }
        return encoder
    }

    public static func decoder() -> JSONDecoder {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let container = try decoder.singleValueContainer()
            let text = try container.decode(String.self)
            guard let time = time(text) else {
                throw DecodingError.dataCorruptedError(
                    in: container, debugDescription: "\(text) is not an RFC 3339 time")
            }
            return time
        }
        return decoder
    }

    /// Reads an RFC 3339 time, with or without a fraction; nil for anything else.
    public static func time(_ text: String) -> Date? {
        for format in [timeFormat, Date.ISO8601FormatStyle()] {
            if let date = try? format.parse(text.uppercased()) { return date }
        }
        return nil
    }

    /// A type as JSON has it.
    private static func name(of type: any Any.Type) -> String {
        switch type {
        case is Bool.Type: "true or false"
        case is String.Type: "a text"
        case is any FixedWidthInteger.Type: "a whole number"
        case is any BinaryFloatingPoint.Type: "a number"
        case is any Collection.Type where "\(type)".hasPrefix("Array"): "a list"
        default: "an object"
        }
    }

    /// Refuses members that nobody knows: a misspelt one would be passed over in silence.
    ///
    /// - Throws: `DecodingError` that names the stranger.
    public static func refuseStrangers(in decoder: any Decoder, known: [String]) throws {
        for name in try decoder.container(keyedBy: Name.self).allKeys where !known.contains(name.stringValue) {
            throw DecodingError.dataCorrupted(.init(
                codingPath: decoder.codingPath,
                debugDescription: "unknown member \(name.stringValue.prefix(60)); known: \(known.sorted().joined(separator: ", "))"))
        }
    }

    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private static let timeFormat = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    /// What was wrong with a JSON text, in words for a client.
    public static func explanation(of error: any Error) -> String {
        guard let error = error as? DecodingError else { return "\(error)" }
        let (context, what): (DecodingError.Context, String) = switch error {
        case .typeMismatch(let type, let context): (context, "is not \(name(of: type))")
        case .valueNotFound(_, let context): (context, "is null")
        case .keyNotFound(let key, let context): (context, "lacks the field \(key.stringValue)")
        case .dataCorrupted(let context): (context, context.debugDescription)
        @unknown default: (DecodingError.Context(codingPath: [], debugDescription: ""), "is not as expected")
        }
        let path = context.codingPath.map(\.stringValue).joined(separator: ".")
        if context.debugDescription.contains("not valid JSON") { return "that is no JSON" }
        return path.isEmpty ? "the JSON \(what)" : "\(path): \(what)"
    }
}
