import Foundation
import JobModel
import JobStore
import Logging
import Outbound
import Settings
import UploadStore

/// Everything that can be set about a gateway.
public struct GatewayConfiguration: Sendable {
    public var host: String
    /// 0 takes a free port.
    public var port: Int
    /// A connection on which nothing moved for this long is closed.
    public var idleSeconds: Int
    public var maximumConnections: Int
    public var maximumHeaderBytes: Int
    public var certificatePath: String?
    public var certificateKeyPath: String?
    /// Origins whose pages may read answers.
    public var allowedOrigins: Set<String>
    /// For how long a stopping gateway goes on answering while it lets go of its connections.
    public var drainSeconds: Double
    public var operatorsHost: String
    public var operatorsPort: Int
    public var operatorsToken: String?
    public var requiresKeys: Bool
    public var keyCacheSeconds: Double
    var tokenPolicy: TokenPolicy?
    public var tokenKeysSeconds: Double
    var keyRateLimit: RateLimit?
    var addressRateLimit: RateLimit?
    /// For tenants without bounds of their own.
    public var tenantBounds: TenantBounds
    public var databaseURL: String
    public var databaseConnections: Int
    public var redisURL: String
    public var queueName: String
    public var uploadPlace: UploadPlace
    var uploadLimits: UploadLimits
    /// Threads that write uploads.
    public var uploadThreads: Int
    /// A resumable upload may take this long in all.
    public var resumableKeepSeconds: Double
    /// Of a tenant, resumable ones.
    public var maximumOpenUploads: Int
    public var keepUploadsSeconds: Double
    public var abandonedUploadSeconds: Double
    public var maximumAttempts: Int
    public var crashLimit: Int
    public var maximumQueued: Int
    public var maximumQueuedPerTenant: Int
    public var maximumDelaySeconds: Double
    public var retention: RetentionPolicy
    /// Jobs whose clip is a URL.
    public var takesURLs: Bool
    public var webhookPolicy: OutboundPolicy
    /// Waits after the first try, the second and so on.
    public var webhookBackoffSeconds: [Double]
    public var webhookPollSeconds: Double
    public var webhookKeepSeconds: Double
    /// Of a tenant.
    public var maximumWebhooks: Int
    public var predictWaitSeconds: Double
    public var requiresIdempotencyKey: Bool
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
            "http.maxConnections", .integer(1...1_000_000), unit: "connections", default: "20000",
            help: "Take no more clients at a time; further ones wait to be taken."),
        Setting(
            "http.maxHeaderBytes", .integer(1024...1_048_576), unit: "bytes", default: "32768",
            help: "Refuse a request with longer headers."),
        Setting(
            "http.allowedOrigins", .text, default: "",
            help: "Origins whose pages may read answers, with commas between them, such as chrome-extension://… or https://example.org."),
        Setting("tls.certificate", .text, default: "", help: "PEM file with the certificate and its chain: then HTTPS and HTTP/2 are spoken."),
        Setting("tls.key", .text, default: "", help: "PEM file with the certificate's private key."),
        Setting(
            "shutdown.drainSeconds", .number(0...600), unit: "seconds", default: "2",
            help: "After SIGTERM, be not ready but answer for so long, so that clients go elsewhere."),
        Setting("operators.host", .text, default: "127.0.0.1", help: "Address of the operators' listener: /livez, /readyz, /metrics, /admin."),
        Setting("operators.port", .integer(0...65535), default: "8081", help: "Its port; 0 takes a free one."),
        Setting(
            "operators.token", .text, default: "", isSecret: true,
            help: "What /admin needs as a bearer token; needed for any address but loopback."),
        Setting(
            "auth.required", .flag, default: "false",
            help: "Demand a key or token of everybody; needed for any address but loopback."),
        Setting(
            "auth.keyCacheSeconds", .number(0...60), unit: "seconds", default: "2",
            help: "Believe for this long what the database said of a key: a revoked one works no longer."),
        Setting("oidc.issuer", .text, default: "", help: "Take bearer tokens of this OpenID Connect issuer."),
        Setting("oidc.audience", .text, default: "whorl", help: "The audience that tokens must name."),
        Setting("oidc.keysUrl", .text, default: "", help: "Where the issuer's keys are, if its own description does not say."),
        Setting("oidc.tenantClaim", .text, default: "tenant", help: "The claim that names the tenant."),
        Setting("oidc.scopeClaim", .text, default: "scope", help: "The claim that lists the scopes."),
        Setting("oidc.keysSeconds", .number(1...86400), unit: "seconds", default: "300", help: "Fetch the issuer's keys anew after this long."),
        Setting(
            "rate.keyRequestsPerSecond", .number(0...1e6), unit: "requests/s", default: "100",
            help: "What a key or token without a rate of its own may send; 0 for any."),
        Setting(
            "rate.addressRequestsPerSecond", .number(0...1e6), unit: "requests/s", default: "0",
            help: "What one address may send without a key; 0 for any."),
        Setting(
            "quota.jobsPerDay", .integer(0...1_000_000_000), unit: "jobs", default: "0",
            help: "What a tenant without bounds of its own may send a day, UTC; 0 for any."),
        Setting(
            "quota.storedBytes", .integer(0...1 << 50), unit: "bytes", default: "0",
            help: "What such a tenant may have stored; 0 for any."),
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
            "uploads.maxBytes", .integer(1...1 << 40), unit: "bytes", default: "2147483648",
            help: "Largest clip that is taken."),
        Setting(
            "uploads.stallSeconds", .number(0.1...3600), unit: "seconds", default: "30",
            help: "Give up an upload of which nothing came for this long; less than http.idleSeconds."),
        Setting(
            "uploads.maxSeconds", .number(1...1e6), unit: "seconds", default: "3600",
            help: "Give up an upload that takes longer, resumable ones apart."),
        Setting(
            "uploads.resumableSeconds", .number(60...1e8), unit: "seconds", default: "86400",
            help: "A resumable upload ends after this long, whole or not."),
        Setting(
            "uploads.maxOpenPerTenant", .integer(1...1_000_000), unit: "uploads", default: "100",
            help: "Resumable uploads that a tenant may have open."),
        Setting(
            "uploads.minBytesPerSecond", .number(0...1e9), unit: "bytes/s", default: "4096",
            help: "Give up an upload that is slower than this on average, after its first 20 seconds; 0 for any."),
        Setting(
            "uploads.maxBytesPerSecond", .number(0...1e12), unit: "bytes/s", default: "0",
            help: "Take no upload faster than this; 0 for any."),
        Setting(
            "uploads.threads", .integer(1...256), unit: "threads", default: "16",
            help: "Threads that write uploads; several that wait for the disk share its commits."),
        Setting(
            "uploads.keepSeconds", .number(0...1e9), unit: "seconds", default: "86400",
            help: "Keep a judged clip's bytes for this long; those of refused and withdrawn clips go at the next tidying."),
        Setting(
            "uploads.abandonedSeconds", .number(1...1e8), unit: "seconds", default: "7200",
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
        Setting("webhooks.maxPerTenant", .integer(1...1000), unit: "webhooks", default: "20", help: "Webhooks that a tenant may have."),
        Setting(
            "webhooks.backoffSeconds", .text, default: "5,300,1800,7200,18000,36000,50400,72000,86400",
            help: "Waits between a delivery's tries, in seconds with commas between; after the last one it is given up."),
        Setting("webhooks.pollSeconds", .number(0.05...60), unit: "seconds", default: "1", help: "Look for deliveries that are due so often."),
        Setting(
            "webhooks.keepSeconds", .number(60...1e8), unit: "seconds", default: "2592000",
            help: "Keep ended deliveries in the log for this long."),
        Setting("webhooks.timeoutSeconds", .number(0.1...60), unit: "seconds", default: "15", help: "Give up a delivery's try after this long."),
        Setting(
            "fetch.enabled", .flag, default: "false",
            help: "Take jobs whose clip is a URL; all workers must be of this version or later, and have fetch.enabled too."),
        Setting(
            "predict.waitSeconds", .number(0.1...600), unit: "seconds", default: "120",
            help: "POST /api/predict waits this long before it answers 202 with the job."),
        Setting("idempotency.required", .flag, default: "false", help: "Refuse clips without an Idempotency-Key."),
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
    ] + UploadPlace.table + OutboundPolicy.table

    /// - Throws: `SettingsError` for an address that keys would have to guard.
    public init(_ settings: SettingsReader) throws(SettingsError) {
        host = settings.text("http.host")
        port = settings.integer("http.port")
        idleSeconds = settings.integer("http.idleSeconds")
        maximumConnections = settings.integer("http.maxConnections")
        maximumHeaderBytes = settings.integer("http.maxHeaderBytes")
        certificatePath = settings.given("tls.certificate")
        certificateKeyPath = settings.given("tls.key")
        allowedOrigins = Set(
            settings.text("http.allowedOrigins").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) })
        drainSeconds = settings.number("shutdown.drainSeconds")
        operatorsHost = settings.text("operators.host")
        operatorsPort = settings.integer("operators.port")
        operatorsToken = settings.given("operators.token")
        requiresKeys = settings.flag("auth.required")
        keyCacheSeconds = settings.number("auth.keyCacheSeconds")
        tokenPolicy = settings.given("oidc.issuer").map { issuer in
            TokenPolicy(
                issuer: issuer, audience: settings.text("oidc.audience"), keysURL: settings.given("oidc.keysUrl"),
                tenantClaim: settings.text("oidc.tenantClaim"), scopeClaim: settings.text("oidc.scopeClaim"))
        }
        tokenKeysSeconds = settings.number("oidc.keysSeconds")
        keyRateLimit = Self.limit(settings.number("rate.keyRequestsPerSecond"))
        addressRateLimit = Self.limit(settings.number("rate.addressRequestsPerSecond"))
        let (jobs, bytes) = (settings.integer("quota.jobsPerDay"), settings.integer("quota.storedBytes"))
        tenantBounds = TenantBounds(
            maximumJobsPerDay: jobs > 0 ? jobs : nil, maximumStoredBytes: bytes > 0 ? Int64(bytes) : nil)
        databaseURL = settings.text("database.url")
        databaseConnections = settings.integer("database.connections")
        redisURL = settings.text("redis.url")
        queueName = settings.text("queue.name")
        uploadPlace = try UploadPlace(settings)
        uploadLimits = UploadLimits(
            maximumBytes: settings.integer("uploads.maxBytes"), stallSeconds: settings.number("uploads.stallSeconds"),
            maximumSeconds: settings.number("uploads.maxSeconds"),
            minimumBytesPerSecond: settings.number("uploads.minBytesPerSecond"),
            maximumBytesPerSecond: settings.number("uploads.maxBytesPerSecond"))
        uploadThreads = settings.integer("uploads.threads")
        resumableKeepSeconds = settings.number("uploads.resumableSeconds")
        maximumOpenUploads = settings.integer("uploads.maxOpenPerTenant")
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
        let timeoutSeconds = settings.number("webhooks.timeoutSeconds")
        webhookPolicy = try OutboundPolicy(settings, maximumRedirects: 0, connectSeconds: timeoutSeconds, totalSeconds: timeoutSeconds)
        takesURLs = settings.flag("fetch.enabled")
        let waits = settings.text("webhooks.backoffSeconds").split(separator: ",").map { Double($0.trimmingCharacters(in: .whitespaces)) }
        guard waits.allSatisfy({ $0.map { $0 >= 0 && $0 <= 1e7 } ?? false }) else {
            throw SettingsError("--webhooks-backoff-seconds must be numbers of seconds with commas between")
        }
        webhookBackoffSeconds = waits.compactMap { $0 }
        webhookPollSeconds = settings.number("webhooks.pollSeconds")
        webhookKeepSeconds = settings.number("webhooks.keepSeconds")
        maximumWebhooks = settings.integer("webhooks.maxPerTenant")
        predictWaitSeconds = settings.number("predict.waitSeconds")
        requiresIdempotencyKey = settings.flag("idempotency.required")
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
        guard uploadLimits.maximumSeconds < abandonedUploadSeconds else {
            throw SettingsError(
                "--uploads-abandoned-seconds (\(abandonedUploadSeconds)) must be more than --uploads-max-seconds "
                    + "(\(uploadLimits.maximumSeconds)), or a slow upload's bytes go while they come")
        }
        guard uploadLimits.stallSeconds < Double(idleSeconds) else {
            throw SettingsError(
                "--uploads-stall-seconds (\(uploadLimits.stallSeconds)) must be less than --http-idle-seconds (\(idleSeconds)), "
                    + "or a stalled client gets no answer")
        }
        try Self.checkGuards(self, isOpenOnPurpose: settings.flag("http.withoutKeys"))
    }

    /// Nobody must get in whom nobody meant to let in.
    private static func checkGuards(_ configuration: GatewayConfiguration, isOpenOnPurpose: Bool) throws(SettingsError) {
        func isLoopback(_ host: String) -> Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }
        guard isLoopback(configuration.host) || configuration.requiresKeys || isOpenOnPurpose else {
            throw SettingsError(
                "--http-host \(configuration.host) would let anyone in: set --auth-required true, "
                    + "or --http-without-keys true if something else guards it")
        }
        guard isLoopback(configuration.operatorsHost) || configuration.operatorsToken != nil else {
            throw SettingsError("--operators-host \(configuration.operatorsHost) would let anyone in: set --operators-token")
        }
        guard (configuration.certificatePath == nil) == (configuration.certificateKeyPath == nil) else {
            throw SettingsError("--tls-certificate and --tls-key go together")
        }
        for origin in configuration.allowedOrigins where !origin.contains("://") || origin.hasSuffix("/") {
            throw SettingsError("--http-allowed-origins: \(origin) is no origin; one is scheme://host, without a slash at its end")
        }
    }

    private static func limit(_ perSecond: Double) -> RateLimit? {
        perSecond > 0 ? RateLimit(perSecond: perSecond, burst: max(1, Int((perSecond * 2).rounded(.up)))) : nil
    }
}

extension SettingsReader {
    /// A text setting; nil where it is empty.
    fileprivate func given(_ key: String) -> String? {
        let text = text(key)
        return text.isEmpty ? nil : text
    }
}
