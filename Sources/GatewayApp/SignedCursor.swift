import Crypto
import Foundation
import JobModel
import JobStore

/// Where a page of a listing ended: opaque to clients, and good only for the tenant, the listing and the filter that it was
/// given for.
struct SignedCursor: Sendable {
    /// 128 bits are plenty against guessing.
    private static let signatureBytes = 16

    let key: SymmetricKey

    /// - Parameter secret: the same for all gateways.
    init(secret: [UInt8]) {
        key = SymmetricKey(data: secret)
    }

    /// The text for `id`, the last of a page of `listing`, as `tenant` filtered it.
    func text(after id: JobID, tenant: Tenant, listing: String) -> String {
        let bytes = withUnsafeBytes(of: id.uuid.uuid) { Data($0) }
        return (bytes + signature(bytes, tenant, listing).prefix(Self.signatureBytes)).base64URL
    }

    /// Where a cursor's listing goes on; nil for one that was not given for this listing.
    func id(in text: some StringProtocol, tenant: Tenant, listing: String) -> JobID? {
        guard let data = Data(base64URL: text), data.count == 16 + Self.signatureBytes else { return nil }
        let bytes = Data(data.prefix(16))
        let expected = signature(bytes, tenant, listing).prefix(Self.signatureBytes)
        // All bytes are looked at, so that the answer's time does not tell how many are right.
        let difference = zip(expected, data.dropFirst(16)).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) }
        guard difference == 0 else { return nil }
        return bytes.withUnsafeBytes { JobID(uuid: UUID(uuid: $0.loadUnaligned(as: uuid_t.self))) }
    }

    private func signature(_ bytes: Data, _ tenant: Tenant, _ listing: String) -> Data {
        var code = HMAC<SHA256>(key: key)
        code.update(data: bytes)
        code.update(data: Data("\(tenant.name)\u{0}\(listing)".utf8))
        return Data(code.finalize())
    }
}
