import ArgumentParser
import Foundation
import JobModel

/// Sends a clip to a gateway.
struct SubmitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit",
        abstract: "Send a video file to a gateway, and wait for its verdict if wanted.",
        discussion: """
            Prints the job's id, with --wait the verdict, with --json the job as the API gives it. A job that ends `failed` \
            is a clip that cannot be judged (exit code 3); `dead` and `cancelled` are exit code 1.
            """)

    @Argument(help: "The clip.", completion: .file())
    var file: String

    @OptionGroup var server: ServerOption

    @Flag(help: "Wait for the job to end and print its verdict.")
    var wait = false

    @Option(help: ArgumentHelp("How long --wait waits.", valueName: "seconds"))
    var timeout = 3600.0

    @Flag(help: "Print the job as JSON.")
    var json = false

    @OptionGroup(title: "The frames")
    var sampling: SamplingOptions

    // Unconditional: a negative number is a value here, not the next option.
    @Option(parsing: .unconditional, help: ArgumentHelp("From -10 to 10; the higher, the sooner.", valueName: "n"))
    var priority = 0

    @Option(help: ArgumentHelp("Start no sooner than this, as 2030-01-31T08:00:00Z.", valueName: "time"))
    var runAt: String?

    @Flag(help: "Judge the clip again, although equal bytes were judged before.")
    var fresh = false

    @Option(help: ArgumentHelp("Makes repeating the command safe: one key, one job.", valueName: "key"))
    var idempotencyKey: String?

    func validate() throws {
        guard (-10...10).contains(priority) else { throw ValidationError("--priority must be -10 to 10") }
        guard timeout > 0, timeout <= 7 * 86_400 else { throw ValidationError("--timeout must be more than 0 and at most a week") }
        if let idempotencyKey {
            let isPlain = idempotencyKey.unicodeScalars.allSatisfy { (0x20...0x7E).contains($0.value) && $0 != "\"" && $0 != "\\" }
            guard isPlain, (1...255).contains(idempotencyKey.count) else {
                throw ValidationError("--idempotency-key takes 1 to 255 printable ASCII characters without quotes and backslashes")
            }
        }
    }

    func run() async throws {
        let clip = try ClipFile(path: file)
        guard clip.byteCount > 0 else {
            throw CommandFailure(.badInput, code: "empty_file", "the clip has no bytes [empty_file]").about(file)
        }
        let client = server.client
        let progress = ProgressLine(subject: URL(fileURLWithPath: file).lastPathComponent)
        var status: JobStatus
        do {
            defer { progress.clear() }
            status = try await client.submit(
                clip, options: JobOptions(sampling: try sampling.request()), priority: priority, runAt: runAt,
                isFresh: fresh, idempotencyKey: idempotencyKey
            ) { progress.show("uploading", $0) }
        }
        if wait {
            status = try await JobWatch(client: client, timeoutSeconds: timeout, progress: progress).end(of: status)
        }
        try JobReport(status: status, title: file, terminal: Terminal(descriptor: 1)).printOut(asJSON: json)
        if wait { try status.throwUnlessSucceeded(subject: file) }
    }
}

extension JobStatus {
    /// Turns a job that ended without a verdict into the failure that a command ends with.
    func throwUnlessSucceeded(subject: String) throws(CommandFailure) {
        switch state {
        case .succeeded, .queued, .running: return
        case .failed:
            let error = error ?? JobError(code: "failed", message: "the clip cannot be judged")
            throw CommandFailure(.badInput, code: error.code, "\(Terminal.printable(error.message)) [\(error.code)]").about(subject)
        case .dead:
            let error = error ?? JobError(code: "dead", message: "the job was given up")
            throw CommandFailure(.failure, code: error.code, "\(Terminal.printable(error.message)) [\(error.code)]").about(subject)
        case .cancelled: throw CommandFailure(.failure, code: "job_cancelled", "job \(id) was cancelled").about(subject)
        }
    }
}
