import Hummingbird
import JobModel
import JobStore
import Logging
import NIOPosix
import PostgresClient
import RedisClient
import ServiceLifecycle
import UploadStore

/// The HTTP side of Whorl, ready to run: what its routes and chores share.
public struct Gateway: Sendable {
    let configuration: GatewayConfiguration
    let pool: PostgresPool
    let redis: RedisClient
    let jobs: JobStore
    let registry: WorkerRegistry
    let dispatch: JobDispatch
    let uploads: DirectoryUploadStore
    private let uploadThreads: NIOThreadPool
    let waiters = JobWaiters()
    let admission: QueueAdmission
    let statistics: PacedCount<QueueStatistics>
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
        registry = WorkerRegistry(pool: pool)
        dispatch = JobDispatch(redis: redis, prefix: configuration.queueName)
        uploadThreads = NIOThreadPool(numberOfThreads: configuration.uploadThreads)
        uploadThreads.start()
        uploads = try DirectoryUploadStore(root: configuration.uploadsDirectory, threads: uploadThreads)
        admission = QueueAdmission(store: jobs, registry: registry, configuration: configuration)
        statistics = PacedCount { [jobs] in try await jobs.statistics() }
        (relayRequested, relayRequests) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// The application with its chores.
    ///
    /// - Parameter onListening: called with the port once connections are taken.
    public func makeApplication(
        onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) -> some ApplicationProtocol {
        Application(
            router: makeRouter(),
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: [CloseAfterAnswer()],
                    idleTimeout: .seconds(Int64(configuration.idleSeconds)))),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port), serverName: "whorl"),
            services: services,
            onServerRunning: { channel in
                if let port = channel.localAddress?.port { await onListening(port) }
            },
            logger: logger)
    }

    /// The routes, for the application and for tests at the router's depth.
    func makeRouter() -> Router<BasicRequestContext> {
        let router = Router(context: BasicRequestContext.self)
        router.add(middleware: ProblemMiddleware())
        JobRoutes(gateway: self).add(to: router)
        HealthRoutes(gateway: self).add(to: router)
        return router
    }

    /// Relay, sweep, waker and gauge: every gateway has them, and one at a time does each chore.
    var services: [any Service] {
        [
            JobWaker(
                waiters: waiters, store: jobs, dispatch: dispatch, pollSeconds: configuration.waitersPollSeconds,
                logger: logger),
            Relay(
                store: jobs, registry: registry, dispatch: dispatch, kind: .analyze, seconds: configuration.relaySeconds,
                staleSeconds: configuration.dispatchStaleSeconds, aliveSeconds: configuration.workersAliveSeconds,
                requests: relayRequested, logger: logger),
            QueueGauge(admission: admission, logger: logger),
            Sweep(
                store: jobs, dispatch: dispatch, uploads: uploads, waiters: waiters, kind: .analyze,
                seconds: configuration.sweepSeconds, tidySeconds: configuration.tidySeconds, crashLimit: configuration.crashLimit,
                pendingSeconds: configuration.pendingSeconds, keepUploadsSeconds: configuration.keepUploadsSeconds,
                abandonedUploadSeconds: configuration.abandonedUploadSeconds, retention: configuration.retention, logger: logger),
        ]
    }

    /// Ends the threads, and the connections to PostgreSQL and Redis.
    public func close() async throws {
        try await uploadThreads.shutdownGracefully()
        await pool.close()
        await redis.close()
    }
}
