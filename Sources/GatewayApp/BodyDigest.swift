import Crypto
import Foundation
import HTTPTypes
import Hummingbird

/// Checks a body against what Repr-Digest or Content-Digest says of it (RFC 9530); algorithms that are not known are passed over, as
/// that says.
struct BodyDigest: Sendable {
    private struct Expectation {
        let field: String
        let digest: Data
    }

    private var sha256: (hash: SHA256, expected: [Expectation]) = (SHA256(), [])
    private var sha512: (hash: SHA512, expected: [Expectation]) = (SHA512(), [])

    /// - Throws: a `Problem` for a field that cannot be read.
    init(_ request: Request) throws {
        for name in [HTTPField.Name.reprDigest, .contentDigest] {
            let fields = request.headers[values: name]
            guard fields.allSatisfy({ !$0.trimmingCharacters(in: .whitespaces).isEmpty }) else { throw Self.malformed(name) }
            for member in fields.flatMap({ $0.split(separator: ",") }) {
                let parts = member.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
                guard parts.count == 2, parts[1].count >= 2, parts[1].hasPrefix(":"), parts[1].hasSuffix(":"),
                    let digest = Data(base64Encoded: String(parts[1].dropFirst().dropLast()))
                else { throw Self.malformed(name) }
                let expectation = Expectation(field: name.canonicalName, digest: digest)
                switch parts[0].lowercased() {
                case "sha-256" where digest.count == SHA256.byteCount: sha256.expected.append(expectation)
                case "sha-512" where digest.count == SHA512.byteCount: sha512.expected.append(expectation)
                case "sha-256", "sha-512": throw Self.malformed(name)
                default: break
                }
            }
        }
    }

    /// Takes the next bytes.
    mutating func update(_ bytes: some DataProtocol) {
        if !sha256.expected.isEmpty { sha256.hash.update(data: bytes) }
        if !sha512.expected.isEmpty { sha512.hash.update(data: bytes) }
    }

    /// Call at the end of the body.
    ///
    /// - Throws: a `Problem` if the bytes are others.
    func verify() throws {
        let (short, long) = (sha256.hash.finalize(), sha512.hash.finalize())
        guard let mismatch = sha256.expected.first(where: { !(short == $0.digest) }) ?? sha512.expected.first(where: { !(long == $0.digest) })
        else { return }
        throw Problem(
            .digestMismatch, "the bytes that came have another digest than \(mismatch.field) says; send the clip again", field: mismatch.field)
    }

    private static func malformed(_ name: HTTPField.Name) -> Problem {
        Problem(
            .parameterInvalid, "\(name.rawName) must be as in RFC 9530, such as sha-256=:…:", field: name.rawName,
            closesConnection: true)
    }
}
