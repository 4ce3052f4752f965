import Foundation
import HTTPTypes
import Hummingbird
import JobModel
import JobStore
import Logging
import NIOCore
import Telemetry

/// What operators and their supervisors ask, on a listener of its own.
///
/// `/livez`, `/readyz` and `/metrics` are open to whoever reaches the listener; the rest needs the operators' token where one is set.
struct OperatorRoutes: Sendable {
    let gateway: Gateway

    func add(to router: inout APIRouter) {
        router.get("livez", nil, use: live)
        router.get("readyz", nil, use: ready)
        router.get("metrics", nil, use: metrics)
        router.get("admin/health", .admin, use: health)
        router.get("admin/stats", .admin, use: statistics)
        router.get("admin/workers", .admin, use: workers)
        router.get("admin/keys", .admin, use: keys)
        router.post("admin/keys", .admin, use: createKey)
        router.on(.delete, "admin/keys/{id}", .admin, use: revokeKey)
        router.get("admin/tenants/{name}", .admin, use: tenant)
        router.on(.put, "admin/tenants/{name}", .admin, use: setTenant)
    }

    /// Alive is a gateway whose loops turn: one that hangs is to be restarted, one whose database is away is not.
    private func live(_ request: Request, _ context: GatewayContext) async throws -> Response {
        // More than the longest a loop sleeps between two turns, and than a database that is away holds one up.
        let configuration = gateway.configuration
        let longest = max(configuration.relaySeconds, configuration.sweepSeconds, configuration.tidySeconds, configuration.waitersPollSeconds)
        let stuck = gateway.pulse.silent(for: .seconds(120 + 2 * longest))
        guard stuck.isEmpty else {
            return Response.text("stuck: \(stuck.sorted().joined(separator: ", "))\n", status: .serviceUnavailable)
        }
        return .text("ok\n")
    }

    private func ready(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let readiness = await gateway.readiness()
        return try .json(readiness, status: readiness.isReady ? .ok : .serviceUnavailable)
    }

    private func metrics(_ request: Request, _ context: GatewayContext) async throws -> Response {
        await gateway.readMetrics()
        var response = Response.text(gateway.metrics.text)
        response.headers[.contentType] = "text/plain; version=0.0.4; charset=utf-8"
        return response
    }

    private func health(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try .json(await gateway.health())
    }

    private func statistics(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try .json(await gateway.statistics.value(for: nil).value)
    }

    private func workers(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try .json(WorkerList(workers: await gateway.registry.workers(aliveWithinSeconds: gateway.configuration.workersAliveSeconds)))
    }

    private struct KeyList: Encodable {
        let keys: [APIKey]
    }

    private func keys(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let tenant = try request.uri.queryParameters["tenant"].map { try Self.tenant(String($0)) }
        return try .json(KeyList(keys: await gateway.access.keys(of: tenant)))
    }

    private struct KeyRequest: Decodable {
        let tenant: Tenant
        let name: String?
        let scopes: Set<Scope>
        let expiresAt: Date?
        let requestsPerSecond: Double?
    }

    private struct NewKey: Encodable {
        let text: String
        let key: APIKey
    }

    private func createKey(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let wish = try await request.json(KeyRequest.self)
        let tenant = try Self.tenant(wish.tenant.name)
        guard !wish.scopes.isEmpty else { throw Problem(.parameterInvalid, "scopes must name one at least", field: "scopes") }
        guard (wish.name ?? "").count <= 100 else { throw Problem(.parameterInvalid, "name has more than 100 characters", field: "name") }
        guard wish.requestsPerSecond.map({ $0 > 0 && $0.isFinite }) ?? true else {
            throw Problem(.parameterInvalid, "requestsPerSecond must be more than 0", field: "requestsPerSecond")
        }
        let made = try await gateway.access.createKey(
            tenant: tenant, name: wish.name ?? "", scopes: wish.scopes, expiresAt: wish.expiresAt,
            requestsPerSecond: wish.requestsPerSecond)
        context.logger.notice("a key was made", metadata: [LogField.key: "\(made.key.id)", LogField.tenant: "\(tenant)"])
        return try .json(NewKey(text: made.text, key: made.key), status: .created)
    }

