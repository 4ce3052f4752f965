import Analysis
import Foundation
import JobModel
import Logging
import NeuralCore
import Settings
import Video

/// Everything that can be set about a worker.
public struct WorkerConfiguration: Sendable {
    public var databaseURL: String
    public var redisURL: String
    public var queueName: String
    public var uploadsDirectory: String
    public var modelPath: String
    /// Empty: `whorl-decoder` beside the worker's own executable.
    public var decoderPath: String
    public var decoderLimits: DecoderLimits
    public var pictures: PictureOptions
    /// Jobs at a time.
    public var slots: Int
    /// Threads of one forward.
    public var threads: Int
    /// Numbers and kernels of the forward.
    public var selection: KernelSelection
    public var leaseSeconds: Double
    public var heartbeatSeconds: Double
    public var drainSeconds: Double
    public var pollSeconds: Double
    public var retry: RetryPolicy
    public var stageSeconds: [JobStage: Double]
    /// Touched with every heartbeat; empty for none.
    public var aliveFile: String
    public var logLevel: Logger.Level

    private static let automatic = "auto"

    /// The keys, as `--help` lists them.
    public static let table: [Setting] = [
        Setting(
            "database.url", .text, default: nil, isSecret: true,
            help: "PostgreSQL, as postgresql://user:password@host:port/name; also read from DATABASE_URL."),
        Setting(
            "redis.url", .text, default: "redis://127.0.0.1:6379", isSecret: true,
            help: "Redis, as redis://:password@host:port/db or unix:///path; also read from REDIS_URL."),
        Setting(
            "queue.name", .text, default: "{whorl}",
            help: "Hash tag that all keys in Redis begin with; gateways and workers of one queue share it."),
        Setting(
            "uploads.directory", .text, default: "uploads",
            help: "Directory for the clips; gateways and workers share it."),
        Setting("model.path", .text, default: nil, help: "The checkpoint to judge with (whorl model init or import makes one)."),
        Setting("model.threads", .integer(0...ThreadTeam.sizes.upperBound), unit: "threads", default: "0", help: "Threads of one forward; 0 for one a core."),
        Setting(
            "model.precision", .choice([automatic] + Precision.allCases.map(\.rawValue)), default: automatic,
            help: "Numbers to compute in; auto: split where AMX works, else float32."),
        Setting(
            "model.kernels", .choice([automatic] + KernelSet.allCases.map(\.rawValue)), default: automatic,
            help: "Kernels to compute with; auto: the fastest that this CPU has."),
        Setting("decoder.path", .text, default: "", help: "The program whorl-decoder; by default the one beside this program."),
        Setting("decoder.threads", .integer(0...16), unit: "threads", default: "0", help: "Threads that decode one clip; 0 for one a core, at most 16."),
        Setting("decoder.seconds", .number(1...3600), unit: "seconds", default: "120", help: "A clip that takes longer to decode is refused."),
        Setting("decoder.memoryMegabytes", .integer(256...65536), unit: "MB", default: "2048", help: "Address space of one decoder; a clip that needs more is refused."),
        Setting("pictures.side", .integer(PictureOptions.sideRange), unit: "pixels", default: "480", help: "Longest side of a frame's picture; never enlarged."),
        Setting("pictures.jpegQuality", .integer(PictureOptions.qualityRange), default: "88", help: "Quality of the pictures' JPEG files."),
        Setting("worker.slots", .integer(1...256), unit: "jobs", default: "1", help: "Jobs at a time."),
        Setting("worker.aliveFile", .text, default: "", help: "Touch this file with every heartbeat that PostgreSQL heard."),
        Setting("lease.seconds", .number(0.5...3600), unit: "seconds", default: "30", help: "A job whose worker is silent for this long goes to another."),
        Setting("lease.heartbeatSeconds", .number(0.1...1200), unit: "seconds", default: "10", help: "Renew leases so often; at most half of lease.seconds."),
        Setting("drain.seconds", .number(0...3600), unit: "seconds", default: "120", help: "After SIGTERM finish jobs for this long, then hand them back."),
        Setting("poll.seconds", .number(0.05...60), unit: "seconds", default: "2", help: "Look for jobs in PostgreSQL so often while Redis is away."),
        Setting("retry.baseSeconds", .number(0.01...3600), unit: "seconds", default: "2", help: "Wait after the first failure that was ours; doubles each time, plus jitter."),
        Setting("retry.capSeconds", .number(0.01...86400), unit: "seconds", default: "600", help: "No such wait is longer."),
        Setting("stages.fetchingSeconds", .number(0.1...86400), unit: "seconds", default: "60", help: "A job that fetches its bytes for longer loses its lease."),
        Setting("stages.decodingSeconds", .number(0.1...86400), unit: "seconds", default: "180", help: "The same for decoding."),
        Setting("stages.classifyingSeconds", .number(0.1...86400), unit: "seconds", default: "120", help: "The same for the network's forward."),
        Setting("stages.drawingSeconds", .number(0.1...86400), unit: "seconds", default: "60", help: "The same for drawing the pictures."),
        Setting("stages.storingSeconds", .number(0.1...86400), unit: "seconds", default: "600", help: "The same for storing the verdict."),
        Setting("log.level", .choice(Logger.Level.allCases.map(\.rawValue)), default: "info", help: "What is logged."),
    ]

