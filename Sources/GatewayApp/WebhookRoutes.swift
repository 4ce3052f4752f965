import Foundation
import HTTPTypes
import Hummingbird
import JobModel
import JobStore
import Outbound

/// Webhooks: who wants to hear of a tenant's jobs, what was told, and a test.
struct WebhookRoutes: Sendable {
    private static let secretBytes = 32

    let gateway: Gateway

    func add(to router: inout APIRouter) {
        router.get("api/webhooks", .admin, use: list)
        router.post("api/webhooks", .admin, use: add)
        router.get("api/webhooks/{id}", .admin, use: show)
        router.on(.delete, "api/webhooks/{id}", .admin, use: remove)
        router.post("api/webhooks/{id}/test", .admin, use: test)
        router.get("api/webhooks/{id}/deliveries", .admin, use: deliveries)
        router.post("api/webhooks/{id}/deliveries/{delivery}/retry", .admin, use: redeliver)
    }

    private struct EndpointList: Encodable {
        let webhooks: [WebhookEndpoint]
    }

    private func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try .json(EndpointList(webhooks: await gateway.webhooks.endpoints(of: try context.tenant)))
    }

    private struct Wish: Decodable {
        let url: String
        let events: [String]?
        let description: String?

        private enum CodingKeys: String, CodingKey, CaseIterable {
            case url, events, description
        }

        init(from decoder: any Decoder) throws {
            try WhorlJSON.refuseStrangers(in: decoder, known: CodingKeys.allCases.map(\.rawValue))
            let container = try decoder.container(keyedBy: CodingKeys.self)
            url = try container.decode(String.self, forKey: .url)
            events = try container.decodeIfPresent([String].self, forKey: .events)
            description = try container.decodeIfPresent(String.self, forKey: .description)
        }
    }

    /// An endpoint with its secret, which is shown this once.
    private struct NewEndpoint: Encodable {
        let endpoint: WebhookEndpoint
        let secret: String

        private enum CodingKeys: String, CodingKey {
            case secret
        }

        func encode(to encoder: any Encoder) throws {
            try endpoint.encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(secret, forKey: .secret)
        }
    }

    private func add(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let tenant = try context.tenant
        let wish = try await request.json(Wish.self)
        let events = try (wish.events ?? WebhookEvent.allCases.map(\.rawValue)).map { word in
            guard let event = WebhookEvent(rawValue: word) else {
                throw Problem(
                    .parameterInvalid, "there is no event \(word.prefix(60)); there are \(WebhookEvent.allCases.map(\.rawValue).joined(separator: ", "))",
                    field: "events")
            }
            return event
        }
        guard !events.isEmpty, Set(events).count == events.count else {
            throw Problem(.parameterInvalid, "events must name one at least, and none twice", field: "events")
        }
        let description = wish.description ?? ""
        guard description.unicodeScalars.count <= 200, !description.contains("\u{0}") else {
            throw Problem(.parameterInvalid, "description has more than 200 characters", field: "description")
        }
        do {
            try gateway.outbound.check(wish.url)
        } catch {
            throw Problem(.urlRefused, "\(error)", field: "url")
        }
        var generator = SystemRandomNumberGenerator()
        let secret = (0..<Self.secretBytes).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let maximum = gateway.configuration.maximumWebhooks
        guard let endpoint = try await gateway.webhooks.add(
            .make(), tenant: tenant, url: wish.url, secret: secret, events: events, description: description, maximum: maximum)
        else { throw Problem(.tooManyWebhooks, "a tenant may have \(maximum) webhooks; remove one first") }
        var response = try Response.json(
            NewEndpoint(endpoint: endpoint, secret: "whsec_" + Data(secret).base64EncodedString()), status: .created)
        response.headers[.location] = "/api/webhooks/\(endpoint.id)"
        return response
    }

    private func show(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let id = try context.webhookID
        guard let endpoint = try await gateway.webhooks.endpoint(id, tenant: try context.tenant) else { throw Self.unknown(id) }
        return try .json(endpoint)
    }

    private func remove(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let id = try context.webhookID
        guard try await gateway.webhooks.remove(id, tenant: try context.tenant) else { throw Self.unknown(id) }
        return Response(status: .noContent)
    }

    private func test(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let id = try context.webhookID
        guard let delivery = try await gateway.webhooks.test(id, tenant: try context.tenant) else { throw Self.unknown(id) }
        gateway.webhookRequests.yield()
        return try .json(delivery, status: .accepted)
    }

    private struct DeliveryPage: Encodable {
        let deliveries: [WebhookDelivery]
        let nextCursor: String?
    }

    private func deliveries(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let id = try context.webhookID
        let page = try PageRequest(request, context, listing: "deliveries/\(id)", filters: [], signer: try await gateway.cursors())
        guard try await gateway.webhooks.endpoint(id, tenant: page.tenant) != nil else { throw Self.unknown(id) }
        let deliveries = try await gateway.webhooks.deliveries(
            to: id, tenant: page.tenant, before: page.before, limit: page.limit + 1)
        return try page.response(of: deliveries, id: \.id) { DeliveryPage(deliveries: $0, nextCursor: $1) }
    }

    private func redeliver(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let id = try context.webhookID
        let text = try context.parameters.require("delivery")
        guard let delivery = JobID(text) else {
            throw Problem(.parameterInvalid, "\"\(text.prefix(60))\" is not a delivery's id", field: "delivery")
        }
        guard let again = try await gateway.webhooks.redeliver(delivery, endpoint: id, tenant: try context.tenant) else {
            throw Problem.notFound("delivery \(delivery) to webhook \(id)")
        }
        gateway.webhookRequests.yield()
        return try .json(again, status: .accepted)
    }

    private static func unknown(_ id: JobID) -> Problem { .notFound("webhook \(id)") }
}

extension GatewayContext {
    /// The path's webhook.
    ///
    /// - Throws: a `Problem` for what is no id.
    fileprivate var webhookID: JobID {
        get throws {
            let text = try parameters.require("id")
            guard let id = JobID(text) else {
                throw Problem(.parameterInvalid, "\"\(text.prefix(60))\" is not a webhook's id", field: "id")
            }
            return id
        }
    }
}
