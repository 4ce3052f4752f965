import AsyncHTTPClient
import Foundation
import JobModel
import NIOCore
import PostgresClient
import TestServers
import Testing

/// The real programs, started as an operator would, on a schema, a key prefix and a folder of their own.
final class Pair: Sendable {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Where the programs were built: the folder that holds the test bundle, too.
    static let programs: URL = {
        if let path = ProcessInfo.processInfo.environment["WHORL_BIN_DIR"] { return URL(fileURLWithPath: path) }
        return URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
    }()

    static func sample(_ name: String) -> URL { root.appendingPathComponent("samples/\(name).mp4") }

    let folder: URL
    let pool: PostgresPool
    let environment: [String: String]
    let gateway: Program
    let address: String
    /// Of the listener for operators.
    let operators: String

    /// Starts a migrated gateway; workers are started by the tests.
    static func with(
        gateway settings: [String: String] = [:], hasRedis: Bool = true, region: String = "frame",
        _ body: (Pair) async throws -> Void
    ) async throws {
        try await TestDatabase.with { database, pool in
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("pair-" + UUID().uuidString)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let model = try await Self.model(region: region)
            let separator = database.configuration.url.contains("?") ? "&" : "?"
            var environment = [
                "PATH": "/usr/bin:/bin",
                "WHORL_DATABASE_URL": database.configuration.url + separator + "options=-csearch_path%3D\(database.schema)",
                "WHORL_REDIS_URL": hasRedis ? try TestRedis.url() : "redis://127.0.0.1:1",
                "WHORL_QUEUE_NAME": "{\(database.schema)}",
                "WHORL_UPLOADS_DIRECTORY": folder.appendingPathComponent("uploads").path,
                "WHORL_MODEL_PATH": model.path,
                "WHORL_HTTP_PORT": "0",
                "WHORL_OPERATORS_PORT": "0",
                "WHORL_SHUTDOWN_DRAIN_SECONDS": "0",
                "WHORL_SWEEP_SECONDS": "0.2",
                "WHORL_TIDY_SECONDS": "0.2",
                "WHORL_RELAY_SECONDS": "0.2",
                "WHORL_RELAY_STALE_SECONDS": "2",
                "WHORL_WAITERS_POLL_SECONDS": "0.3",
                "WHORL_POLL_SECONDS": "0.2",
                "WHORL_LEASE_SECONDS": "2",
                "WHORL_LEASE_HEARTBEAT_SECONDS": "0.3",
                "WHORL_RETRY_BASE_SECONDS": "0.1",
            ]
            environment.merge(settings) { _, new in new }
            let migration = try Program("whorl", ["migrate"], environment: environment)
            guard await migration.exitCode() == 0 else { throw ProgramFailed(text: migration.errorText) }
            let gateway = try Program("whorl-gateway", [], environment: environment)
            let pair = Pair(
                folder: folder, pool: pool, environment: environment, gateway: gateway,
                address: "\(settings["WHORL_TLS_KEY"] == nil ? "http" : "https")://127.0.0.1:\(try await gateway.listeningPort())",
                operators: "http://127.0.0.1:\(try await gateway.listeningPort("listening for operators"))")
            do {
                try await body(pair)
            } catch {
                pair.stopEverything()
                throw error
            }
            pair.stopEverything()
            #expect(await gateway.exitCode() == 0, "\(gateway.errorText.suffix(2000))")
            try FileManager.default.removeItem(at: folder)
        }
    }

    private let started = Started()

    private init(
        folder: URL, pool: PostgresPool, environment: [String: String], gateway: Program, address: String,
        operators: String
    ) {
        self.folder = folder
        self.pool = pool
        self.environment = environment
        self.gateway = gateway
        self.address = address
        self.operators = operators
    }

    /// A checkpoint that all tests share; making one takes a second.
    private static func model(region: String) async throws -> URL {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("whorl-test-model-\(region)-\(getpid()).safetensors")
        if !FileManager.default.fileExists(atPath: path.path) {
            let making = try Program("whorl", ["model", "init", "--seed", "1", "--region", region, "--output", path.path], environment: [:])
            guard await making.exitCode() == 0 else { throw ProgramFailed(text: making.errorText) }
        }
        return path
    }

    /// Starts a worker; `settings` are environment names without `WHORL_`.
    func startWorker(_ settings: [String: String] = [:]) throws -> Program {
        try start("whorl-worker", settings)
    }

