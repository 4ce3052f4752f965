import ArgumentParser
import Foundation
import JobModel
import JobStore

/// Who may use the gateways.
struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Create, list and revoke the API keys of a database's gateways.",
        subcommands: [KeysCreateCommand.self, KeysListCommand.self, KeysRevokeCommand.self])
}

extension Scope: ExpressibleByArgument {}

extension Tenant: ExpressibleByArgument {
    public init?(argument: String) {
        self.init(checked: argument)
    }
}

struct KeysCreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Create a key and print it, once.",
        discussion: """
            The key is the only line on standard output; nobody can show it again. Scopes: submit sends clips and withdraws jobs, read \
            shows jobs and verdicts, admin erases, retries and manages webhooks.
            """)

    @OptionGroup var database: DatabaseOption

    @Option(help: ArgumentHelp("Whose key it is: 1 to 100 letters, digits, dots, underscores and hyphens.", valueName: "name"))
    var tenant: Tenant

    @Option(help: ArgumentHelp("What it may do, with commas between: submit, read, admin.", valueName: "scopes"))
    var scopes = "submit,read"

    @Option(help: ArgumentHelp("What people call it.", valueName: "text"))
    var name = ""

    @Option(help: ArgumentHelp("When it ends: an RFC 3339 time, or a number of days such as 90d. Default: never.", valueName: "time"))
    var expires: String?

    @Option(help: ArgumentHelp("Requests a second that it may send. Default: as the gateways' settings say.", valueName: "n"))
    var requestsPerSecond: Double?

    @Flag(help: "Print the key and its row as JSON.")
    var json = false

    func validate() throws {
        _ = try wantedScopes()
        _ = try expiry()
        guard name.count <= 100 else { throw ValidationError("--name must have at most 100 characters") }
        guard requestsPerSecond.map({ $0 > 0 && $0.isFinite }) ?? true else {
            throw ValidationError("--requests-per-second must be more than 0")
        }
    }

    private func wantedScopes() throws -> Set<Scope> {
        let words = scopes.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        guard !words.isEmpty else { throw ValidationError("--scopes must name one at least") }
        return Set(try words.map { word in
            guard let scope = Scope(rawValue: word) else {
                throw ValidationError("there is no scope \"\(word)\"; there are \(Scope.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            return scope
        })
    }

    private func expiry() throws -> Date? {
        guard let expires else { return nil }
        let days = expires.hasSuffix("d") ? Double(expires.dropLast()) : nil
        guard let moment = days.map({ Date(timeIntervalSinceNow: $0 * 86_400) }) ?? WhorlJSON.time(expires) else {
            throw ValidationError("--expires must be an RFC 3339 time such as 2030-01-31T00:00:00Z, or days such as 90d")
        }
        guard moment > Date() else { throw ValidationError("--expires lies in the past") }
        return moment
    }

    private struct Made: Encodable {
        let text: String
        let key: APIKey
    }

    func run() async throws {
        let made = try await database.withPool(applicationName: "whorl-keys") { pool in
            try await AccessStore(pool: pool).createKey(
                tenant: tenant, name: name, scopes: try wantedScopes(), expiresAt: try expiry(), requestsPerSecond: requestsPerSecond)
        }
        if json {
            return print(String(decoding: try WhorlJSON.encoder(pretty: true).encode(Made(text: made.text, key: made.key)), as: UTF8.self))
        }
        print(made.text)
        StandardError.write("key \(made.key.id) of \(tenant); it is not shown again")
    }
}

struct KeysListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List keys, without their secrets.")

    @OptionGroup var database: DatabaseOption

    @Option(help: ArgumentHelp("Only this tenant's.", valueName: "name"))
    var tenant: Tenant?

    @Flag(help: "Print the list as JSON.")
    var json = false

    func run() async throws {
        let keys = try await database.withPool(applicationName: "whorl-keys") { pool in
            try await AccessStore(pool: pool).keys(of: tenant)
        }
        if json { return print(String(decoding: try WhorlJSON.encoder(pretty: true).encode(keys), as: UTF8.self)) }
        guard !keys.isEmpty else { return print("no keys") }
        print("id                                    tenant        scopes             last used             state and name")
        for key in keys {
            let scopes = key.scopes.map(\.rawValue).joined(separator: ",")
            print(
                "\(key.id)  \(key.tenant.name.padded(right: 13)) \(scopes.padded(right: 18)) "
                    + "\((key.lastUsedAt?.formatted(.iso8601) ?? "never").padded(right: 21)) \(key.stateText), "
                    + Terminal.printable(key.name))
        }
    }
}

