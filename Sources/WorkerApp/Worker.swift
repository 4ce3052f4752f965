import AsyncHTTPClient
import Foundation
import JobModel
import JobStore
import Logging
import NIOPosix
import Outbound
import PostgresClient
import RedisClient
import ServiceLifecycle
import Telemetry
import UploadStore

/// A worker, ready to run: claims jobs, runs them in its slots, renews their leases, and drains when it is told to stop.
public struct Worker: Service {
    private let configuration: WorkerConfiguration
    private let work: any JobWork
    private let record: WorkerRecord
    private let database: PostgresConfiguration
    private let pool: PostgresPool
    private let redis: RedisClient
    private let http: HTTPClient
    private let uploads: any UploadStore
    private let fetcher: ClipFetcher?
    private let isDraining = DrainFlag()
    private let logger: Logger

    /// PostgreSQL and Redis are connected to when the worker runs, and may come later.
    public init(configuration: WorkerConfiguration, work: any JobWork, logger: Logger) throws {
        self.configuration = configuration
        self.work = work
        let id = UUID()
        var logger = logger
        logger[metadataKey: LogField.worker] = "\(id.uuidString.lowercased())"
        self.logger = logger
        let identity = work.identity
        record = WorkerRecord(
            id: id, host: ProcessInfo.processInfo.hostName, version: WhorlVersion.current,
            modelSHA256: identity.modelSHA256, modelCard: identity.modelCard, precision: identity.precision,
            analysisVersion: identity.analysisVersion, kinds: [.analyze], slots: configuration.slots)
        database = PostgresConfiguration(
            url: configuration.databaseURL, maximumConnections: configuration.slots + 2, applicationName: "whorl-worker",
            sessionSettings: JobStore.sessionSettings)
        try database.validate()
        pool = PostgresPool(configuration: database, logger: logger)
        redis = RedisClient(
            configuration: try RedisConfiguration(url: configuration.redisURL, clientName: "whorl-worker"),
            logger: logger)
        http = HTTPClient(eventLoopGroupProvider: .singleton)
        uploads = try configuration.uploadPlace.open(http: http, threads: .singleton)
        fetcher = configuration.fetchPolicy.map { [uploads] policy in
            ClipFetcher(client: OutboundClient(policy: policy), uploads: uploads, maximumBytes: configuration.fetchMaximumBytes)
        }
    }

