import ArgumentParser
import Foundation
import JobModel

/// Which gateway to talk to.
struct ServerOption: ParsableArguments {
    static let variable = "WHORL_URL"
    static let fallback = "http://127.0.0.1:8080"

    /// Not a flag: those of running programs can be read by everybody on the machine.
    static let keyVariable = "WHORL_API_KEY"

    @Option(
        help: ArgumentHelp(
            "The gateway. Default: \(variable), else \(fallback). A key for it is taken from \(keyVariable).", valueName: "url"))
    var server: String?

    private var address: String {
        server ?? ServerAddress.given(Self.variable) ?? Self.fallback
    }

    func validate() throws {
        try ServerAddress.check(address, example: Self.fallback)
    }

    var client: GatewayClient { GatewayClient(server: address, key: ServerAddress.given(Self.keyVariable)) }
}

/// Which operators' listener a command talks to.
struct OperatorsOption: ParsableArguments {
    static let variable = "WHORL_OPERATORS_URL"
    static let tokenVariable = "WHORL_OPERATORS_TOKEN"
    static let fallback = "http://127.0.0.1:8081"

    @Option(
        help: ArgumentHelp(
            "The gateway's listener for operators. Default: \(variable), else \(fallback). Its token is taken from \(tokenVariable).",
            valueName: "url"))
    var operatorsURL: String?

    private var address: String {
        operatorsURL ?? ServerAddress.given(Self.variable) ?? Self.fallback
    }

    func validate() throws {
        try ServerAddress.check(address, example: Self.fallback)
    }

    var client: GatewayClient { GatewayClient(server: address, key: ServerAddress.given(Self.tokenVariable)) }
}

/// A server's address and what is shown to it.
private enum ServerAddress {
    static func check(_ address: String, example: String) throws {
        guard let url = URL(string: address), ["http", "https"].contains(url.scheme), url.host?.isEmpty == false,
            (1...65_535).contains(url.port ?? 80)
        else {
            throw ValidationError("\"\(Terminal.printable(address))\" is no server's address, which is like \(example)")
        }
    }

    /// What the environment says; nil where it is empty.
    static func given(_ variable: String) -> String? {
        let value = ProcessInfo.processInfo.environment[variable] ?? ""
        return value.isEmpty ? nil : value
    }
}

/// A job's id as an argument.
struct JobArgument: ParsableArguments {
    @Argument(help: ArgumentHelp("The job.", valueName: "id"))
    var id: String

    func validate() throws {
        guard JobID(id) != nil else { throw ValidationError("\"\(Terminal.printable(id))\" is not a job id") }
    }

    func jobID() throws -> JobID {
        guard let job = JobID(id) else { throw ValidationError("\"\(Terminal.printable(id))\" is not a job id") }
        return job
    }
}
