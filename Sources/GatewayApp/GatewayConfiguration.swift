import JobModel
import JobStore
import Logging
import Settings

/// Everything that can be set about a gateway.
public struct GatewayConfiguration: Sendable {
    public var host: String
    /// 0 takes a free port.
    public var port: Int
    /// A connection on which nothing moved for this long is closed.
    public var idleSeconds: Int
    public var databaseURL: String
    public var databaseConnections: Int
    public var redisURL: String
    public var queueName: String
    public var uploadsDirectory: String
    public var maximumUploadBytes: Int
    public var uploadStallSeconds: Double
    /// Threads that write uploads.
    public var uploadThreads: Int
    public var keepUploadsSeconds: Double
    public var abandonedUploadSeconds: Double
    public var maximumAttempts: Int
    public var crashLimit: Int
    public var maximumQueued: Int
    public var maximumQueuedPerTenant: Int
    public var maximumDelaySeconds: Double
    public var retention: RetentionPolicy
    public var predictWaitSeconds: Double
    public var idempotencyLeaseSeconds: Double
    public var idempotencyKeepSeconds: Double
    public var relaySeconds: Double
    public var dispatchStaleSeconds: Double
    public var sweepSeconds: Double
    public var pendingSeconds: Double
    public var tidySeconds: Double
    public var waitersPollSeconds: Double
    public var workersAliveSeconds: Double
    public var logLevel: Logger.Level

    /// The keys, as `--help` lists them.
    public static let table: [Setting] = [
        Setting("http.host", .text, default: "127.0.0.1", help: "Address to listen on."),
        Setting("http.port", .integer(0...65535), default: "8080", help: "Port to listen on; 0 takes a free one."),
        Setting(
            "http.withoutKeys", .flag, default: "false",
            help: "Allow an address other than loopback although nobody has to show a key."),
        Setting(
            "http.idleSeconds", .integer(1...3600), unit: "seconds", default: "60",
            help: "Close a connection on which nothing moved for this long."),
        Setting(
            "database.url", .text, default: nil, isSecret: true,
            help: "PostgreSQL, as postgresql://user:password@host:port/name; also read from DATABASE_URL."),
        Setting(
            "database.connections", .integer(4...200), unit: "connections", default: "8",
            help: "At most so many to PostgreSQL."),
        Setting(
            "redis.url", .text, default: "redis://127.0.0.1:6379", isSecret: true,
            help: "Redis, as redis://:password@host:port/db or unix:///path; also read from REDIS_URL."),
        Setting(
            "queue.name", .text, default: "{whorl}",
            help: "Hash tag that all keys in Redis begin with; gateways and workers of one queue share it."),
        Setting(
            "uploads.directory", .text, default: "uploads",
            help: "Directory for the clips; gateways and workers share it."),
        Setting(
            "uploads.maxBytes", .integer(1...1 << 40), unit: "bytes", default: "2147483648",
            help: "Largest clip that is taken."),
        Setting(
            "uploads.stallSeconds", .number(0.1...3600), unit: "seconds", default: "30",
            help: "Give up an upload of which nothing came for this long; less than http.idleSeconds."),
        Setting(
            "uploads.threads", .integer(1...256), unit: "threads", default: "16",
            help: "Threads that write uploads; several that wait for the disk share its commits."),
        Setting(
            "uploads.keepSeconds", .number(0...1e9), unit: "seconds", default: "86400",
            help: "Keep a judged clip's bytes for this long; those of refused and withdrawn clips go at the next tidying."),
        Setting(
            "uploads.abandonedSeconds", .number(1...1e8), unit: "seconds", default: "3600",
            help: "Remove the bytes that a killed gateway left without a job after this long."),
        Setting(
            "jobs.maxAttempts", .integer(1...100), unit: "starts", default: "5",
            help: "Start a job at most so often before it is dead."),
        Setting(
            "jobs.crashLimit", .integer(1...100), unit: "crashes", default: "2",
            help: "A job that took so many workers with it while it ran alone is dead."),
        Setting(
            "jobs.maxQueued", .integer(1...1_000_000_000), unit: "jobs", default: "1000000",
            help: "Answer 503 while so many jobs wait."),
        Setting(
            "jobs.maxQueuedPerTenant", .integer(1...1_000_000_000), unit: "jobs", default: "100000",
            help: "Answer a tenant 429 while so many of its jobs wait."),
        Setting(
            "jobs.maxDelaySeconds", .number(0...1e9), unit: "seconds", default: "2592000",
            help: "A job's runAt may lie this far ahead."),
        Setting(
            "retention.succeededSeconds", .number(0...1e10), unit: "seconds", default: "0",
            help: "Remove a judged job with its verdict after this long; 0 keeps it."),
        Setting(
            "retention.failedSeconds", .number(0...1e10), unit: "seconds", default: "2592000", help: "The same for a refused one."),
        Setting(
            "retention.cancelledSeconds", .number(0...1e10), unit: "seconds", default: "604800", help: "The same for a withdrawn one."),
        Setting(
            "retention.deadSeconds", .number(0...1e10), unit: "seconds", default: "0", help: "The same for a dead one."),
        Setting(
            "predict.waitSeconds", .number(0.1...600), unit: "seconds", default: "120",
            help: "POST /api/predict waits this long before it answers 202 with the job."),
        Setting(
            "idempotency.leaseSeconds", .number(1...3600), unit: "seconds", default: "60",
            help: "A silent upload holds its idempotency key for this long."),
        Setting(
            "idempotency.keepSeconds", .number(60...1e8), unit: "seconds", default: "86400",
            help: "Remember a used idempotency key for this long."),
        Setting("relay.seconds", .number(0.05...60), unit: "seconds", default: "1", help: "Look for undispatched jobs so often."),
        Setting(
            "relay.staleSeconds", .number(0.1...3600), unit: "seconds", default: "30",
            help: "A dispatched job that nobody took after this long is dispatched again."),
        Setting("sweep.seconds", .number(0.05...60), unit: "seconds", default: "5", help: "Look for lost leases so often."),
        Setting(
            "sweep.pendingSeconds", .number(0.1...3600), unit: "seconds", default: "30",
            help: "Settle a stream entry that a worker read and did not claim after this long."),
        Setting("tidy.seconds", .number(0.05...3600), unit: "seconds", default: "60", help: "Remove unneeded bytes and rows so often."),
        Setting(
            "waiters.pollSeconds", .number(0.05...60), unit: "seconds", default: "5",
            help: "Look after waiting requests so often when Redis gives no hints."),
        Setting(
            "workers.aliveSeconds", .number(1...3600), unit: "seconds", default: "30",
            help: "A worker whose heart has not beaten for this long counts as gone."),
        Setting(
            "log.level", .choice(Logger.Level.allCases.map(\.rawValue)), default: "info", help: "What is logged."),
    ]

