import HTTPTypes

/// Header fields that swift-http-types does not name.
extension HTTPField.Name {
    static let prefer = named("Prefer")
    static let preferenceApplied = named("Preference-Applied")
    static let idempotencyKey = named("Idempotency-Key")
    static let traceparent = named("traceparent")
    static let rateLimit = named("RateLimit")
    static let rateLimitPolicy = named("RateLimit-Policy")
    static let requestID = named("X-Request-Id")
    static let reprDigest = named("Repr-Digest")
    static let contentDigest = named("Content-Digest")
    static let tusResumable = named("Tus-Resumable")
    static let tusVersion = named("Tus-Version")
    static let tusExtension = named("Tus-Extension")
    static let tusMaxSize = named("Tus-Max-Size")
    static let tusChecksumAlgorithm = named("Tus-Checksum-Algorithm")
    static let uploadLength = named("Upload-Length")
    static let uploadDeferLength = named("Upload-Defer-Length")
    static let uploadOffset = named("Upload-Offset")
    static let uploadMetadata = named("Upload-Metadata")
    static let uploadChecksum = named("Upload-Checksum")
    static let uploadExpires = named("Upload-Expires")
    static let methodOverride = named("X-HTTP-Method-Override")
    static let lastEventID = named("Last-Event-ID")
    static let link = named("Link")
    static let referrerPolicy = named("Referrer-Policy")
    static let crossOriginResourcePolicy = named("Cross-Origin-Resource-Policy")
    static let frameOptions = named("X-Frame-Options")

    private static func named(_ text: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else { preconditionFailure("\(text) is no field name") }
        return name
    }
}