    /// - Throws: `SettingsError` for values that do not go together.
    public init(_ settings: SettingsReader) throws(SettingsError) {
        databaseURL = settings.text("database.url")
        redisURL = settings.text("redis.url")
        queueName = settings.text("queue.name")
        uploadsDirectory = settings.text("uploads.directory")
        modelPath = settings.text("model.path")
        decoderPath = settings.text("decoder.path")
        decoderLimits = Self.limits(settings)
        pictures = PictureOptions(side: settings.integer("pictures.side"), jpegQuality: settings.integer("pictures.jpegQuality"))
        slots = settings.integer("worker.slots")
        let threads = settings.integer("model.threads")
        self.threads = min(threads > 0 ? threads : ProcessInfo.processInfo.activeProcessorCount, ThreadTeam.sizes.upperBound)
        do throws(KernelError) {
            selection = try KernelSelection(
                precision: Precision(rawValue: settings.text("model.precision")),
                kernels: KernelSet(rawValue: settings.text("model.kernels")))
        } catch {
            throw SettingsError("--model-precision, --model-kernels: \(error)")
        }
        leaseSeconds = settings.number("lease.seconds")
        heartbeatSeconds = settings.number("lease.heartbeatSeconds")
        drainSeconds = settings.number("drain.seconds")
        pollSeconds = settings.number("poll.seconds")
        aliveFile = settings.text("worker.aliveFile")
        stageSeconds = [
            .fetching: settings.number("stages.fetchingSeconds"),
            .decoding: settings.number("stages.decodingSeconds"),
            .classifying: settings.number("stages.classifyingSeconds"),
            .drawing: settings.number("stages.drawingSeconds"),
            .storing: settings.number("stages.storingSeconds"),
        ]
        logLevel = Logger.Level(rawValue: settings.text("log.level")) ?? .info
        let base = settings.number("retry.baseSeconds")
        let cap = settings.number("retry.capSeconds")
        guard cap >= base else {
            throw SettingsError("--retry-cap-seconds (\(cap)) must not be less than --retry-base-seconds (\(base))")
        }
        guard heartbeatSeconds * 2 <= leaseSeconds else {
            throw SettingsError(
                "--lease-heartbeat-seconds (\(heartbeatSeconds)) must be at most half of --lease-seconds (\(leaseSeconds))")
        }
        retry = RetryPolicy(baseSeconds: base, capSeconds: cap)
    }

    private static func limits(_ settings: SettingsReader) -> DecoderLimits {
        var limits = DecoderLimits()
        let threads = settings.integer("decoder.threads")
        limits.threads = threads > 0 ? threads : min(16, ProcessInfo.processInfo.activeProcessorCount)
        limits.wallClockSeconds = settings.number("decoder.seconds")
        // Every thread may work for the whole of it.
        limits.cpuSeconds = Int(limits.wallClockSeconds.rounded(.up)) * limits.threads
        limits.addressSpaceMegabytes = settings.integer("decoder.memoryMegabytes")
        return limits
    }
}
