import Foundation

/// The part of a server's `main` that all servers share: `--help`, `--version`, and one clear line for a wrong setting.
public enum SettingsProgram {
    /// Reads the settings, or prints what was asked for or what was wrong and exits (0, or 2 for a wrong setting).
    public static func read(name: String, version: String, summary: String, table: [Setting]) async -> SettingsReader {
        // A client or a log reader that goes away is an error of that write, not the end of the program.
        signal(SIGPIPE, SIG_IGN)
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.contains("--help") || arguments.contains("-h") {
            print(SettingsHelp.text(program: name, summary: summary, table: table))
            exit(0)
        }
        if arguments.contains("--version") {
            print("\(name) \(version)")
            exit(0)
        }
        do {
            return try await SettingsReader(
                table: table, arguments: arguments, environment: ProcessInfo.processInfo.environment)
        } catch {
            stop("\(name): \(error)", code: 2)
        }
    }

    /// Prints one line to standard error and exits.
    public static func stop(_ message: String, code: Int32) -> Never {
        FileHandle.standardError.write(Data((message + "\n").utf8))
        exit(code)
    }
}
