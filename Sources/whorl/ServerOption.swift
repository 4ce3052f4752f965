import ArgumentParser
import Foundation
import JobModel

/// Which gateway to talk to.
struct ServerOption: ParsableArguments {
    static let variable = "WHORL_URL"
    static let fallback = "http://127.0.0.1:8080"

    @Option(help: ArgumentHelp("The gateway. Default: \(variable), else \(fallback).", valueName: "url"))
    var server: String?

    private var address: String {
        if let server { return server }
        let value = ProcessInfo.processInfo.environment[Self.variable] ?? ""
        return value.isEmpty ? Self.fallback : value
    }

    func validate() throws {
        guard let url = URL(string: address), ["http", "https"].contains(url.scheme), url.host?.isEmpty == false,
            (1...65_535).contains(url.port ?? 80)
        else {
            throw ValidationError("\"\(Terminal.printable(address))\" is no server's address, which is like \(Self.fallback)")
        }
    }

    var client: GatewayClient { GatewayClient(server: address) }
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
