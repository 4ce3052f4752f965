import AsyncHTTPClient
import Hummingbird
import HummingbirdCore
import HummingbirdHTTP2
import JobModel
import JobStore
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Outbound
import PostgresClient
import RedisClient
import ServiceLifecycle
import Telemetry
import UploadStore

/// The HTTP side of Whorl, ready to run: what its routes and chores share.
public struct Gateway: Sendable {
    let configuration: GatewayConfiguration
    let pool: PostgresPool
    let redis: RedisClient
    let jobs: JobStore
    let access: AccessStore
    let resumables: ResumableStore
    let webhooks: WebhookStore
    let outbound: OutboundClient
    /// Asks this gateway's sender of webhooks to look at once.
    let webhookRequests: AsyncStream<Void>.Continuation
    private let webhooksRequested: AsyncStream<Void>
    private let openUploads = OpenUploads()
    let registry: WorkerRegistry
    let dispatch: JobDispatch
    let uploads: any UploadStore
    private let uploadThreads: NIOThreadPool
    let client: HTTPClient
    let waiters = JobWaiters()
    let board: StatusBoard
    let admission: QueueAdmission
    let quotas: TenantQuotas
    /// By tenant, and under nil of all.
    let statistics: PacedCounts<Tenant?, QueueStatistics>
    private let keys: KeyRing
    private let tokens: TokenVerifier?
    private let rates: RateLimiter
    private let secrets: CommonSecrets
    let drain = Drain()
    let pulse = Pulse()
    let metrics = MetricRegistry()
    let uploadsUnderWay: UploadsUnderWay
    /// Asks this gateway's relay to look at once.
    let relayRequests: AsyncStream<Void>.Continuation
    private let relayRequested: AsyncStream<Void>
    let logger: Logger

