import ArgumentParser
import Foundation
import JobModel

/// Jobs on a gateway.
struct JobsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs",
        abstract: "List, show and cancel jobs on a gateway.",
        subcommands: [JobsListCommand.self, JobsShowCommand.self, JobsCancelCommand.self])
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
        commandName: "show", abstract: "Show a job, and its verdict if it has one.",
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
        try JobReport(status: status, title: "verdict", terminal: Terminal(descriptor: 1)).printOut(asJSON: json)
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
