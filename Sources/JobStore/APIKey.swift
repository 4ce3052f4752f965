import Crypto
import Foundation
import JobModel

/// A key as it is stored: everything but its secret.
public struct APIKey: Hashable, Sendable, Codable {
    public var id: JobID
    public var tenant: Tenant
    /// For people; may be empty.
    public var name: String
    public var scopes: [Scope]
    /// nil: as the gateways' settings say.
    public var requestsPerSecond: Double?
    public var createdAt: Date
    public var expiresAt: Date?
    public var revokedAt: Date?
    public var lastUsedAt: Date?

    /// Whether it opens anything at that moment.
    public func isValid(at moment: Date) -> Bool {
        revokedAt == nil && expiresAt.map { $0 > moment } ?? true
    }
}

/// What a client shows: `whorl_<id>_<secret>`, the id in 32 hexadecimal digits, the secret 32 random bytes in URL-safe Base64.
public struct APIKeyText: Sendable {
    private static let prefix = "whorl_"
    private static let secretBytes = 32

    public let id: JobID
    private let secret: [UInt8]

    /// A new key.
    public init(id: JobID = .make()) {
        var generator = SystemRandomNumberGenerator()
        self.id = id
        secret = (0..<Self.secretBytes).map { _ in .random(in: .min ... .max, using: &generator) }
    }

    /// Reads a key; nil for anything that has not its form.
    public init?(_ text: some StringProtocol) {
        guard text.hasPrefix(Self.prefix) else { return nil }
        let parts = text.dropFirst(Self.prefix.count).split(separator: "_", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count == 32, let uuid = UUID(hexDigits: parts[0]),
            let secret = Data(base64URL: parts[1]), secret.count == Self.secretBytes
        else { return nil }
        id = JobID(uuid: uuid)
        self.secret = Array(secret)
    }

    /// The whole key; whoever has it may do what it may.
    public var text: String {
        Self.prefix + id.description.replacing("-", with: "") + "_" + Data(secret).base64URL
    }

    /// What is stored in the secret's place.
    public var secretSHA256: [UInt8] { Array(SHA256.hash(data: secret)) }

    /// Whether this is the secret behind the digest, in a time that does not depend on where they differ.
    public func matches(_ digest: [UInt8]) -> Bool { SHA256.hash(data: secret) == digest }
}

extension UUID {
    /// Reads 32 hexadecimal digits without hyphens.
    fileprivate init?(hexDigits: some StringProtocol) {
        var text = ""
        for (index, digit) in hexDigits.enumerated() {
            if [8, 12, 16, 20].contains(index) { text.append("-") }
            text.append(digit)
        }
        self.init(uuidString: text)
    }
}

extension Data {
    /// URL-safe Base64 without padding (RFC 4648 §5).
    public var base64URL: String {
        String(base64EncodedString().compactMap { digit in
            switch digit {
            case "+": "-"
            case "/": "_"
            case "=": nil
            default: digit
            }
        })
    }

    /// Reads what `base64URL` writes, and nothing else.
    public init?(base64URL text: some StringProtocol) {
        guard text.utf8.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "=") }) else { return nil }
        let plain = String(text.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 })
        self.init(base64Encoded: plain + String(repeating: "=", count: (4 - plain.utf8.count % 4) % 4))
        // Spare bits of the last digit could spell one value in several ways.
        guard base64URL == text else { return nil }
    }
}