    private func revokeKey(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let text = try context.parameters.require("id")
        guard let id = JobID(text), try await gateway.access.revokeKey(id) else { throw Problem.notFound("such key") }
        context.logger.notice("a key was revoked", metadata: [LogField.key: "\(id)"])
        return Response(status: .noContent)
    }

    private func tenant(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let tenant = try Self.tenant(try context.parameters.require("name"))
        return try .json(TenantReport(try await gateway.access.usage(of: tenant), of: tenant))
    }

    private func setTenant(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let tenant = try Self.tenant(try context.parameters.require("name"))
        let bounds = try await request.json(TenantBounds.self)
        let values = [bounds.maximumQueuedJobs.map(Int64.init), bounds.maximumJobsPerDay.map(Int64.init), bounds.maximumStoredBytes]
        guard values.allSatisfy({ $0.map { $0 >= 0 } ?? true }), values.prefix(2).allSatisfy({ $0.map { $0 <= Int64(Int32.max) } ?? true })
        else { throw Problem(.parameterInvalid, "a bound is null, or 0 or more") }
        try await gateway.access.setBounds(bounds, of: tenant)
        await gateway.quotas.forget(tenant)
        return try .json(TenantReport(try await gateway.access.usage(of: tenant), of: tenant))
    }

    private struct TenantReport: Encodable {
        let name: Tenant
        let bounds: TenantBounds
        let jobsToday: Int
        let storedBytes: Int64

        init(_ usage: TenantUsage, of tenant: Tenant) {
            name = tenant
            bounds = usage.bounds
            jobsToday = usage.jobsToday
            storedBytes = usage.storedBytes
        }
    }

    private static func tenant(_ name: String) throws -> Tenant {
        guard let tenant = Tenant(checked: name) else {
            throw Problem(.parameterInvalid, "a tenant's name has 1 to 100 letters, digits, dots, underscores or hyphens", field: "tenant")
        }
        return tenant
    }
}

/// Lets those through to operators' routes who show their token, or everybody where none is set.
struct OperatorAuthentication: RouterMiddleware {
    let token: String?

    func handle(
        _ request: Request, context: GatewayContext, next: (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        if let token {
            let shown = request.headers[.authorization] ?? ""
            if Self.areEqual(shown, "Bearer " + token) { context.caller = Self.operatorCaller }
        } else {
            context.caller = Self.operatorCaller
        }
        return try await next(request, context)
    }

    private static let operatorCaller = Caller(
        tenant: .default, scopes: Set(Scope.allCases), identity: "operator", requestsPerSecond: nil)

    /// In a time that does not depend on where they differ.
    private static func areEqual(_ first: String, _ second: String) -> Bool {
        let (first, second) = (Array(first.utf8), Array(second.utf8))
        guard first.count == second.count else { return false }
        return zip(first, second).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}

extension Response {
    static func text(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: "text/plain; charset=utf-8", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}

extension Request {
    private static let maximumJSONBytes = 65_536
    private static let maximumJSONSeconds = 30.0

    /// A small JSON body.
    ///
    /// - Throws: a `Problem` that says what is wrong with it.
    func json<Value: Decodable>(_ type: Value.Type) async throws -> Value {
        let media = ParameterizedValue(headers[.contentType] ?? "application/json").value
        guard media == "application/json" else {
            throw Problem(.mediaTypeUnsupported, "send the body as application/json", closesConnection: true)
        }
        let buffer: ByteBuffer
        do {
            let limits = UploadLimits(
                maximumBytes: Self.maximumJSONBytes, stallSeconds: Self.maximumJSONSeconds, maximumSeconds: Self.maximumJSONSeconds,
                minimumBytesPerSecond: 0, maximumBytesPerSecond: 0)
            // A body that dribbles in is given up, as a clip is.
            buffer = try await UploadWatch(limits: limits).run { try await self.body.collect(upTo: Self.maximumJSONBytes) }
        } catch is NIOTooManyBytesError {
            throw Problem(.bodyMalformed, "the body has more than \(Self.maximumJSONBytes) bytes", closesConnection: true)
        }
        do {
            return try WhorlJSON.decoder().decode(type, from: Data(buffer.readableBytesView))
        } catch let error as DecodingError {
            throw Problem(.bodyMalformed, WhorlJSON.explanation(of: error))
        }
    }
}
