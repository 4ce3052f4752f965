import Foundation
import Testing

/// What a run of the executable left.
struct Outcome {
    var status: Int32
    var output: String
    var error: String
}

/// The real executable, run as a user runs it.
enum WhorlProcess {
    /// A hung command is a failed one, not a hung test.
    private static let deadlineSeconds = 120

    /// Where the executables were built: `WHORL_BIN_DIR`, else beside the tests, else above this file.
    static let folder: String = {
        if let folder = ProcessInfo.processInfo.environment["WHORL_BIN_DIR"] { return folder }
        var candidates = [URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()]
        var folder = URL(fileURLWithPath: #filePath)
        while folder.path != "/" {
            folder.deleteLastPathComponent()
            candidates.append(folder.appendingPathComponent(".build/release"))
        }
        let found = candidates.first { FileManager.default.isExecutableFile(atPath: $0.appendingPathComponent("whorl").path) }
        return found?.path ?? "."
    }()

    /// An untrained model, made once a run.
    static let model: Result<String, any Error> = Result {
        let path = "\(folder)/whorl-tests/seed-7.safetensors"
        let outcome = try run(["model", "init", "--seed", "7", "--output", path, "--force"])
        try #require(outcome.status == 0, "\(outcome.error)")
        return path
    }

    /// Runs the command with `environment` over a bare one, its standard error not a terminal.
    static func run(
        _ arguments: [String], environment: [String: String] = [:], folder workingFolder: String? = nil, input: String = ""
    ) throws -> Outcome {
        try run(executable: "\(folder)/whorl", arguments, environment: environment, folder: workingFolder, input: input)
    }

    /// Judges clips with the untrained model.
    static func analyze(_ arguments: [String], environment: [String: String] = [:]) throws -> Outcome {
        try run(["analyze", "--model", try model.get()] + arguments, environment: environment)
    }

    /// Runs the command on a pseudo-terminal, so that it sees a person before it; both of its streams are the output.
    static func runOnTerminal(_ arguments: [String], environment: [String: String] = [:]) throws -> Outcome {
        let line = (["\(folder)/whorl"] + arguments).map { "'\($0)'" }.joined(separator: " ")
        return try run(
            executable: "/usr/bin/script", ["--quiet", "--return", "--command", line, "/dev/null"],
            environment: ["TERM": "xterm"].merging(environment) { $1 })
    }

    private static func run(
        executable: String, _ arguments: [String], environment: [String: String], folder workingFolder: String? = nil,
        input: String = ""
    ) throws -> Outcome {
        let media = try TestFolder()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
        process.arguments = ["--kill-after=5", "\(deadlineSeconds)", executable] + arguments
        process.environment = ["PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": media.path].merging(environment) { $1 }
        if let workingFolder { process.currentDirectoryURL = URL(fileURLWithPath: workingFolder) }
        // Files and no pipes: a full pipe that nobody reads yet would hold the command up.
        let (output, error) = (try media.write("output", []), try media.write("error", []))
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: error))
        process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: media.write("input", Array(input.utf8))))
        try process.run()
        process.waitUntilExit()
        return Outcome(
            status: process.terminationStatus, output: try String(contentsOfFile: output, encoding: .utf8),
            error: try String(contentsOfFile: error, encoding: .utf8))
    }
}

/// A folder of a test's own, gone with it.
struct TestFolder: ~Copyable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/whorl-cli-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            Issue.record("a test's folder stays behind: \(error)")
        }
    }

    func write(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
        try Data(Array(bytes)).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        return "\(path)/\(name)"
    }

    func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")))
    }

    /// A file that Debian's ffmpeg makes of `arguments`.
    func ffmpeg(_ name: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/ffmpeg")
        process.arguments = ["-nostdin", "-v", "error", "-y", "-bitexact"] + arguments + ["\(path)/\(name)"]
        process.standardInput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "ffmpeg could not make \(name)")
        return "\(path)/\(name)"
    }

    /// A clip whose frames differ.
    func clip(_ name: String = "clip.mp4", frames: Int = 30, size: String = "160x120") throws -> String {
        try ffmpeg(
            name, ["-f", "lavfi", "-i", "testsrc2=size=\(size):rate=10", "-frames:v", "\(frames)", "-pix_fmt", "yuv420p"])
    }
}