    /// Starts a worker whose clips say what is to happen.
    func startScriptedWorker(_ settings: [String: String] = [:]) throws -> Program {
        try start("whorl-scripted-worker", settings)
    }

    private func start(_ name: String, _ settings: [String: String]) throws -> Program {
        let own = Dictionary(uniqueKeysWithValues: settings.map { ("WHORL_" + $0.key, $0.value) })
        let worker = try Program(name, [], environment: environment.merging(own) { _, new in new })
        started.add(worker)
        return worker
    }

    /// A decoder that first sleeps, so that a test can step in while a job runs.
    func slowDecoder(seconds: Double) throws -> String {
        try script("slow-decoder-\(seconds)", """
            sleep \(seconds)
            exec "\(Self.programs.appendingPathComponent("whorl-decoder").path)" "$@"
            """)
    }

    /// A decoder that never answers.
    func hangingDecoder() throws -> String {
        // One process, so that killing it leaves no sleeping child behind.
        try script("hanging-decoder", "exec sleep 600")
    }

    /// A shell script in place of a program.
    func script(_ name: String, _ lines: String) throws -> String {
        let path = folder.appendingPathComponent(name).path
        try "#!/bin/sh\n\(lines)\n".write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        return path
    }

    private func stopEverything() {
        started.stopAll()
        gateway.signal(SIGTERM)
    }

    /// Files in the upload directory, by their paths in it.
    func uploadedFiles() throws -> [String] {
        let path = folder.appendingPathComponent("uploads").path
        return try FileManager.default.subpathsOfDirectory(atPath: path).filter { name in
            var isDirectory: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: path + "/" + name, isDirectory: &isDirectory)
            return !isDirectory.boolValue
        }
    }

    func count(_ table: String) async throws -> Int {
        try await pool.query("SELECT count(*) AS n FROM \(table)")[0].decode("n")
    }
}

/// The workers to stop at a test's end.
private final class Started: @unchecked Sendable {
    /// Guards `workers`.
    private let lock = NSLock()
    private var workers: [Program] = []

    func add(_ worker: Program) { lock.withLock { workers.append(worker) } }

    func stopAll() {
        for worker in lock.withLock({ workers }) { worker.signal(SIGKILL) }
    }
}

struct ProgramFailed: Error, CustomStringConvertible {
    let text: String
    var description: String { text }
}

/// A program of ours as a child process, with what it printed.
final class Program: @unchecked Sendable {
    private let process = Process()
    /// Guards the two texts, which grow on Foundation's threads.
    private let lock = NSLock()
    private var output = Data()
    private var errors = Data()

    init(_ name: String, _ arguments: [String], environment: [String: String]) throws {
        process.executableURL = Pair.programs.appendingPathComponent(name)
        process.arguments = arguments
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        for (isError, pipe) in [(false, Pipe()), (true, Pipe())] {
            pipe.fileHandleForReading.readabilityHandler = { [weak self] handle in
                let data = handle.availableData
                guard !data.isEmpty else {
                    handle.readabilityHandler = nil
                    return
                }
                guard let self else { return }
                self.lock.withLock { if isError { self.errors.append(data) } else { self.output.append(data) } }
            }
            if isError { process.standardError = pipe } else { process.standardOutput = pipe }
        }
        try process.run()
    }

    var outputData: Data { lock.withLock { output } }
    var errorText: String { lock.withLock { String(decoding: errors, as: UTF8.self) } }
    var isRunning: Bool { process.isRunning }
    var processIdentifier: Int32 { process.processIdentifier }

    func signal(_ signal: Int32) {
        if process.isRunning { kill(process.processIdentifier, signal) }
    }

    /// Waits for the end; -1 if it does not come.
    func exitCode() async -> Int32 {
        let ended = await eventually(within: .seconds(120)) {
            try? await Task.sleep(for: .milliseconds(20))
            return !process.isRunning
        }
        guard ended else { return -1 }
        // What is still in the pipes arrives a moment after the end.
        try? await Task.sleep(for: .milliseconds(100))
        return process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
    }

    /// The port that a gateway says it listens on.
    func listeningPort(_ message: String = "listening") async throws -> Int {
        var port: Int?
        _ = await eventually(within: .seconds(30)) {
            try? await Task.sleep(for: .milliseconds(20))
            for line in errorText.split(separator: "\n") where line.contains("\"\(message)\"") {
                let record = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                port = (record?["port"] as? String).flatMap { Int($0) }
            }
            return port != nil || !isRunning
        }
        guard let port else { throw ProgramFailed(text: errorText) }
        return port
    }
}
