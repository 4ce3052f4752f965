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
    let limiter: RateLimiter
    /// How many keys that were never seen before an address may show, since each is looked up; nil for any number.
    let strangerLimit: RateLimit?

    func handle(
        _ request: Request, context: GatewayContext, next: (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        if let credential = try Self.credential(request) {
            guard let caller = try await caller(for: credential, at: Self.address(context)) else {
                throw Self.unauthenticated("the key or token is not valid (any more)", error: "invalid_token")
            }
            context.caller = caller
        } else if !isRequired {
            context.caller = .anyone(at: Self.address(context))
        } else if !openPaths.contains(request.uri.path), request.method != .options {
            throw Self.unauthenticated("this needs a key: send Authorization: Bearer whorl_…", error: nil)
        }
        return try await next(request, context)
    }

    private static func address(_ context: GatewayContext) -> String {
        context.remoteAddress?.ipAddress ?? "unknown"
    }

    private func caller(for credential: Substring, at address: String) async throws -> Caller? {
        guard credential.hasPrefix("whorl_") else { return try await tokens?.caller(for: String(credential)) }
        if let strangerLimit, !(await keys.remembers(credential)) {
            let decision = await limiter.take("stranger:" + address, strangerLimit)
            guard decision.isAllowed else {
                let seconds = max(1, Int(decision.retrySeconds.rounded(.up)))
                throw Problem(
                    .rateLimited, "too many unknown keys come from \(address); wait \(seconds) s", retryAfterSeconds: seconds,
                    closesConnection: true)
            }
        }
        return try await keys.caller(for: credential)
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
