/// What a caller may do.
public enum Scope: String, Hashable, Sendable, Codable, CaseIterable {
    /// Send clips, and withdraw jobs.
    case submit
    /// See jobs, verdicts, pictures and counts.
    case read
    /// Erase and retry jobs, and manage webhooks.
    case admin
}

extension Tenant {
    /// Takes a name that an operator or a token gave: 1 to 100 of `A-Z a-z 0-9 . _ -`; nil for any other.
    public init?(checked name: some StringProtocol) {
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard isPlain, (1...100).contains(name.utf8.count) else { return nil }
        self.init(name: String(name))
    }
}
