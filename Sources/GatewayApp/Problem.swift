import Foundation
import HTTPTypes
import Hummingbird
import JobModel

/// An error as the API tells it: RFC 9457 problem details, as `application/problem+json`.
public struct Problem: Error, HTTPResponseError, Sendable {
    public var status: HTTPResponse.Status
    /// A stable snake_case word; the problem's type is `urn:whorl:problem:<code>`.
    public var code: String
    /// What went wrong in general.
    public var title: String
    /// What was wrong with this request, and what to do.
    public var detail: String
    /// The field or header that was wrong, where it was one.
    public var field: String?
    /// Seconds after which a repetition makes sense.
    public var retryAfterSeconds: Int?
    /// Whether the request's body was left unread, so that the connection cannot be used again.
    public var closesConnection: Bool

    public init(
        _ status: HTTPResponse.Status, _ code: String, title: String? = nil, _ detail: String,
        field: String? = nil, retryAfterSeconds: Int? = nil, closesConnection: Bool = false
    ) {
        self.status = status
        self.code = code
        self.title = title ?? status.reasonPhrase
        self.detail = detail
        self.field = field
        self.retryAfterSeconds = retryAfterSeconds
        self.closesConnection = closesConnection
    }

    private struct Body: Encodable {
        let type, title, detail, code, instance: String
        let field: String?
        let status: Int
    }

    public func response(from request: Request, context: some RequestContext) throws -> Response {
        let body = Body(
            type: "urn:whorl:problem:\(code)", title: title, detail: detail, code: code, instance: request.uri.path,
            field: field, status: status.code)
        var response = try Response.json(body, status: status)
        response.headers[.contentType] = "application/problem+json"
        if let retryAfterSeconds { response.headers[.retryAfter] = String(retryAfterSeconds) }
        if closesConnection { response.headers[.connection] = "close" }
        return response
    }

    /// PostgreSQL is away: nothing was accepted.
    static func unavailable(_ what: String) -> Problem {
        Problem(
            .serviceUnavailable, "unavailable", "\(what) cannot be reached; nothing was accepted, try again",
            retryAfterSeconds: 5)
    }

    static func notFound(_ what: String) -> Problem {
        Problem(.notFound, "not_found", "there is no \(what)")
    }
}

extension Response {
    /// A JSON answer.
    static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
        json(text: String(decoding: try WhorlJSON.encoder().encode(value), as: UTF8.self), status: status)
    }

    /// An answer that is JSON already.
    static func json(text: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status,
            headers: [.contentType: "application/json; charset=utf-8", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
