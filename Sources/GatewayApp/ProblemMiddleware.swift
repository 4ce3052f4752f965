import Hummingbird
import Logging
import NIOHTTP1
import PostgresClient
import Telemetry
import UploadStore

/// Turns every error into a problem, logs each request once, and never shows a client what is inside.
struct ProblemMiddleware<Context: RequestContext>: RouterMiddleware {
    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        var response: Response
        do {
            response = try await next(request, context)
        } catch let error as any HTTPResponseError where !(error is HTTPError) {
            response = try error.response(from: request, context: context)
        } catch {
            let problem = problem(for: error, request: request, context: context)
            response = try problem.response(from: request, context: context)
        }
        response.headers[.xContentTypeOptions] = "nosniff"
        context.logger.debug("request", metadata: [
            LogField.method: "\(request.method)", LogField.path: "\(request.uri.path)",
            LogField.status: "\(response.status.code)", LogField.seconds: "\(start.duration(to: .now).seconds)",
        ])
        return response
    }

    private func problem(for error: any Error, request: Request, context: Context) -> Problem {
        switch error {
        case let error as HTTPError where error.status == .notFound:
            return .notFound("\(request.method) \(request.uri.path)")
        case let error as HTTPError:
            return Problem(error.status, "http_error", error.body ?? error.status.reasonPhrase)
        case is HTTPParserError:
            // The client's connection ended, or its framing was wrong, in the middle of the body.
            return Problem(
                .badRequest, "upload_truncated", "the request's body broke off; send the clip again", closesConnection: true)
        case let error as UploadError:
            context.logger.error("the upload store failed", metadata: [LogField.error: "\(error.debugDescription)"])
            return error == .noSpace
                ? Problem(.init(code: 507, reasonPhrase: "Insufficient Storage"), "no_space", error.description, retryAfterSeconds: 60, closesConnection: true)
                : Problem(.serviceUnavailable, "store_unavailable", error.description, retryAfterSeconds: 5, closesConnection: true)
        case let error as PostgresError:
            context.logger.error("PostgreSQL failed", metadata: [LogField.error: "\(error.debugDescription)"])
            var problem = error.isRetryable
                ? Problem.unavailable("the database")
                : Problem(.internalServerError, "internal_error", "the server made a mistake; it has been logged")
            problem.closesConnection = true
            return problem
        default:
            context.logger.error("a request failed", metadata: [LogField.error: "\(String(reflecting: error))"])
            return Problem(
                .internalServerError, "internal_error", "the server made a mistake; it has been logged",
                closesConnection: true)
        }
    }
}

extension Duration {
    /// The duration in seconds.
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
