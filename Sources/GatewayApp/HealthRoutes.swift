import Foundation
import HTTPTypes
import Hummingbird
import JobModel
import JobStore
import Logging
import NIOCore

/// How the whole is, for callers: its health, its model, and their own counts.
struct HealthRoutes: Sendable {
    private let gateway: Gateway
    /// By whether the gateway lets go of its connections, which is told at once. Nobody needs a key for it, so that all who ask share an
    /// answer.
    private let sharedHealth: PacedCounts<Bool, GatewayHealth>

    init(gateway: Gateway) {
        self.gateway = gateway
        sharedHealth = PacedCounts { [gateway] _ in await gateway.health() }
    }

    func add(to router: inout APIRouter) {
        router.get("api/health", nil, use: health)
        router.get("api/model", .read, use: model)
        router.get("api/stats", .read, use: statistics)
        router.get("api/verdicts", .read, use: verdicts)
        router.get("openapi.yaml", nil, use: openAPI)
    }

    private func health(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var health = try await sharedHealth.value(for: gateway.drain.hasBegun).value
        if context.caller?.scopes.contains(.read) != true { health.hideParts() }
        return try .json(health, status: health.isReady ? .ok : .serviceUnavailable)
    }

    private struct Registration: Encodable {
        let sha256: String
        let registeredAt: Date
    }

    private func model(_ request: Request, _ context: GatewayContext) async throws -> Response {
        guard let model = try await gateway.registry.activeModel() else {
            throw Problem(.noModel, "no worker has registered a model yet; start one")
        }
        let tag = "\"\(model.sha256)\""
        if request.knows(tag) { return Response(status: .notModified, headers: [.eTag: tag, .cacheControl: "no-cache"]) }
        let registration = try WhorlJSON.encoder().encode(Registration(sha256: model.sha256, registeredAt: model.registeredAt))
        // The card is JSON already, and this program need not know what a network's card says to pass it on.
        var response = Response.json(text: "{\"card\":\(model.card)," + String(decoding: registration, as: UTF8.self).dropFirst())
        response.headers[.eTag] = tag
        response.headers[.cacheControl] = "no-cache"
        return response
    }

    private func statistics(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try .json(await gateway.statistics.value(for: try context.tenant).value)
    }

    private func verdicts(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let page = try PageRequest(
            request, context, listing: "verdicts", filters: ["label", "modelSha256", "uploadSha256"], signer: try await gateway.cursors())
        let label = try page.filters["label"].map { text in
            guard let label = Verdict.Label(rawValue: text) else {
                throw Problem(
                    .parameterInvalid, "label must be one of \(Verdict.Label.allCases.map(\.rawValue).joined(separator: ", "))",
                    field: "label")
            }
            return label
        }
        let filter = VerdictFilter(
            label: label, modelSHA256: try page.sha256("modelSha256"), uploadSHA256: try page.sha256("uploadSha256"))
        let verdicts = try await gateway.jobs.verdicts(tenant: page.tenant, filter: filter, before: page.before, limit: page.limit + 1)
        return try page.response(of: verdicts, id: \.jobID) { VerdictPage(verdicts: $0, nextCursor: $1) }
    }

    private func openAPI(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let document = OpenAPIDocument.shared
        var headers: HTTPFields = [.eTag: document.entityTag, .cacheControl: "no-cache"]
        if request.knows(document.entityTag) { return Response(status: .notModified, headers: headers) }
        headers[.contentType] = "application/yaml"
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: document.text))
    }
}

extension PageRequest {
    /// A filter that is a SHA-256 in hexadecimal digits.
    fileprivate func sha256(_ name: String) throws -> String? {
        try filters[name].map { text in
            guard text.utf8.count == 64, text.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else {
                throw Problem(.parameterInvalid, "\(name) must be 64 hexadecimal digits in lower case", field: name)
            }
            return text
        }
    }
}
