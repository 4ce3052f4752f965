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
        let workers, slots: Int
        let modelSHA256: String?

        enum CodingKeys: String, CodingKey {
            case status, version, database, redis, uploads, workers, slots
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
        var model: RegisteredModel?
        if readiness.database.ok {
            capacity = try await gateway.registry.capacity(withinSeconds: gateway.configuration.workersAliveSeconds)
            model = try await gateway.registry.activeModel()
        }
        let isWhole = readiness.redis.ok && capacity.workers > 0
        let health = Health(
            status: !readiness.isReady ? "unavailable" : isWhole ? "ok" : "degraded", version: WhorlVersion.current,
            database: readiness.database, redis: readiness.redis, uploads: readiness.uploads, workers: capacity.workers,
            slots: capacity.slots, modelSHA256: model?.sha256)
        return try .json(health, status: readiness.isReady ? .ok : .serviceUnavailable)
    }

    private struct ModelAnswer: Encodable {
        let sha256: String
        let registeredAt: Date
        let card: JSONPassage
    }

    private func model(_ request: Request, _ context: Context) async throws -> Response {
        guard let model = try await gateway.registry.activeModel() else {
            throw Problem(.notFound, "no_model", "no worker has registered a model yet; start one")
        }
        return try .json(ModelAnswer(
            sha256: model.sha256, registeredAt: model.registeredAt, card: JSONPassage(text: model.card)))
    }

    private func statistics(_ request: Request, _ context: Context) async throws -> Response {
        try .json(await gateway.jobs.statistics())
    }
}

/// Says no in a sentence.
private struct Complaint: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// JSON from the database, passed on as it is.
private struct JSONPassage: Encodable {
    let text: String

    private enum Node: Codable {
        case null, bool(Bool), integer(Int64), number(Double), text(String), list([Node]), object([String: Node])

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                self = .null
            } else if let value = try? container.decode(Bool.self) {
                self = .bool(value)
            } else if let value = try? container.decode(Int64.self) {
                self = .integer(value)
            } else if let value = try? container.decode(Double.self) {
                self = .number(value)
            } else if let value = try? container.decode(String.self) {
                self = .text(value)
            } else if let value = try? container.decode([Node].self) {
                self = .list(value)
            } else {
                self = .object(try container.decode([String: Node].self))
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .null: try container.encodeNil()
            case .bool(let value): try container.encode(value)
            case .integer(let value): try container.encode(value)
            case .number(let value): try container.encode(value)
            case .text(let value): try container.encode(value)
            case .list(let values): try container.encode(values)
            case .object(let members): try container.encode(members)
            }
        }
    }

    func encode(to encoder: any Encoder) throws {
        try JSONDecoder().decode(Node.self, from: Data(text.utf8)).encode(to: encoder)
    }
}
