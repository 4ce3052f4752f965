import Crypto
import Foundation
import JobModel

/// Who signs requests to an S3-compatible store.
public struct S3Credentials: Hashable, Sendable {
    public var accessKey: String
    public var secretKey: String
    /// Of temporary credentials.
    public var sessionToken: String?

    public init(accessKey: String, secretKey: String, sessionToken: String? = nil) {
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.sessionToken = sessionToken
    }
}

/// AWS Signature Version 4 for S3, in the Authorization header.
public struct SignatureV4: Sendable {
    public let credentials: S3Credentials
    public let region: String
    private static let service = "s3"
    /// Unreserved characters of RFC 3986 §2.3; all others are encoded.
    private static let unreserved = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)

    public init(credentials: S3Credentials, region: String) {
        self.credentials = credentials
        self.region = region
    }

    /// The fields to send, those that were given among them.
    ///
    /// - Parameters:
    ///   - path: not encoded, beginning with a slash.
    ///   - query: names and values, not encoded.
    ///   - fields: `host` must be among them.
    ///   - payloadSHA256: of the body, hex.
    public func signed(
        method: String, path: String, query: [(String, String)], fields: [(String, String)], payloadSHA256: String, at moment: Date
    ) -> [(String, String)] {
        let stamp = moment.formatted(Date.ISO8601FormatStyle(dateSeparator: .omitted, timeSeparator: .omitted))
        let day = String(stamp.prefix(8))
        var all = fields.map { ($0.0.lowercased(), $0.1.split(separator: " ").joined(separator: " ")) }
        all.append(("x-amz-date", stamp))
        all.append(("x-amz-content-sha256", payloadSHA256))
        if let token = credentials.sessionToken { all.append(("x-amz-security-token", token)) }
        all.sort { $0.0 < $1.0 }
        let names = all.map(\.0).joined(separator: ";")
        let canonical = [
            method, Self.encoded(path: path), Self.encoded(query: query), all.map { "\($0.0):\($0.1)\n" }.joined(), names, payloadSHA256,
        ].joined(separator: "\n")
        let scope = "\(day)/\(region)/\(Self.service)/aws4_request"
        let toSign = "AWS4-HMAC-SHA256\n\(stamp)\n\(scope)\n\(SHA256.hash(data: Data(canonical.utf8)).hexText)"
        var key = Data("AWS4\(credentials.secretKey)".utf8)
        for part in [day, region, Self.service, "aws4_request"] { key = Self.code(part, key) }
        let signature = Self.code(toSign, key).hexText
        all.append((
            "authorization",
            "AWS4-HMAC-SHA256 Credential=\(credentials.accessKey)/\(scope), SignedHeaders=\(names), Signature=\(signature)"))
        return all
    }

    private static func code(_ text: String, _ key: Data) -> Data {
        Data(HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: SymmetricKey(data: key)))
    }

    /// A path with everything encoded but its slashes.
    static func encoded(path: String) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false).map { encoded($0) }.joined(separator: "/")
    }

    /// A query in the order that is signed.
    static func encoded(query: [(String, String)]) -> String {
        query.map { (encoded($0.0), encoded($0.1)) }.sorted { $0 < $1 }.map { "\($0.0)=\($0.1)" }.joined(separator: "&")
    }

    private static func encoded(_ text: some StringProtocol) -> String {
        var encoded = ""
        for byte in text.utf8 {
            if unreserved.contains(byte) {
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                encoded += "%" + [byte].hexText.uppercased()
            }
        }
        return encoded
    }
}
