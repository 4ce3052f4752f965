import Analysis
import Detector
import Foundation
import JobModel
import JobStore
import Logging
import PostgresClient
import RedisClient
import ServiceLifecycle
import Telemetry
import UploadStore
import Video

/// A worker, ready to run: claims jobs, runs them in its slots, renews their leases, and drains when it is told to stop.
public struct Worker: Service {
    private let configuration: WorkerConfiguration
    private let detector: ResNetDetector
    private let region: AnalysisRegion
    private let record: WorkerRecord
    private let database: PostgresConfiguration
    private let pool: PostgresPool
    private let redis: RedisClient
    private let uploads: DirectoryUploadStore
    private let isDraining = DrainFlag()
    private let logger: Logger

    /// Loads the model; PostgreSQL and Redis may come later.
    ///
    /// - Throws: `CheckpointError` for a model that cannot be used, `FaceDetectorError` when it looks at faces and nothing finds them.
    public init(configuration: WorkerConfiguration, logger: Logger) throws {
        self.configuration = configuration
        detector = try ResNetDetector(
            checkpoint: Checkpoint.open(path: configuration.modelPath), threads: configuration.threads,
            selection: configuration.selection)
        region = try AnalysisRegion(card: detector.card)
        let id = UUID()
        var logger = logger
        logger[metadataKey: LogField.worker] = "\(id.uuidString.lowercased())"
        self.logger = logger
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        record = WorkerRecord(
            id: id, host: ProcessInfo.processInfo.hostName, version: WhorlVersion.current,
            modelSHA256: detector.sha256, modelCard: String(decoding: try encoder.encode(detector.card), as: UTF8.self),
            kinds: [.analyze], slots: configuration.slots)
        database = PostgresConfiguration(
            url: configuration.databaseURL, maximumConnections: configuration.slots + 2, applicationName: "whorl-worker")
        try database.validate()
        pool = PostgresPool(configuration: database, logger: logger)
        redis = RedisClient(
            configuration: try RedisConfiguration(url: configuration.redisURL, clientName: "whorl-worker"),
            logger: logger)
        uploads = try DirectoryUploadStore(root: configuration.uploadsDirectory)
    }

    public func run() async throws {
        let registry = WorkerRegistry(pool: pool)
        guard await register(with: registry) else { return }
        let held = HeldJobs(stageSeconds: configuration.stageSeconds)
        let dispatch = JobDispatch(redis: redis, prefix: configuration.queueName)
        let heart = Heart(
            worker: record, database: database, registry: registry, held: held,
            leaseSeconds: configuration.leaseSeconds, heartbeatSeconds: configuration.heartbeatSeconds,
            aliveFile: configuration.aliveFile, isDraining: isDraining, logger: logger)
        let slots = Slots(count: configuration.slots)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await heart.run() }
            group.addTask { await followCancellations(dispatch, held) }
            group.addTask { await drainWhenAsked(slots) }
            await claimAndRun(slots: slots, dispatch: dispatch, held: held)
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
    private func claimAndRun(slots: Slots, dispatch: JobDispatch, held: HeldJobs) async {
        let store = JobStore(pool: pool)
        let runner = JobRunner(
            store: store, uploads: uploads, dispatch: dispatch, held: held, gate: AloneGate(),
            retry: configuration.retry, stop: { kill(getpid(), SIGTERM) }, logger: logger)
        let decoder = DecoderProcess(
            executablePath: configuration.decoderPath.isEmpty ? nil : configuration.decoderPath, limits: configuration.decoderLimits)
        let loop = ClaimLoop(
            store: store, dispatch: dispatch, redis: redis,
            claimant: Claimant(
                worker: record.id, modelSHA256: record.modelSHA256, kind: .analyze,
                leaseSeconds: configuration.leaseSeconds),
            kind: .analyze, slots: slots, pollSeconds: configuration.pollSeconds, isDraining: isDraining, logger: logger)
        await withTaskGroup(of: Void.self) { jobs in
            await loop.run { job in
                await slots.take()
                jobs.addTask {
                    let analyzer = ClipAnalyzer(
                        detector: detector, region: region, decoder: decoder, pictures: configuration.pictures)
                    await runner.run(job, analyzer: analyzer)
                    await slots.giveBack()
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
    }
}