    /// Opens the upload directory; PostgreSQL and Redis are connected to when they are needed, and may come later.
    public init(configuration: GatewayConfiguration, logger: Logger) throws {
        self.configuration = configuration
        self.logger = logger
        let database = PostgresConfiguration(
            url: configuration.databaseURL, maximumConnections: configuration.databaseConnections,
            applicationName: "whorl-gateway",
            sessionSettings: JobStore.sessionSettings)
        try database.validate()
        pool = PostgresPool(configuration: database, logger: logger)
        redis = RedisClient(
            configuration: try RedisConfiguration(url: configuration.redisURL, clientName: "whorl-gateway"),
            logger: logger)
        jobs = JobStore(pool: pool)
        access = AccessStore(pool: pool)
        resumables = ResumableStore(pool: pool)
        webhooks = WebhookStore(pool: pool)
        outbound = OutboundClient(policy: configuration.webhookPolicy)
        (webhooksRequested, webhookRequests) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        registry = WorkerRegistry(pool: pool)
        dispatch = JobDispatch(redis: redis, prefix: configuration.queueName)
        uploadThreads = NIOThreadPool(numberOfThreads: configuration.uploadThreads)
        uploadThreads.start()
        client = HTTPClient(eventLoopGroupProvider: .singleton)
        uploads = try configuration.uploadPlace.open(http: client, threads: uploadThreads)
        uploadsUnderWay = UploadsUnderWay(metrics: metrics)
        board = StatusBoard(store: jobs, metrics: metrics)
        admission = QueueAdmission(store: jobs, registry: registry, configuration: configuration)
        quotas = TenantQuotas(store: access, defaults: configuration.tenantBounds)
        statistics = PacedCounts { [jobs] tenant in try await jobs.statistics(of: tenant) }
        keys = KeyRing(store: access, keepSeconds: configuration.keyCacheSeconds)
        tokens = configuration.tokenPolicy.map { [client] policy in
            TokenVerifier(policy: policy, refreshSeconds: configuration.tokenKeysSeconds, client: client, logger: logger)
        }
        rates = RateLimiter(buckets: CommonBuckets(redis: redis, prefix: configuration.queueName), logger: logger)
        secrets = CommonSecrets(store: access)
        (relayRequested, relayRequests) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// What signs the cursors of listings: the same in all gateways.
    func cursors() async throws -> SignedCursor {
        SignedCursor(secret: try await secrets.secret(named: "cursors"))
    }

    /// The public listener.
    ///
    /// - Parameter onListening: called with the port once connections are taken.
    public func makeApplication(onListening: @escaping @Sendable (Int) async -> Void = { _ in }) throws -> some ApplicationProtocol {
        Application(
            router: makeRouter().router, server: try server(),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port), serverName: "whorl", backlog: 4096,
                availableConnectionsDelegate: MaximumAvailableConnections(configuration.maximumConnections)),
            onServerRunning: { channel in
                if let port = channel.localAddress?.port { await onListening(port) }
            },
            logger: logger)
    }

    /// The operators' listener.
    public func makeOperatorApplication(onListening: @escaping @Sendable (Int) async -> Void = { _ in }) -> some ApplicationProtocol {
        Application(
            router: makeOperatorRouter().router, server: .http1(configuration: channelConfiguration),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.operatorsHost, port: configuration.operatorsPort), serverName: "whorl"),
            onServerRunning: { channel in
                if let port = channel.localAddress?.port { await onListening(port) }
            },
            logger: logger)
    }

    private func server() throws -> HTTPServerBuilder {
        guard let certificate = configuration.certificatePath, let key = configuration.certificateKeyPath else {
            return .http1(configuration: channelConfiguration)
        }
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
        tls.minimumTLSVersion = .tlsv12
        return try .http2Upgrade(
            tlsConfiguration: tls,
            configuration: .init(
                idleTimeout: .seconds(configuration.idleSeconds), gracefulCloseTimeout: .seconds(configuration.idleSeconds),
                streamConfiguration: channelConfiguration))
    }

    private var channelConfiguration: HTTP1Channel.Configuration {
        .init(
            additionalChannelHandlers: [ConnectionHandler(metrics: metrics, drain: drain)],
            idleTimeout: .seconds(Int64(configuration.idleSeconds)),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: configuration.maximumHeaderBytes, maxHeaderListSize: configuration.maximumHeaderBytes,
                maxHeaderFieldCount: 100))
    }

    /// The public routes, each with what a caller must be allowed for it.
    public static func publicRoutes(of gateway: Gateway) -> [APIRoute] { gateway.makeRouter().routes }

    private func makeRouter() -> APIRouter {
        var router = APIRouter()
        router.router.add(middleware: SecurityHeaders(hasTLS: configuration.certificatePath != nil))
        router.router.add(middleware: CrossOrigin(origins: configuration.allowedOrigins))
        router.router.add(middleware: Compression())
        router.router.add(middleware: ObservationMiddleware(metrics: metrics))
        router.router.add(middleware: AuthenticationMiddleware(
            keys: keys, tokens: tokens, isRequired: configuration.requiresKeys, openPaths: ["/api/health", "/openapi.yaml"],
            limiter: rates, strangerLimit: configuration.addressRateLimit ?? RateLimit(perSecond: 20, burst: 100)))
        router.router.add(middleware: RateLimitMiddleware(
            limiter: rates, keyLimit: configuration.keyRateLimit, addressLimit: configuration.addressRateLimit))
        JobRoutes(gateway: self).add(to: &router)
        UploadRoutes(gateway: self, open: openUploads).add(to: &router)
        WebhookRoutes(gateway: self).add(to: &router)
        HealthRoutes(gateway: self).add(to: &router)
        router.addRest()
        return router
    }

    private func makeOperatorRouter() -> APIRouter {
        var router = APIRouter()
        router.router.add(middleware: SecurityHeaders(hasTLS: false))
        router.router.add(middleware: Compression())
        router.router.add(middleware: ObservationMiddleware(metrics: metrics))
        router.router.add(middleware: OperatorAuthentication(token: configuration.operatorsToken))
        OperatorRoutes(gateway: self).add(to: &router)
        router.addRest()
        return router
    }

    /// Relay, sweep, waker and gauge: every gateway has them, and one at a time does each chore.
    public var services: [any Service] {
        [
            JobWaker(
                waiters: waiters, store: jobs, dispatch: dispatch, pollSeconds: configuration.waitersPollSeconds, pulse: pulse,
                logger: logger),
            Relay(
                store: jobs, registry: registry, dispatch: dispatch, kind: .analyze, seconds: configuration.relaySeconds,
                staleSeconds: configuration.dispatchStaleSeconds, aliveSeconds: configuration.workersAliveSeconds,
                requests: relayRequested, pulse: pulse, metrics: metrics, logger: logger),
            WebhookSender(
                store: webhooks, jobs: jobs, client: outbound, backoffSeconds: configuration.webhookBackoffSeconds,
                pollSeconds: configuration.webhookPollSeconds, keepSeconds: configuration.webhookKeepSeconds,
                requests: webhooksRequested, pulse: pulse, metrics: metrics, logger: logger),
            QueueGauge(admission: admission, pulse: pulse, logger: logger),
            Sweep(
                store: jobs, resumables: resumables, dispatch: dispatch, uploads: uploads, waiters: waiters, kind: .analyze,
                seconds: configuration.sweepSeconds, tidySeconds: configuration.tidySeconds, crashLimit: configuration.crashLimit,
                pendingSeconds: configuration.pendingSeconds, keepUploadsSeconds: configuration.keepUploadsSeconds,
                abandonedUploadSeconds: configuration.abandonedUploadSeconds, retention: configuration.retention,
                tidyResumables: tidyResumables, noteKeyUse: keys.noteUse, pulse: pulse, metrics: metrics, logger: logger),
        ]
    }

    /// Brings the gauges up to date.
    func readMetrics() async {
        metrics.readProcess()
        metrics.set(Double(await waiters.count), .requestsWaiting)
        let connections = pool.statistics
        metrics.set(Double(connections.idle), .databaseConnections, ["idle"])
        metrics.set(Double(connections.open - connections.idle), .databaseConnections, ["busy"])
        metrics.set(Double(connections.waiting), .databaseWaiting)
        do {
            let counted = try await statistics.value(for: nil).value
            for state in JobState.allCases { metrics.set(Double(counted.jobs[state.rawValue] ?? 0), .jobs, [state.rawValue]) }
            metrics.set(counted.oldestQueuedSeconds ?? 0, .oldestQueuedSeconds)
            let capacity = try await registry.capacity(withinSeconds: configuration.workersAliveSeconds)
            metrics.set(Double(capacity.workers), .workers)
            metrics.set(Double(capacity.slots), .workerSlots)
        } catch {
            logger.debug("the queue's metrics are old", metadata: [LogField.error: "\(String(reflecting: error))"])
        }
    }

    /// Ends the threads, and the connections to PostgreSQL and Redis.
    public func close() async throws {
        try await client.shutdown()
        try await uploadThreads.shutdownGracefully()
        await pool.close()
        await redis.close()
    }
}

/// The gateways' common secrets, read once.
actor CommonSecrets {
    private let store: AccessStore
    private var known: [String: [UInt8]] = [:]

    init(store: AccessStore) {
        self.store = store
    }

    func secret(named name: String) async throws -> [UInt8] {
        if let secret = known[name] { return secret }
        let secret = try await store.secret(named: name)
        known[name] = secret
        return secret
    }
}
