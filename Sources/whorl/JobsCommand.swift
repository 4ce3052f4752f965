import ArgumentParser
import Foundation
import JobModel

/// Jobs on a gateway.
struct JobsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs",
        abstract: "List, show, cancel, retry and erase jobs on a gateway.",
        subcommands: [
            JobsListCommand.self, JobsShowCommand.self, JobsCancelCommand.self, JobsRetryCommand.self, JobsEraseCommand.self,
        ])
}

extension JobState: ExpressibleByArgument {}

struct JobsListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the newest jobs.")

    @OptionGroup var server: ServerOption

    @Option(help: ArgumentHelp("Only jobs in this state.", valueName: "state"))
    var state: JobState?

    @Option(help: ArgumentHelp("At most so many, 1 to 200.", valueName: "n"))
    var limit = 20

    @Option(help: ArgumentHelp("Go on where an earlier listing said.", valueName: "cursor"))
    var cursor: String?

    @Flag(help: "Print the page as JSON.")
    var json = false

    func validate() throws {
        guard (1...200).contains(limit) else { throw ValidationError("--limit must be 1 to 200") }
    }

    func run() async throws {
        let page = try await server.client.jobs(state: state, limit: limit, cursor: cursor)
        if json {
            return print(String(decoding: try WhorlJSON.encoder(pretty: true).encode(page), as: UTF8.self))
        }
        guard !page.jobs.isEmpty else { return print("no jobs") }
        print("id                                    state      created               outcome")
        for job in page.jobs {
            print(
                "\(job.id)  \(job.state.rawValue.padded(right: 9))  \(job.createdAt.formatted(.iso8601))  \(outcome(of: job))")
        }
        if let next = page.nextCursor { print("more: --cursor \(Terminal.printable(next))") }
    }

    private func outcome(of job: JobStatus) -> String {
        if let verdict = job.verdict {
            let probability = verdict.probability.map { " \($0.text(3))" } ?? ""
            return verdict.label.rawValue + probability + (verdict.model.trained ? "" : " (untrained model)")
        }
        if let error = job.error { return Terminal.printable(error.code) }
        return job.state == .running ? "\(Int(job.progress * 100)) %" : ""
    }
}

struct JobsShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a job, every start of it, and its verdict if it has one.",
        discussion: "The exit code tells whether the job could be shown, not how it ended.")

    @OptionGroup var job: JobArgument
    @OptionGroup var server: ServerOption

    @Flag(help: "Print the job as JSON.")
    var json = false

    func run() async throws {
        let id = try job.jobID()
        guard let status = try await server.client.job(id) else {
            throw CommandFailure(.failure, code: "answer_unreadable", "the server did not say how job \(id) stands")
        }
        let attempts = json ? [] : try await server.client.attempts(of: id)
        try JobReport(status: status, title: "verdict", terminal: Terminal(descriptor: 1), attempts: attempts)
            .printOut(asJSON: json)
    }
}

struct JobsCancelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Withdraw a job.",
        discussion: "A queued job is cancelled at once, a running one as soon as its worker notices.")

    @OptionGroup var job: JobArgument
    @OptionGroup var server: ServerOption

    @Flag(help: "Print the job as JSON.")
    var json = false

    func run() async throws {
        let status = try await server.client.cancel(try job.jobID())
        try JobReport(status: status, title: "verdict", terminal: Terminal(descriptor: 1)).printOut(asJSON: json)
    }
}

struct JobsRetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Put dead jobs back to the queue, with all their attempts anew.",
        discussion: "`whorl jobs list --state dead` lists them, `whorl jobs show` says what became of each start.")

    @Argument(help: ArgumentHelp("The jobs.", valueName: "id"))
    var ids: [String] = []

    @Flag(help: "Every dead job.")
    var all = false

    @OptionGroup var server: ServerOption

    func validate() throws {
        guard all != !ids.isEmpty else { throw ValidationError("name the jobs, or say --all") }
    }

    func run() async throws {
        let client = server.client
        let named = try ids.map { text in
            guard let id = JobID(text) else { throw ValidationError("\(Terminal.printable(text)) is not a job id") }
            return id
        }
        for id in all ? try await dead(client) : named {
            _ = try await client.retry(id)
            print("\(id) queued")
        }
    }

    /// All are found before the first is retried: a retry takes a job out of the listing.
    private func dead(_ client: GatewayClient) async throws -> [JobID] {
        var ids: [JobID] = []
        var cursor: String?
        repeat {
            let page = try await client.jobs(state: .dead, limit: 200, cursor: cursor)
            ids += page.jobs.map(\.id)
            cursor = page.nextCursor
        } while cursor != nil
        return ids.reversed()
    }
}

struct JobsEraseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "erase", abstract: "Remove everything about a job: clip, verdict, pictures, attempts.",
        discussion: "A running job is stopped. There is no way back.")

    @OptionGroup var job: JobArgument
    @OptionGroup var server: ServerOption

    func run() async throws {
        let id = try job.jobID()
        try await server.client.erase(id)
        print("\(id) erased")
    }
}
