import Foundation
import HTTPTypes
import Hummingbird
import JobModel

/// An error as the API tells it: RFC 9457 problem details, as `application/problem+json`.
public struct Problem: Error, HTTPResponseError, Sendable {
    public var type: ProblemType
    /// What was wrong with this request, and what to do.
    public var detail: String
    /// The field, parameter or header that was wrong, where it was one.
    public var field: String?
    /// Why a job ended, where that is the problem.
    public var error: JobError?
    /// Seconds after which a repetition makes sense.
    public var retryAfterSeconds: Int?
    /// Whether the request's body was left unread, so that the connection cannot be used again.
    public var closesConnection: Bool
    /// Fields that this problem's answer must carry beside the usual ones.
    public var headers: HTTPFields

    public init(
        _ type: ProblemType, _ detail: String, field: String? = nil, error: JobError? = nil, retryAfterSeconds: Int? = nil,
        closesConnection: Bool = false, headers: HTTPFields = [:]
    ) {
        self.type = type
        self.detail = detail
        self.field = field
        self.error = error
        self.retryAfterSeconds = retryAfterSeconds
        self.closesConnection = closesConnection
        self.headers = headers
    }

    public var status: HTTPResponse.Status { type.status }

    private struct Body: Encodable {
        let type, title, detail, code, instance: String
        let requestID: String
        let field: String?
        let error: JobError?
        let status: Int

        enum CodingKeys: String, CodingKey {
            case type, title, detail, code, instance, field, error, status
            case requestID = "requestId"
        }
    }

    /// Its body.
    func json(instance: String, requestID: String) throws -> String {
        let body = Body(
            type: "urn:whorl:problem:\(type.rawValue)", title: type.title, detail: detail, code: type.rawValue, instance: instance,
            requestID: requestID, field: field, error: error, status: status.code)
        return String(decoding: try WhorlJSON.encoder().encode(body), as: UTF8.self)
    }

    public func response(from request: Request, context: some RequestContext) throws -> Response {
        let requestID = (context as? GatewayContext)?.requestID ?? context.id
        var response = Response.json(text: try json(instance: request.uri.path, requestID: requestID), status: status)
        response.headers[.contentType] = "application/problem+json"
        response.headers.append(contentsOf: headers)
        if let retryAfterSeconds { response.headers[.retryAfter] = String(retryAfterSeconds) }
        if closesConnection { response.headers[.connection] = "close" }
        return response
    }

    static func notFound(_ what: String) -> Problem {
        Problem(.notFound, "there is no \(what)")
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
