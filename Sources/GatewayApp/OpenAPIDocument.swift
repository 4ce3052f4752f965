import Crypto
import Foundation
import JobModel
import NIOCore

/// The API's description, as it is served.
struct OpenAPIDocument: Sendable {
    static let shared = OpenAPIDocument(bytes: PackageResources.openapi_yaml)

    let text: ByteBuffer
    let entityTag: String

    private init(bytes: [UInt8]) {
        text = ByteBuffer(bytes: bytes)
        entityTag = "\"\(SHA256.hash(data: bytes).prefix(16).hexText)\""
    }
}
