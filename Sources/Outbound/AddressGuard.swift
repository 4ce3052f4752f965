/// Which addresses may be connected to at somebody else's wish: those of the public internet, and no others (IANA's registries of
/// special-purpose addresses, RFC 6890).
public struct AddressGuard: Hashable, Sendable {
    private static let refused: [IPNetwork] = networks([
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
        "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        // Within what is global: Teredo, documentation, benchmarks and 6to4, which lead elsewhere.
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    ])
    private static let globalIPv6 = networks(["2000::/3"])
    private static let mapped = networks(["::ffff:0:0/96"])

    /// Exceptions that an operator allows, such as an own network's storage.
    public var allowed: [IPNetwork]

    public init(allowed: [IPNetwork] = []) {
        self.allowed = allowed
    }

    /// Whether the address may be connected to.
    public func admits(_ address: IPAddress) -> Bool {
        let plain = Self.unmapped(address)
        if allowed.contains(where: { $0.contains(plain) }) { return true }
        if Self.refused.contains(where: { $0.contains(plain) }) { return false }
        return plain.bytes.count == 4 || Self.globalIPv6.contains { $0.contains(plain) }
    }

    /// An IPv4 address in IPv6's clothes is what it is beneath.
    private static func unmapped(_ address: IPAddress) -> IPAddress {
        guard mapped.contains(where: { $0.contains(address) }) else { return address }
        return IPAddress(bytes: Array(address.bytes.suffix(4)))
    }

    private static func networks(_ texts: [String]) -> [IPNetwork] {
        texts.map { text in
            guard let network = IPNetwork(text) else { preconditionFailure("\(text) is no network") }
            return network
        }
    }
}
