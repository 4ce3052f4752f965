import JobModel
import JobStore
import Telemetry

/// How the gateway and all that it needs are.
struct GatewayHealth: Encodable, Sendable {
    /// What one part of the whole says of itself.
    struct Part: Encodable, Hashable, Sendable {
        let ok: Bool
        let detail: String?
    }

    /// `ok`, `degraded`: jobs are accepted, but wait; `unavailable`: none are.
    let status: String
    let version: String
    private(set) var database, redis, uploads: Part?
    private(set) var workers: Int?
    private(set) var slots: Int?
    private(set) var unreadyWorkers: [String]?
    private(set) var modelSHA256: String?

    let isReady: Bool

    enum CodingKeys: String, CodingKey {
        case status, version, database, redis, uploads, workers, slots, unreadyWorkers
        case modelSHA256 = "modelSha256"
    }

    /// Leaves what is nobody's business who showed no key.
    mutating func hideParts() {
        (database, redis, uploads) = (nil, nil, nil)
        (workers, slots, unreadyWorkers, modelSHA256) = (nil, nil, nil, nil)
    }

    init(readiness: GatewayReadiness, workers: [WorkerStatus], modelSHA256: String?) {
        let alive = workers.filter(\.isAlive)
        let ready = alive.filter { !$0.isDraining && $0.unreadyReason == nil }
        isReady = readiness.isReady
        version = WhorlVersion.current
        (database, redis, uploads) = (readiness.database, readiness.redis, readiness.uploads)
        let isWhole = readiness.redis.ok && !ready.isEmpty
        status = !readiness.isReady ? "unavailable" : isWhole ? "ok" : "degraded"
        self.workers = ready.count
        slots = ready.reduce(0) { $0 + $1.slots }
        unreadyWorkers = alive.compactMap { worker in worker.unreadyReason.map { "\(worker.host): \($0)" } }
        self.modelSHA256 = modelSHA256
    }
}

/// Whether jobs can be accepted now, part by part.
struct GatewayReadiness: Encodable, Sendable {
    let database, redis, uploads: GatewayHealth.Part
    /// Whether the gateway lets go of its connections, before it stops.
    let draining: Bool

    /// Redis only degrades: jobs are accepted and found without it.
    var isReady: Bool { database.ok && uploads.ok && !draining }
}

extension Gateway {
    func readiness() async -> GatewayReadiness {
        async let database = part { try await jobs.check() }
        async let redis = part {
            if let misconfiguration = try await dispatch.misconfiguration() { throw Complaint(misconfiguration) }
        }
        async let uploads = part { try await self.uploads.check() }
        return await GatewayReadiness(database: database, redis: redis, uploads: uploads, draining: drain.hasBegun)
    }

    func health() async -> GatewayHealth {
        let readiness = await readiness()
        guard readiness.database.ok else { return GatewayHealth(readiness: readiness, workers: [], modelSHA256: nil) }
        do {
            return GatewayHealth(
                readiness: readiness, workers: try await registry.workers(aliveWithinSeconds: configuration.workersAliveSeconds),
                modelSHA256: try await registry.activeModel()?.sha256)
        } catch {
            // It answered a moment ago.
            return GatewayHealth(readiness: readiness, workers: [], modelSHA256: nil)
        }
    }

    private func part(_ check: () async throws -> Void) async -> GatewayHealth.Part {
        do {
            try await check()
            return GatewayHealth.Part(ok: true, detail: nil)
        } catch {
            return GatewayHealth.Part(ok: false, detail: "\(error)")
        }
    }
}

/// Says no in a sentence.
private struct Complaint: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