    /// - Throws: `SettingsError` for an address that keys would have to guard.
    public init(_ settings: SettingsReader) throws(SettingsError) {
        host = settings.text("http.host")
        port = settings.integer("http.port")
        idleSeconds = settings.integer("http.idleSeconds")
        databaseURL = settings.text("database.url")
        databaseConnections = settings.integer("database.connections")
        redisURL = settings.text("redis.url")
        queueName = settings.text("queue.name")
        uploadsDirectory = settings.text("uploads.directory")
        maximumUploadBytes = settings.integer("uploads.maxBytes")
        uploadStallSeconds = settings.number("uploads.stallSeconds")
        uploadThreads = settings.integer("uploads.threads")
        keepUploadsSeconds = settings.number("uploads.keepSeconds")
        abandonedUploadSeconds = settings.number("uploads.abandonedSeconds")
        maximumAttempts = settings.integer("jobs.maxAttempts")
        crashLimit = settings.integer("jobs.crashLimit")
        maximumQueued = settings.integer("jobs.maxQueued")
        maximumQueuedPerTenant = settings.integer("jobs.maxQueuedPerTenant")
        maximumDelaySeconds = settings.number("jobs.maxDelaySeconds")
        retention = RetentionPolicy(secondsByState: [
            .succeeded: settings.number("retention.succeededSeconds"), .failed: settings.number("retention.failedSeconds"),
            .cancelled: settings.number("retention.cancelledSeconds"), .dead: settings.number("retention.deadSeconds"),
        ].filter { $0.value > 0 })
        predictWaitSeconds = settings.number("predict.waitSeconds")
        idempotencyLeaseSeconds = settings.number("idempotency.leaseSeconds")
        idempotencyKeepSeconds = settings.number("idempotency.keepSeconds")
        relaySeconds = settings.number("relay.seconds")
        dispatchStaleSeconds = settings.number("relay.staleSeconds")
        sweepSeconds = settings.number("sweep.seconds")
        pendingSeconds = settings.number("sweep.pendingSeconds")
        tidySeconds = settings.number("tidy.seconds")
        waitersPollSeconds = settings.number("waiters.pollSeconds")
        workersAliveSeconds = settings.number("workers.aliveSeconds")
        logLevel = Logger.Level(rawValue: settings.text("log.level")) ?? .info
        guard uploadStallSeconds < abandonedUploadSeconds else {
            throw SettingsError(
                "--uploads-abandoned-seconds (\(abandonedUploadSeconds)) must be more than --uploads-stall-seconds "
                    + "(\(uploadStallSeconds)), or a slow upload's bytes go while they come")
        }
        guard uploadStallSeconds < Double(idleSeconds) else {
            throw SettingsError(
                "--uploads-stall-seconds (\(uploadStallSeconds)) must be less than --http-idle-seconds (\(idleSeconds)), "
                    + "or a stalled client gets no answer")
        }
        let isLoopback = host == "localhost" || host == "::1" || host.hasPrefix("127.")
        guard isLoopback || settings.flag("http.withoutKeys") else {
            throw SettingsError(
                "--http-host \(host) would let anyone in: set --http-without-keys true if something else guards it")
        }
    }
}
