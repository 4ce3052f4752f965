import FoundationEssentials

/// A job's identity: a UUID of version 7 (RFC 9562 §5.7), so that ids sort by the time they were made.
public struct JobID: Hashable, Sendable, Codable, CustomStringConvertible {
    public let uuid: UUID

    /// Wraps an id that already exists, for example one read from the database.
    public init(uuid: UUID) {
        self.uuid = uuid
    }

    /// Makes a new id from a moment (millisecond resolution) and 74 random bits.
    public init(at moment: Date, using generator: inout some RandomNumberGenerator) {
        let milliseconds = UInt64(max(0, moment.timeIntervalSince1970 * 1000))
        let random = (generator.next() as UInt64, generator.next() as UInt64)
        let high = milliseconds << 16 | 0x7000 | (random.0 & 0x0FFF)
        let low = 0x8000_0000_0000_0000 | (random.1 & 0x3FFF_FFFF_FFFF_FFFF)
        func byte(_ word: UInt64, _ index: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: word >> (56 - 8 * index)) }
        uuid = UUID(uuid: (
            byte(high, 0), byte(high, 1), byte(high, 2), byte(high, 3),
            byte(high, 4), byte(high, 5), byte(high, 6), byte(high, 7),
            byte(low, 0), byte(low, 1), byte(low, 2), byte(low, 3),
            byte(low, 4), byte(low, 5), byte(low, 6), byte(low, 7)
        ))
    }

    /// Makes a new id now, with the system's randomness.
    public static func make() -> JobID {
        var generator = SystemRandomNumberGenerator()
        return JobID(at: Date(), using: &generator)
    }

    /// Reads the canonical 36-character form; anything else is nil.
    public init?(_ text: some StringProtocol) {
        guard text.utf8.count == 36, let uuid = UUID(uuidString: String(text)) else { return nil }
        self.uuid = uuid
    }

    /// The canonical form in lower case.
    public var description: String { uuid.uuidString.lowercased() }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let id = JobID(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(text) is not a job id")
        }
        self = id
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Whose job it is. Every row, statement and answer carries one; `default` until there are API keys.
public struct Tenant: Hashable, Sendable, Codable, CustomStringConvertible {
    public let name: String

    public init(name: String) {
        self.name = name
    }

    public static let `default` = Tenant(name: "default")

    public var description: String { name }

    public init(from decoder: any Decoder) throws {
        name = try decoder.singleValueContainer().decode(String.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(name)
    }
}