extension APIKey {
    fileprivate var stateText: String {
        if revokedAt != nil { return "revoked" }
        guard let expiresAt else { return "valid" }
        return isValid(at: Date()) ? "valid until \(expiresAt.formatted(.iso8601))" : "expired"
    }
}

struct KeysRevokeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "End keys for good; gateways notice within seconds.")

    @OptionGroup var database: DatabaseOption

    @Argument(help: ArgumentHelp("The keys' ids, as the list shows them.", valueName: "id"))
    var ids: [String]

    func validate() throws {
        guard !ids.isEmpty else { throw ValidationError("name a key") }
        for id in ids where JobID(id) == nil { throw ValidationError("\"\(Terminal.printable(id))\" is no key's id") }
    }

    func run() async throws {
        try await database.withPool(applicationName: "whorl-keys") { pool in
            for id in ids.compactMap({ JobID($0) }) {
                guard try await AccessStore(pool: pool).revokeKey(id) else {
                    throw CommandFailure(.failure, code: "not_found", "there is no key \(id)")
                }
                print("\(id) revoked")
            }
        }
    }
}

/// How much a tenant may have.
struct TenantsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tenants", abstract: "Show and set how much a tenant may have.",
        subcommands: [TenantsShowCommand.self, TenantsSetCommand.self])
}

struct TenantsShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show what a tenant has and may have.")

    @OptionGroup var database: DatabaseOption

    @Argument(help: ArgumentHelp("The tenant.", valueName: "name"))
    var tenant: Tenant

    func run() async throws {
        let usage = try await database.withPool(applicationName: "whorl-tenants") { pool in
            try await AccessStore(pool: pool).usage(of: tenant)
        }
        func bound(_ value: (some BinaryInteger)?) -> String { value.map { "\($0)" } ?? "as the gateways' settings say" }
        print("jobs today    \(usage.jobsToday) of \(bound(usage.bounds.maximumJobsPerDay))")
        print("stored bytes  \(usage.storedBytes) of \(bound(usage.bounds.maximumStoredBytes))")
        print("jobs waiting  at most \(bound(usage.bounds.maximumQueuedJobs))")
    }
}

struct TenantsSetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set a tenant's own bounds; what is left out is as the gateways' settings say.")

    @OptionGroup var database: DatabaseOption

    @Argument(help: ArgumentHelp("The tenant.", valueName: "name"))
    var tenant: Tenant

    @Option(help: ArgumentHelp("Jobs that may wait at a time.", valueName: "n"))
    var queuedJobs: Int?

    @Option(help: ArgumentHelp("Jobs a day, UTC.", valueName: "n"))
    var jobsPerDay: Int?

    @Option(help: ArgumentHelp("Bytes of clips that may be stored.", valueName: "n"))
    var storedBytes: Int64?

    func validate() throws {
        let counts = [queuedJobs, jobsPerDay].compactMap { $0 }
        guard counts.allSatisfy({ (0...Int(Int32.max)).contains($0) }), storedBytes ?? 0 >= 0 else {
            throw ValidationError("a bound must be 0 or more")
        }
    }

    func run() async throws {
        try await database.withPool(applicationName: "whorl-tenants") { pool in
            try await AccessStore(pool: pool).setBounds(
                TenantBounds(maximumQueuedJobs: queuedJobs, maximumJobsPerDay: jobsPerDay, maximumStoredBytes: storedBytes), of: tenant)
        }
        print("\(tenant): set")
    }
}
