import Settings

extension OutboundPolicy {
    /// The keys that say which addresses strangers may lead us to.
    public static let table: [Setting] = [
        Setting(
            "outbound.allowedNetworks", .text, default: "",
            help: "Networks that URLs of clients may lead to although they are not public, such as 10.1.0.0/16, with commas between."),
        Setting("outbound.allowedPorts", .text, default: "80,443", help: "Ports that such URLs may name, with commas between."),
    ]

    /// - Throws: `SettingsError` for what is no network or no port.
    public init(_ settings: SettingsReader, maximumRedirects: Int, connectSeconds: Double, totalSeconds: Double) throws(SettingsError) {
        func words(_ key: String) -> [String] {
            settings.text(key).split(separator: ",").map { String($0.drop { $0 == " " }) }
        }
        let networks = words("outbound.allowedNetworks").map { IPNetwork($0) }
        guard networks.allSatisfy({ $0 != nil }) else {
            throw SettingsError("\(settings.flagName("outbound.allowedNetworks")) must be networks such as 10.1.0.0/16, with commas between")
        }
        let ports = words("outbound.allowedPorts").map { Int($0) }
        guard ports.allSatisfy({ $0.map { (1...65_535).contains($0) } ?? false }), !ports.isEmpty else {
            throw SettingsError("\(settings.flagName("outbound.allowedPorts")) must be ports with commas between")
        }
        self.init(
            addresses: AddressGuard(allowed: networks.compactMap { $0 }), ports: Set(ports.compactMap { $0 }),
            maximumRedirects: maximumRedirects, connectSeconds: connectSeconds, totalSeconds: totalSeconds)
    }
}
