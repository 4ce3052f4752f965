import ArgumentParser
import Telemetry

/// The command line: verdicts on this machine, jobs on a gateway, models, and the database's schema.
struct WhorlCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "whorl",
        abstract: "Deepfake verdicts for video, with their evidence.",
        discussion: """
            Exit codes: 0 success (for clips: a verdict, whatever it says), 2 wrong usage, 3 input that cannot be judged, \
            4 a server that cannot be reached, 1 everything else.
            """,
        version: WhorlVersion.current,
        subcommands: [
            AnalyzeCommand.self, FramesCommand.self, SubmitCommand.self, JobsCommand.self, WorkersCommand.self, ModelCommand.self,
            EvaluateCommand.self, CalibrateCommand.self, MigrateCommand.self, KeysCommand.self, TenantsCommand.self, MetricsCommand.self,
            BenchCommand.self,
        ])

    /// Parses the arguments, runs what they ask for, says what went wrong, and gives the process's exit code.
    static func runAsProgram() async -> ExitStatus {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            return .success
        } catch {
            return report(error)
        }
    }

    private static func report(_ error: any Error) -> ExitStatus {
        if let failure = CommandFailure(error) {
            // A checkpoint's tensors have names of somebody else's choosing.
            StandardError.write("whorl: \(Terminal.printable(String(failure.message.prefix(4_000))))")
            return failure.status
        }
        if let status = error as? ExitStatus { return status }
        switch exitCode(for: error) {
        case .success:
            print(fullMessage(for: error))
            return .success
        case .validationFailure:
            let message = fullMessage(for: error)
            let prefix = "Error: "
            StandardError.write("whorl: \(message.hasPrefix(prefix) ? String(message.dropFirst(prefix.count)) : message)")
            return .usage
        default:
            StandardError.write("whorl: \(message(for: error))")
            return .failure
        }
    }
}
