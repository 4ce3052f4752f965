import HTTPTypes
import Hummingbird
import JobModel

/// Finds out who sends a request, and refuses those it cannot tell.
///
/// Without a key in the request, and where none is demanded, everybody is the default tenant. A key that is shown is always
/// checked: one that is wrong never falls back to being nobody.
struct AuthenticationMiddleware: RouterMiddleware {
    let keys: KeyRing
    let tokens: TokenVerifier?
    let isRequired: Bool
    /// Paths that say nothing about anybody's jobs.
    let openPaths: Set<String>

    func handle(
        _ request: Request, context: GatewayContext, next: (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        if let credential = try Self.credential(request) {
            guard let caller = try await caller(for: credential) else {
                throw Self.unauthenticated("the key or token is not valid (any more)", error: "invalid_token")
            }
            context.caller = caller
        } else if !isRequired {
            context.caller = .anyone(at: context.remoteAddress?.ipAddress ?? "unknown")
        } else if !openPaths.contains(request.uri.path), request.method != .options {
            throw Self.unauthenticated("this needs a key: send Authorization: Bearer whorl_…", error: nil)
        }
        return try await next(request, context)
    }

    private func caller(for credential: Substring) async throws -> Caller? {
        if credential.hasPrefix("whorl_") { return try await keys.caller(for: credential) }
        return try await tokens?.caller(for: String(credential))
    }

    /// What follows `Bearer` (RFC 6750 §2.1); nil where nothing was sent.
    private static func credential(_ request: Request) throws -> Substring? {
        let fields = request.headers[values: .authorization]
        guard let field = fields.first else { return nil }
        let parts = field.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
        guard fields.count == 1, parts.count == 2, parts[0].lowercased() == "bearer" else {
            throw unauthenticated("Authorization must be: Bearer, a space, and the key or token", error: "invalid_request")
        }
        return parts[1].drop { $0 == " " }
    }

    private static func unauthenticated(_ detail: String, error: String?) -> Problem {
        let challenge = "Bearer realm=\"whorl\"" + (error.map { ", error=\"\($0)\"" } ?? "")
        return Problem(.unauthenticated, detail, closesConnection: true, headers: [.wwwAuthenticate: challenge])
    }
}
