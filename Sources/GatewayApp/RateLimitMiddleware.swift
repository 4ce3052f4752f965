import Foundation
import HTTPTypes
import Hummingbird

/// Keeps each caller to its rate, and says how much is left (draft-ietf-httpapi-ratelimit-headers).
struct RateLimitMiddleware: RouterMiddleware {
    let limiter: RateLimiter
    /// For callers without a rate of their own; nil for none.
    let keyLimit: RateLimit?
    /// For those who show no key, by their address; nil for none.
    let addressLimit: RateLimit?

    func handle(
        _ request: Request, context: GatewayContext, next: (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        guard let caller = context.caller, let limit = limit(for: caller) else { return try await next(request, context) }
        let decision = await limiter.take(caller.identity, limit)
        guard decision.isAllowed else {
            let seconds = max(1, Int(decision.retrySeconds.rounded(.up)))
            throw Problem(
                .rateLimited, "no more than \(limit.perSecond.formatted()) requests a second, \(limit.burst) at once; wait \(seconds) s",
                retryAfterSeconds: seconds, closesConnection: request.mayHaveBody, headers: Self.fields(decision))
        }
        do {
            var response = try await next(request, context)
            response.headers.append(contentsOf: Self.fields(decision))
            return response
        } catch var problem as Problem {
            problem.headers.append(contentsOf: Self.fields(decision))
            throw problem
        }
    }

    private func limit(for caller: Caller) -> RateLimit? {
        if let own = caller.requestsPerSecond {
            return RateLimit(perSecond: own, burst: max(1, Int((own * 2).rounded(.up))))
        }
        return caller.identity.hasPrefix("address:") ? addressLimit : keyLimit
    }

    private static func fields(_ decision: RateLimiter.Decision) -> HTTPFields {
        let window = max(1, Int((Double(decision.limit.burst) / decision.limit.perSecond).rounded(.up)))
        let reset = max(decision.isAllowed ? 0 : 1, Int(decision.retrySeconds.rounded(.up)))
        return [
            .rateLimitPolicy: "\"caller\";q=\(decision.limit.burst);w=\(window)",
            .rateLimit: "\"caller\";r=\(decision.remaining);t=\(reset)",
        ]
    }
}
