import Foundation
import JobModel
import Logging
import Outbound
import Settings
import UploadStore

/// Everything that can be set about a worker's part in the job lifecycle, whatever its work is.
public struct WorkerConfiguration: Sendable {
    public var databaseURL: String
    public var redisURL: String
    public var queueName: String
    public var uploadPlace: UploadPlace
    /// nil: nothing is fetched.
    public var fetchPolicy: OutboundPolicy?
    public var fetchMaximumBytes: Int64
    /// Jobs at a time.
    public var slots: Int
    public var leaseSeconds: Double
    public var heartbeatSeconds: Double
    public var drainSeconds: Double
    public var pollSeconds: Double
    public var retry: RetryPolicy
    public var stageSeconds: [JobStage: Double]
    /// Memory that must be free for a job to be taken.
    public var jobMegabytes: Int
    /// Touched with every heartbeat; empty for none.
    public var aliveFile: String
    /// There while the worker takes jobs; empty for none.
    public var readyFile: String
    public var logLevel: Logger.Level

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
        Setting("slots", .integer(1...256), unit: "jobs", default: "1", help: "Jobs at a time."),
        Setting("memory.jobMegabytes", .integer(1...1_048_576), unit: "MB", default: "512", help: "Take a job only while so much memory is free for it."),
        Setting("worker.aliveFile", .text, default: "", help: "Touch this file with every heartbeat that PostgreSQL heard."),
        Setting("worker.readyFile", .text, default: "", help: "Keep this file while jobs are taken; gone while draining, or while something is wrong."),
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
        Setting("fetch.enabled", .flag, default: "false", help: "Fetch the clips of jobs that come as a URL."),
        Setting("fetch.maxBytes", .integer(1...1 << 40), unit: "bytes", default: "2147483648", help: "Largest clip that is fetched."),
        Setting("fetch.seconds", .number(0.1...86400), unit: "seconds", default: "55", help: "Give up a fetch after this long; less than stages.fetchingSeconds."),
        Setting("fetch.redirects", .integer(0...10), unit: "redirects", default: "3", help: "Follow so many, each checked like the first address."),
        Setting("log.level", .choice(Logger.Level.allCases.map(\.rawValue)), default: "info", help: "What is logged."),
    ] + UploadPlace.table + OutboundPolicy.table

    /// - Throws: `SettingsError` for values that do not go together.
    public init(_ settings: SettingsReader) throws(SettingsError) {
        databaseURL = settings.text("database.url")
        redisURL = settings.text("redis.url")
        queueName = settings.text("queue.name")
        uploadPlace = try UploadPlace(settings)
        let fetchSeconds = settings.number("fetch.seconds")
        fetchPolicy = settings.flag("fetch.enabled")
            ? try OutboundPolicy(
                settings, maximumRedirects: settings.integer("fetch.redirects"), connectSeconds: min(10, fetchSeconds), totalSeconds: fetchSeconds)
            : nil
        fetchMaximumBytes = Int64(settings.integer("fetch.maxBytes"))
        slots = settings.integer("slots")
        leaseSeconds = settings.number("lease.seconds")
        heartbeatSeconds = settings.number("lease.heartbeatSeconds")
        drainSeconds = settings.number("drain.seconds")
        pollSeconds = settings.number("poll.seconds")
        jobMegabytes = settings.integer("memory.jobMegabytes")
        aliveFile = settings.text("worker.aliveFile")
        readyFile = settings.text("worker.readyFile")
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
        if let total = MemoryBudget.totalMegabytes(), slots * jobMegabytes > total {
            throw SettingsError(
                "--slots \(slots) needs \(slots * jobMegabytes) MB at --memory-job-megabytes \(jobMegabytes), and there are \(total) MB here")
        }
        retry = RetryPolicy(baseSeconds: base, capSeconds: cap)
    }
}
