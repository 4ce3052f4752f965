import CZlib
import HTTPTypes
import Hummingbird
import NIOCore

/// Compresses text for clients that take gzip (RFC 9110 §8.4.1.3). Pictures and clips are compressed already, and streams of events
/// must not be held back.
struct Compression: RouterMiddleware {
    /// Less is not worth its header.
    private static let minimumBytes = 1024
    private static let maximumBytes = 8 << 20
    private static let types = ["application/json", "application/problem+json", "text/", "application/yaml", "image/svg+xml"]

    func handle(
        _ request: Request, context: GatewayContext, next: (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        guard let type = response.headers[.contentType], Self.types.contains(where: type.hasPrefix),
            let length = response.body.contentLength, (Self.minimumBytes...Self.maximumBytes).contains(length),
            response.headers[.contentEncoding] == nil
        else { return response }
        response.headers.append(HTTPField(name: .vary, value: "Accept-Encoding"))
        guard Self.takesGzip(request) else { return response }
        let collected = CollectedBody()
        try await response.body.write(collected)
        guard let compressed = Gzip.compress(collected.buffer) else {
            response.body = ResponseBody(byteBuffer: collected.buffer)
            return response
        }
        response.headers[.contentEncoding] = "gzip"
        // A strong tag is one of bytes: these are others.
        if let tag = response.headers[.eTag], tag.hasSuffix("\""), !tag.hasPrefix("W/") {
            response.headers[.eTag] = tag.dropLast() + "+gzip\""
        }
        response.headers[.contentLength] = String(compressed.readableBytes)
        response.body = ResponseBody(byteBuffer: compressed)
        return response
    }

    /// Whether gzip is named in Accept-Encoding, or covered by `*`, and not with a weight of 0.
    static func takesGzip(_ request: Request) -> Bool {
        var wildcard = false
        for element in request.headers[values: .acceptEncoding].flatMap({ $0.split(separator: ",") }) {
            let parts = element.split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces).lowercased() }
            let isRefused = parts.dropFirst().contains { $0.hasPrefix("q=") && Double($0.dropFirst(2)) == 0 }
            switch parts.first {
            case "gzip", "x-gzip": return !isRefused
            case "*": wildcard = !isRefused
            default: break
            }
        }
        return wildcard
    }
}

/// Takes a body that is in memory already.
private final class CollectedBody: ResponseBodyWriter {
    private(set) var buffer = ByteBuffer()

    func write(_ buffer: ByteBuffer) async throws {
        self.buffer.writeImmutableBuffer(buffer)
    }

    func finish(_ trailingHeaders: HTTPFields?) async throws {}
}

/// zlib's gzip.
enum Gzip {
    private static let level: Int32 = 5

    /// The bytes compressed; nil where zlib has no memory for it.
    static func compress(_ plain: ByteBuffer) -> ByteBuffer? {
        var stream = z_stream()
        guard whorl_deflate_init_gzip(&stream, level) == Z_OK else { return nil }
        defer { deflateEnd(&stream) }
        let bound = Int(deflateBound(&stream, UInt(plain.readableBytes)))
        var compressed = ByteBuffer()
        let isWhole = plain.withUnsafeReadableBytes { input in
            compressed.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { output in
                // zlib's field is not const, but deflate only reads it.
                stream.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.bindMemory(to: UInt8.self).baseAddress
                stream.avail_out = UInt32(output.count)
                guard deflate(&stream, Z_FINISH) == Z_STREAM_END else { return 0 }
                return output.count - Int(stream.avail_out)
            } > 0
        }
        return isWhole ? compressed : nil
    }
}
