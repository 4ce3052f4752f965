import Crypto
import Foundation
import HTTPTypes
import Hummingbird

/// The checksum of one piece of a resumable upload (tus 1.0, the checksum extension).
struct UploadChecksum: Sendable {
    static let algorithms = "sha1,sha256,sha512,md5"

    private enum Hash: Sendable {
        case sha1(Insecure.SHA1), sha256(SHA256), sha512(SHA512), md5(Insecure.MD5)
    }

    private var hash: Hash
    private let expected: Data

    /// - Returns: nil where the request has none.
    /// - Throws: a `Problem` for one that cannot be read.
    init?(_ request: Request) throws {
        guard let field = request.headers[.uploadChecksum] else { return nil }
        let parts = field.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, let digest = Data(base64Encoded: String(parts[1])) else { throw Self.malformed }
        let length: Int
        switch parts[0].lowercased() {
        case "sha1": (hash, length) = (.sha1(Insecure.SHA1()), Insecure.SHA1.byteCount)
        case "sha256": (hash, length) = (.sha256(SHA256()), SHA256.byteCount)
        case "sha512": (hash, length) = (.sha512(SHA512()), SHA512.byteCount)
        case "md5": (hash, length) = (.md5(Insecure.MD5()), Insecure.MD5.byteCount)
        default: throw Self.malformed
        }
        guard digest.count == length else { throw Self.malformed }
        expected = digest
    }

    /// Takes the next bytes.
    mutating func update(_ bytes: some DataProtocol) {
        switch hash {
        case .sha1(var hash): hash.update(data: bytes); self.hash = .sha1(hash)
        case .sha256(var hash): hash.update(data: bytes); self.hash = .sha256(hash)
        case .sha512(var hash): hash.update(data: bytes); self.hash = .sha512(hash)
        case .md5(var hash): hash.update(data: bytes); self.hash = .md5(hash)
        }
    }

    /// Whether the bytes were those that the client meant.
    var isMet: Bool {
        switch hash {
        case .sha1(let hash): hash.finalize() == expected
        case .sha256(let hash): hash.finalize() == expected
        case .sha512(let hash): hash.finalize() == expected
        case .md5(let hash): hash.finalize() == expected
        }
    }

    private static var malformed: Problem {
        Problem(
            .parameterInvalid, "Upload-Checksum must be an algorithm (\(algorithms)), a space, and the Base64 of the digest",
            field: "Upload-Checksum", closesConnection: true)
    }
}
