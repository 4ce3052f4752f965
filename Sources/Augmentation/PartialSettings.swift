/// Settings of which a file may leave out any: those keep the values that they have where the settings are used.
protocol PartialSettings {
    /// Replaces what the file has; throws for a name that is no setting, since a typing mistake would pass unseen.
    mutating func adjust(from decoder: any Decoder) throws
}

/// Reads some settings, each if it is there.
struct SettingReader<Key: CodingKey & CaseIterable> {
    private let container: KeyedDecodingContainer<Key>

    init(_ decoder: any Decoder, _ keys: Key.Type) throws {
        let known = Set(Key.allCases.map(\.stringValue))
        for key in try decoder.container(keyedBy: AnyKey.self).allKeys where !known.contains(key.stringValue) {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: decoder.codingPath + [key],
                    debugDescription: "there is no setting \"\(key.stringValue)\" here, only \(known.sorted().joined(separator: ", "))"))
        }
        container = try decoder.container(keyedBy: keys)
    }

    func callAsFunction<Value: Decodable>(_ key: Key, _ value: inout Value) throws {
        if let found = try container.decodeIfPresent(Value.self, forKey: key) { value = found }
    }

    func part<Part: PartialSettings>(_ key: Key, _ part: inout Part) throws {
        if container.contains(key) { try part.adjust(from: container.superDecoder(forKey: key)) }
    }

    private struct AnyKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
