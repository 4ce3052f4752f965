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
            if let date = try? format.parse(text) { return date }
        }
        return nil
    }

    private static let timeFormat = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    /// What was wrong with a JSON text, in words for a client.
    public static func explanation(of error: any Error) -> String {
        guard let error = error as? DecodingError else { return "\(error)" }
        let (context, what): (DecodingError.Context, String) = switch error {
        case .typeMismatch(let type, let context): (context, "is not of type \(type)")
        case .valueNotFound(_, let context): (context, "is null")
        case .keyNotFound(let key, let context): (context, "lacks the field \(key.stringValue)")
        case .dataCorrupted(let context): (context, context.debugDescription)
        @unknown default: (DecodingError.Context(codingPath: [], debugDescription: ""), "is not as expected")
        }
        let path = context.codingPath.map(\.stringValue).joined(separator: ".")
        return path.isEmpty ? "the JSON \(what)" : "\(path): \(what)"
    }
}
