import Foundation
import HTTPTypes
import Hummingbird
import JobModel
import JobStore
import RedisClient
import Telemetry

/// How the whole does, and what model judges.
struct HealthRoutes: Sendable {
    typealias Context = BasicRequestContext

    let gateway: Gateway

    func add(to router: Router<Context>) {
        router.get("livez") { _, _ in Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(string: "ok\n"))) }
        router.get("readyz", use: ready)
        router.get("api/health", use: health)
        router.get("api/model", use: model)
        router.get("api/stats", use: statistics)
        router.get("api/workers", use: workers)
    }

    /// What one part of the whole says of itself.
    private struct Part: Encodable {
        let ok: Bool
        let detail: String?
    }

    private struct Health: Encodable {
        /// `ok`, `degraded` (jobs are taken, but slowly or not yet worked on) or `unavailable`.
        let status: String
        let version: String
        let database, redis, uploads: Part
        /// Those that take jobs, and their slots.
        let workers, slots: Int
        /// Why others that live do not.
        let unreadyWorkers: [String]
        let modelSHA256: String?

        enum CodingKeys: String, CodingKey {
            case status, version, database, redis, uploads, workers, slots, unreadyWorkers
            case modelSHA256 = "modelSha256"
        }
    }

    private struct Readiness: Encodable {
        let database, redis, uploads: Part

        /// Redis only degrades: jobs are accepted and found without it.
        var isReady: Bool { database.ok && uploads.ok }
    }

    private func readiness() async -> Readiness {
        async let database = part { try await gateway.jobs.check() }
        async let redis = part {
            if let misconfiguration = try await gateway.dispatch.misconfiguration() { throw Complaint(misconfiguration) }
        }
        async let uploads = part { try await gateway.uploads.check() }
        return await Readiness(database: database, redis: redis, uploads: uploads)
    }

    private func part(_ check: () async throws -> Void) async -> Part {
        do {
            try await check()
            return Part(ok: true, detail: nil)
        } catch {
            return Part(ok: false, detail: "\(error)")
        }
    }

    private func ready(_ request: Request, _ context: Context) async throws -> Response {
        let readiness = await readiness()
        return try .json(readiness, status: readiness.isReady ? .ok : .serviceUnavailable)
    }

    private func health(_ request: Request, _ context: Context) async throws -> Response {
        let readiness = await readiness()
        var capacity = (workers: 0, slots: 0)
        var unready: [String] = []
        var model: RegisteredModel?
        if readiness.database.ok {
            capacity = try await gateway.registry.capacity(withinSeconds: gateway.configuration.workersAliveSeconds)
            model = try await gateway.registry.activeModel()
            unready = try await gateway.registry.workers(aliveWithinSeconds: gateway.configuration.workersAliveSeconds)
                .filter(\.isAlive).compactMap { worker in worker.unreadyReason.map { "\(worker.host): \($0)" } }
        }
        let isWhole = readiness.redis.ok && capacity.workers > 0
        let health = Health(
            status: !readiness.isReady ? "unavailable" : isWhole ? "ok" : "degraded", version: WhorlVersion.current,
            database: readiness.database, redis: readiness.redis, uploads: readiness.uploads, workers: capacity.workers,
            slots: capacity.slots, unreadyWorkers: unready, modelSHA256: model?.sha256)
        return try .json(health, status: readiness.isReady ? .ok : .serviceUnavailable)
    }

    private struct Registration: Encodable {
        let sha256: String
        let registeredAt: Date
    }

    private func model(_ request: Request, _ context: Context) async throws -> Response {
        guard let model = try await gateway.registry.activeModel() else {
            throw Problem(.notFound, "no_model", "no worker has registered a model yet; start one")
        }
        let registration = try WhorlJSON.encoder().encode(
            Registration(sha256: model.sha256, registeredAt: model.registeredAt))
        // The card is JSON already, and this program need not know what a network's card says to pass it on.
        return .json(text: "{\"card\":\(model.card)," + String(decoding: registration, as: UTF8.self).dropFirst())
    }

    private func workers(_ request: Request, _ context: Context) async throws -> Response {
        try .json(WorkerList(workers: await gateway.registry.workers(aliveWithinSeconds: gateway.configuration.workersAliveSeconds)))
    }

    private func statistics(_ request: Request, _ context: Context) async throws -> Response {
        try .json(await gateway.statistics.value())
    }
}

/// Says no in a sentence.
private struct Complaint: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
