import HTTPTypes
import Hummingbird

/// What every answer tells browsers: nothing here is to be guessed at, framed, or shown to other sites.
struct SecurityHeaders: RouterMiddleware {
    /// With TLS, browsers are told to come back with TLS only.
    let hasTLS: Bool

    func handle(
        _ request: Request, context: GatewayContext, next: (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        response.headers[.xContentTypeOptions] = "nosniff"
        response.headers[.referrerPolicy] = "no-referrer"
        response.headers[.frameOptions] = "DENY"
        if response.headers[.contentSecurityPolicy] == nil {
            response.headers[.contentSecurityPolicy] = "default-src 'none'; frame-ancestors 'none'"
        }
        if response.headers[.crossOriginResourcePolicy] == nil { response.headers[.crossOriginResourcePolicy] = "same-origin" }
        if hasTLS { response.headers[.strictTransportSecurity] = "max-age=31536000" }
        return response
    }
}

/// Lets pages of the named origins, and of no others, read answers (the Fetch standard's CORS protocol).
struct CrossOrigin: RouterMiddleware {
    static let allowedMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
    static let allowedFields = """
        Authorization, Content-Digest, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, Prefer, Repr-Digest, traceparent, \
        Tus-Resumable, Upload-Checksum, Upload-Defer-Length, Upload-Length, Upload-Metadata, Upload-Offset, X-HTTP-Method-Override, X-Request-Id
        """
    static let exposedFields = """
        Content-Location, ETag, Link, Location, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, Tus-Checksum-Algorithm, Tus-Extension, \
        Tus-Max-Size, Tus-Resumable, Tus-Version, Upload-Defer-Length, Upload-Expires, Upload-Length, Upload-Metadata, Upload-Offset, WWW-Authenticate, X-Request-Id
        """

    /// As browsers send them: scheme, host and, unless it is the scheme's own, port.
    let origins: Set<String>

    func handle(
        _ request: Request, context: GatewayContext, next: (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        guard let origin = request.headers[.origin] else {
            var response = try await next(request, context)
            if !origins.isEmpty { response.headers.append(HTTPField(name: .vary, value: "Origin")) }
            return response
        }
        guard origins.contains(origin) else {
            // A page of another origin gets an answer that its browser does not let it read.
            var response = try await next(request, context)
            response.headers.append(HTTPField(name: .vary, value: "Origin"))
            return response
        }
        let isPreflight = request.method == .options && request.headers[.accessControlRequestMethod] != nil
        var response = isPreflight ? Response(status: .noContent) : try await next(request, context)
        response.headers[.accessControlAllowOrigin] = origin
        response.headers.append(HTTPField(name: .vary, value: "Origin"))
        response.headers[.crossOriginResourcePolicy] = "cross-origin"
        if isPreflight {
            response.headers[.accessControlAllowMethods] = Self.allowedMethods
            response.headers[.accessControlAllowHeaders] = Self.allowedFields
            response.headers[.accessControlMaxAge] = "7200"
        } else {
            response.headers[.accessControlExposeHeaders] = Self.exposedFields
        }
        return response
    }
}
