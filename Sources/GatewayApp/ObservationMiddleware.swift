import Foundation
import HTTPTypes
import Hummingbird
import JobModel
import Logging
import NIOHTTP1
import PostgresClient
import Telemetry
import UploadStore

/// Gives every request an id, counts and logs it once, turns every error into a problem, and never shows a client what is
/// inside.
struct ObservationMiddleware: RouterMiddleware {
    let metrics: MetricRegistry

    func handle(
        _ request: Request, context: GatewayContext, next: (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        if let id = request.headers[.requestID], Self.isPlain(id) { context.rename(id) }
        if let trace = request.traceparent.flatMap({ TraceContext(traceparent: $0) }) {
            context.logger[metadataKey: LogField.trace] = "\(trace.traceID)"
            context.logger[metadataKey: LogField.parentSpan] = "\(trace.spanID)"
        }
        let start = ContinuousClock.now
        metrics.add(to: .httpRequestsInFlight)
        defer { metrics.add(-1, to: .httpRequestsInFlight) }
        var response: Response
        do {
            response = try await next(request, context)
        } catch {
            let problem = problem(for: error, request: request, context: context)
            metrics.add(to: .httpProblems, [problem.type.rawValue])
            response = try problem.response(from: request, context: context)
            // What a HEAD's client does not expect would be the beginning of the next answer.
            if request.method == .head { response = response.createHeadResponse() }
        }
        response.headers[.requestID] = context.requestID
        let seconds = start.duration(to: .now).seconds
        // The route's pattern, never the path: that has ids in it.
        let route = context.endpointPath ?? "none"
        let method = Self.knownMethods.contains(request.method) ? request.method.rawValue : "other"
        metrics.add(to: .httpRequests, [method, route, String(response.status.code)])
        metrics.observe(seconds, .httpRequestSeconds, [method, route])
        context.logger.debug("request", metadata: [
            LogField.method: "\(method)", LogField.path: "\(request.uri.path.prefix(200))",
            LogField.status: "\(response.status.code)", LogField.seconds: "\(seconds)",
        ])
        return response
    }

    private static let knownMethods: Set<HTTPRequest.Method> = [.get, .head, .post, .put, .patch, .delete, .options]

    /// Ids go into logs: short, and nothing that could be taken for something else.
    private static func isPlain(_ id: String) -> Bool {
        (1...100).contains(id.utf8.count) && id.utf8.allSatisfy { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 45 || byte == 46 || byte == 95
        }
    }

    private func problem(for error: any Error, request: Request, context: GatewayContext) -> Problem {
        switch error {
        case let problem as Problem: return problem
        case let error as HTTPError where error.status == .notFound:
            return .notFound("\(request.method) \(request.uri.path.prefix(200))")
        case let error as HTTPError where error.status == .contentTooLarge:
            return Problem(.uploadTooLarge, "the body is too large", closesConnection: true)
        case let error as HTTPError where error.status.kind == .clientError:
            return Problem(.requestMalformed, error.body ?? error.status.reasonPhrase, closesConnection: true)
        case is HTTPParserError:
            // The client's connection ended, or its framing was wrong, in the middle of the body.
            return Problem(.uploadTruncated, "the request's body broke off; send the clip again", closesConnection: true)
        case let error as UploadError:
            context.logger.error("the upload store failed", metadata: [LogField.error: "\(error.debugDescription)"])
            return error == .noSpace
                ? Problem(.noSpace, error.description, retryAfterSeconds: 60, closesConnection: true)
                : Problem(.storeUnavailable, error.description, retryAfterSeconds: 5, closesConnection: true)
        case let error as PostgresError where error.isRetryable:
            context.logger.error("PostgreSQL failed", metadata: [LogField.error: "\(error.debugDescription)"])
            return Problem(
                .databaseUnavailable, "the database cannot be reached; nothing was accepted, try again", retryAfterSeconds: 5,
                closesConnection: true)
        default:
            let detail = (error as? PostgresError)?.debugDescription ?? String(reflecting: error)
            context.logger.error("a request failed", metadata: [LogField.error: "\(detail)"])
            return Problem(.internalError, "the server made a mistake; it has been logged", closesConnection: true)
        }
    }
}

extension Duration {
    /// The duration in seconds.
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
