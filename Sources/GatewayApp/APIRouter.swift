import HTTPTypes
import Hummingbird
import JobModel

/// A route of the API, and what a caller must be allowed for it.
public struct APIRoute: Hashable, Sendable {
    public let method: String
    /// With parameters in braces, as the OpenAPI document writes them.
    public let path: String
    /// nil: anybody.
    public let scope: Scope?
}

/// Builds a router, and knows what it built: every route says its scope, every path answers OPTIONS, and a method that a path
/// does not have is refused with those that it has.
struct APIRouter {
    typealias Handler = @Sendable (Request, GatewayContext) async throws -> Response

    private static let methods: [HTTPRequest.Method] = [
        .get, .head, .post, .put, .patch, .delete, .options, .trace, .connect, HTTPRequest.Method("QUERY") ?? .trace,
    ]

    let router = Router(context: GatewayContext.self)
    private(set) var routes: [APIRoute] = []

    /// Adds a route; GET brings HEAD with it.
    mutating func on(_ method: HTTPRequest.Method, _ path: String, _ scope: Scope?, use handler: @escaping Handler) {
        routes.append(APIRoute(method: method.rawValue, path: "/" + path, scope: scope))
        let guarded: Handler = { request, context in
            try Self.check(scope, request, context)
            return try await handler(request, context)
        }
        router.on(RouterPath(path), method: method, use: guarded)
        if method == .get {
            router.on(RouterPath(path), method: .head) { request, context in
                try await guarded(request, context).createHeadResponse()
            }
        }
    }

    mutating func get(_ path: String, _ scope: Scope?, use handler: @escaping Handler) { on(.get, path, scope, use: handler) }
    mutating func post(_ path: String, _ scope: Scope?, use handler: @escaping Handler) { on(.post, path, scope, use: handler) }

    /// Answers what no route does. Call when all routes are there.
    func addRest() {
        for (path, allowed) in allowedMethods() {
            let list = allowed.map(\.rawValue).joined(separator: ", ")
            if !routes.contains(APIRoute(method: "OPTIONS", path: path, scope: nil)) {
                router.on(RouterPath(path), method: .options) { _, _ in
                    Response(status: .noContent, headers: [.allow: list])
                }
            }
            for method in Self.methods where !allowed.contains(method) {
                router.on(RouterPath(path), method: method) { request, _ -> Response in
                    throw Problem(
                        .methodNotAllowed, "\(request.uri.path) takes \(list)", closesConnection: request.mayHaveBody,
                        headers: [.allow: list])
                }
            }
        }
    }

    private func allowedMethods() -> [String: [HTTPRequest.Method]] {
        var allowed: [String: [HTTPRequest.Method]] = [:]
        for route in routes {
            guard let method = HTTPRequest.Method(route.method), method != .options else {
                allowed[route.path] = allowed[route.path] ?? [.options]
                continue
            }
            allowed[route.path, default: [.options]].append(method)
            if method == .get { allowed[route.path]?.append(.head) }
        }
        return allowed
    }

    private static func check(_ scope: Scope?, _ request: Request, _ context: GatewayContext) throws {
        guard let scope else { return }
        guard let caller = context.caller else {
            throw Problem(.unauthenticated, "this needs a key", closesConnection: request.mayHaveBody)
        }
        guard caller.scopes.contains(scope) else {
            throw Problem(
                .scopeMissing, "this needs the scope \"\(scope.rawValue)\"; yours are: "
                    + (caller.scopes.isEmpty ? "none" : caller.scopes.map(\.rawValue).sorted().joined(separator: ", ")),
                closesConnection: request.mayHaveBody,
                headers: [.wwwAuthenticate: "Bearer realm=\"whorl\", error=\"insufficient_scope\", scope=\"\(scope.rawValue)\""])
        }
    }
}

extension Request {
    /// Whether bytes may follow the headers that an answer would have to wait for.
    var mayHaveBody: Bool {
        headers[.transferEncoding] != nil || headers[.contentLength].map { $0 != "0" } ?? false
    }
}
