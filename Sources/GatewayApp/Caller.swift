import JobModel

/// Who sends a request, and what it may do.
struct Caller: Hashable, Sendable {
    let tenant: Tenant
    let scopes: Set<Scope>
    /// What its rate is counted under: a key, a token's subject, or an address.
    let identity: String
    /// nil: as the settings say.
    let requestsPerSecond: Double?

    /// Everybody, while no key is demanded.
    static func anyone(at address: String) -> Caller {
        Caller(tenant: .default, scopes: Set(Scope.allCases), identity: "address:" + address, requestsPerSecond: nil)
    }
}