    public func run() async throws {
        let registry = WorkerRegistry(pool: pool)
        guard await register(with: registry) else { return }
        let held = HeldJobs(stageSeconds: configuration.stageSeconds)
        let dispatch = JobDispatch(redis: redis, prefix: configuration.queueName)
        let slots = Slots(count: configuration.slots)
        let health = WorkerHealth(
            patience: .seconds(3 * (Double(ClaimLoop.blockMilliseconds) / 1000 + configuration.pollSeconds) + 5))
        let heart = Heart(
            worker: record, database: database, registry: registry, held: held, slots: slots, health: health,
            leaseSeconds: configuration.leaseSeconds, heartbeatSeconds: configuration.heartbeatSeconds,
            aliveFile: configuration.aliveFile, readyFile: configuration.readyFile, isDraining: isDraining, logger: logger)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await heart.run() }
            group.addTask { await followCancellations(dispatch, held) }
            group.addTask { await drainWhenAsked(slots) }
            group.addTask { await watchStores(dispatch, health) }
            await claimAndRun(slots: slots, dispatch: dispatch, held: held, health: health)
            group.cancelAll()
        }
        await leave(registry)
    }

    private func drainWhenAsked(_ slots: Slots) async {
        do {
            try await gracefulShutdown()
        } catch {
            // Cancelled, which ends the claiming just the same.
        }
        isDraining.set()
        await slots.close()
    }

    /// Retries until PostgreSQL is there; false when the worker was told to stop first.
    private func register(with registry: WorkerRegistry) async -> Bool {
        while !Task.isShuttingDownGracefully && !Task.isCancelled {
            do {
                try await registry.register(record)
                logger.info("ready", metadata: [LogField.count: "\(configuration.slots)"])
                return true
            } catch {
                logger.warning("waiting for PostgreSQL and its schema", metadata: [LogField.error: "\(String(reflecting: error))"])
            }
            do {
                try await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(1)) }
            } catch {
                return false
            }
        }
        return false
    }

    /// Claims until the drain begins, then waits for what runs, and hands back what is not done by the deadline.
    private func claimAndRun(slots: Slots, dispatch: JobDispatch, held: HeldJobs, health: WorkerHealth) async {
        let store = JobStore(pool: pool)
        let runner = JobRunner(
            store: store, work: work, uploads: uploads, fetcher: fetcher, dispatch: dispatch, held: held, gate: AloneGate(),
            retry: configuration.retry, stop: { kill(getpid(), SIGTERM) }, logger: logger)
        let memory = MemoryBudget(jobMegabytes: configuration.jobMegabytes)
        let loop = ClaimLoop(
            store: store, dispatch: dispatch, redis: redis,
            claimant: Claimant(
                worker: record.id, modelSHA256: record.modelSHA256, kind: .analyze,
                leaseSeconds: configuration.leaseSeconds),
            kind: .analyze, slots: slots, memory: memory, health: health,
            pollSeconds: configuration.pollSeconds, isDraining: isDraining, logger: logger)
        await withTaskGroup(of: Void.self) { jobs in
            await loop.run { job in
                await slots.take()
                await memory.take()
                jobs.addTask {
                    if await runner.run(job) { await slots.giveBack() } else { await slots.lose() }
                }
            }
            logger.info("draining", metadata: [LogField.seconds: "\(configuration.drainSeconds)"])
            await withTaskGroup(of: Void.self) { deadline in
                deadline.addTask {
                    do {
                        try await Task.sleep(for: .seconds(configuration.drainSeconds))
                        await held.interruptAll(.draining)
                        try await Task.sleep(for: .seconds(configuration.leaseSeconds))
                        logger.critical("a job does not let go; its lease will run out")
                        exit(1)
                    } catch {
                        // Every job ended before the deadline.
                    }
                }
                await jobs.waitForAll()
                deadline.cancelAll()
            }
        }
    }

    /// Sees whether Redis may be trusted with the stream, and whether clips can be read; what is wrong readiness tells.
    private func watchStores(_ dispatch: JobDispatch, _ health: WorkerHealth) async {
        while !Task.isCancelled {
            do {
                await health.note(.redis, try await dispatch.misconfiguration())
            } catch {
                // Jobs come from PostgreSQL while Redis is away: slower, but they come.
                await health.note(.redis, nil)
            }
            do {
                try await uploads.check()
                await health.note(.store, nil)
            } catch UploadError.noSpace {
                // Clips are only read here.
                await health.note(.store, nil)
            } catch {
                await health.note(.store, "the clips cannot be read: \(error)")
            }
            do {
                try await Task.sleep(for: .seconds(configuration.heartbeatSeconds))
            } catch {
                return
            }
        }
    }

    private func followCancellations(_ dispatch: JobDispatch, _ held: HeldJobs) async {
        for await event in dispatch.hints([.cancel]) {
            guard case .message(_, let payload) = event, let job = JobID(String(decoding: payload, as: UTF8.self))
            else { continue }
            await held.interrupt(job: job, .cancelRequested)
        }
    }

    private func leave(_ registry: WorkerRegistry) async {
        do {
            try await JobDispatch(redis: redis, prefix: configuration.queueName)
                .forget(consumer: record.id.uuidString.lowercased(), kind: .analyze)
        } catch {
            logger.debug("the consumer's name stays in Redis", metadata: [LogField.error: "\(String(reflecting: error))"])
        }
        do {
            try await registry.remove(record.id)
        } catch {
            logger.warning("the worker's row stays until its heart counts as silent", metadata: [
                LogField.error: "\(String(reflecting: error))"
            ])
        }
        await pool.close()
        await redis.close()
        do {
            try await http.shutdown()
        } catch {
            logger.debug("connections were closed in the middle", metadata: [LogField.error: "\(String(reflecting: error))"])
        }
    }
}
