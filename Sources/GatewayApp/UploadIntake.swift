import Foundation
import HTTPTypes
import Hummingbird
import JobModel
import NIOCore
import NIOHTTPTypes
import Telemetry
import UploadStore

/// A request's clip and wishes, its bytes durable in the store.
struct ReceivedUpload: Sendable {
    var stored: StoredUpload
    var mediaType: String
    var wishes: JobWishes
}

/// Streams a request's body into the store while it is hashed; the body is never whole in memory.
struct UploadIntake: Sendable {
    /// What a form may hold beside the clip.
    static let maximumFieldBytes = 65_536
    static let mediaTypes = """
        video/*, application/octet-stream, application/mp4, application/ogg, application/mxf, application/x-matroska, image/gif
        """

    let store: any UploadStore
    /// Of the job that the upload becomes, and of the upload.
    let id: JobID
    let limits: UploadLimits
    /// PostgreSQL's time, by which wishes are judged.
    let databaseTime: Date
    let maximumDelaySeconds: Double
    let underWay: UploadsUnderWay
    let metrics: MetricRegistry

    /// Takes a raw body or multipart/form-data with a part `file` and, if wanted, parts of `JobWishes`' names.
    ///
    /// - Parameter onChunk: called after every chunk, so that a reservation can be kept alive.
    /// - Throws: a `Problem` that says what was wrong; nothing is left in the store then.
    func receive(
        _ request: Request, _ context: GatewayContext, onChunk: @escaping @Sendable () async throws -> Void
    ) async throws -> ReceivedUpload {
        underWay.begin()
        defer { underWay.end() }
        let watch = UploadWatch(limits: limits)
        do {
            let upload = try await watch.run {
                try await receiveWatched(request, context) { bytes in
                    metrics.add(Double(bytes), to: .uploadBytes)
                    try await watch.note(bytes: bytes)
                    try await onChunk()
                }
            }
            metrics.add(to: .uploadsReceived, ["stored"])
            return upload
        } catch {
            metrics.add(to: .uploadsReceived, ["refused"])
            throw error
        }
    }

    private func receiveWatched(
        _ request: Request, _ context: GatewayContext, onChunk: (Int) async throws -> Void
    ) async throws -> ReceivedUpload {
        let type = ParameterizedValue(request.headers[.contentType] ?? "application/octet-stream")
        let declared = try declaredLength(request)
        if let coding = request.headers[.contentEncoding], coding.lowercased() != "identity" {
            throw Problem(.mediaTypeUnsupported, "send the clip without a Content-Encoding", field: "Content-Encoding", closesConnection: true)
        }
        let digest = try BodyDigest(request)
        if type.value == "multipart/form-data" {
            guard let boundary = type.parameters["boundary"] else {
                throw Problem(.multipartMalformed, "the Content-Type lacks its boundary", closesConnection: true)
            }
            await request.prepareBody(on: context.channel, readBytes: underWay.readBytes)
            return try await receiveMultipart(request, boundary: boundary, declared: declared, digest: digest, onChunk: onChunk)
        }
        let mediaType = try Self.checkedMediaType(type.value)
        let wishes = try wishes { field in
            let text = request.uri.queryParameters[Substring(field.rawValue)].map(String.init)
            // Forms write a space as a plus, and many libraries write queries as forms.
            return field == .options ? text?.replacing("+", with: " ") : text
        }
        await request.prepareBody(on: context.channel, readBytes: underWay.readBytes)
        return try await receiveRaw(
            request, mediaType: mediaType, wishes: wishes, declared: declared, digest: digest, onChunk: onChunk)
    }

    /// - Throws: a `Problem` for a type that no clip has.
    static func checkedMediaType(_ type: String) throws -> String {
        let others = ["application/octet-stream", "application/mp4", "application/ogg", "application/mxf", "application/x-matroska", "image/gif"]
        guard type.hasPrefix("video/") || others.contains(type) else {
            throw Problem(
                .mediaTypeUnsupported, "\(type.prefix(100)) is not taken; send the clip as \(mediaTypes), or in a multipart/form-data",
                field: "Content-Type", closesConnection: true)
        }
        return type
    }

    private func declaredLength(_ request: Request) throws -> Int? {
        guard let text = request.headers[.contentLength] else { return nil }
        guard let length = Int(text), length >= 0 else {
            throw Problem(.requestMalformed, "Content-Length is not a number", closesConnection: true)
        }
        // What frames a multipart body is small; the clip itself is counted as it comes.
        guard length <= limits.maximumBytes.addingClamped(Self.maximumFieldBytes) else { throw limits.tooLarge }
        return length
    }

    private func receiveRaw(
        _ request: Request, mediaType: String, wishes: JobWishes, declared: Int?, digest: BodyDigest,
        onChunk: (Int) async throws -> Void
    ) async throws -> ReceivedUpload {
        var digest = digest
        let stored = try await withWriter(mediaType: { mediaType }) { writer in
            var count = 0
            for try await buffer in request.body {
                count += buffer.readableBytes
                guard count <= limits.maximumBytes else { throw limits.tooLarge }
                digest.update(buffer.readableBytesView)
                try await writer.write(buffer)
                try await onChunk(buffer.readableBytes)
            }
            try Self.checkLength(count, declared: declared)
            guard count > 0 else { throw Self.emptyFile }
            try digest.verify()
        }
        return ReceivedUpload(stored: stored, mediaType: mediaType, wishes: wishes)
    }

    private func receiveMultipart(
        _ request: Request, boundary: String, declared: Int?, digest: BodyDigest, onChunk: (Int) async throws -> Void
    ) async throws -> ReceivedUpload {
        var form = FormReader(limits: limits)
        var digest = digest
        let stored = try await withWriter(mediaType: { form.fileType }) { writer in
            do {
                var parser = try MultipartParser(boundary: boundary)
                var count = 0
                for try await buffer in request.body {
                    count += buffer.readableBytes
                    // Preamble, padding and ignored parts count too: none of them may go on for ever.
                    guard count <= limits.maximumBytes.addingClamped(Self.maximumFieldBytes) else { throw limits.tooLarge }
                    digest.update(buffer.readableBytesView)
                    for event in try parser.consume(buffer.readableBytesView) {
                        if let bytes = try form.take(event) { try await writer.write(ByteBuffer(bytes: bytes)) }
                    }
                    try await onChunk(buffer.readableBytes)
                }
                try Self.checkLength(count, declared: declared)
                try parser.end()
            } catch let error as MultipartParser.Malformed {
                throw Problem(.multipartMalformed, "the form cannot be read: \(error.reason)", closesConnection: true)
            }
            guard let fileBytes = form.fileBytes else {
                throw Problem(.fileMissing, "the form has no part named \"file\" with the clip")
            }
            guard fileBytes > 0 else { throw Self.emptyFile }
            try digest.verify()
            // Read here, so that a wrong wish is known before the upload becomes visible.
            _ = try wishes { form.fields[$0.rawValue] }
        }
        return ReceivedUpload(
            stored: stored, mediaType: form.fileType, wishes: try wishes { form.fields[$0.rawValue] })
    }

    /// Opens an upload, lets `body` fill it, and finishes it; on any error nothing is left.
    private func withWriter(
        mediaType: () -> String, _ body: (PrefixWriter) async throws -> Void
    ) async throws -> StoredUpload {
        let writer = PrefixWriter(try await store.begin(id))
        do {
            try await body(writer)
            try Self.checkFamily(of: writer.prefix, mediaType: mediaType())
            return try await writer.base.finish()
        } catch {
            await writer.base.abort()
            throw error
        }
    }

    /// - Throws: a `Problem` if the bytes are known to be of another type than they were declared as.
    static func checkFamily(of prefix: [UInt8], mediaType: String) throws {
        guard let named = MediaFamily.named(by: mediaType), let family = MediaFamily(prefix: prefix), !named.contains(family) else { return }
        throw Problem(
            .mediaTypeMismatch, "the clip was sent as \(mediaType), and its bytes are \(family.name)", field: "Content-Type")
    }

    private static var emptyFile: Problem {
        Problem(.fileEmpty, "the clip has no bytes")
    }

    private static func checkLength(_ count: Int, declared: Int?) throws {
        guard let declared, declared != count else { return }
        throw Problem(
            .uploadTruncated, "\(declared) bytes were announced and \(count) came; send the clip again", closesConnection: true)
    }

    private func wishes(_ text: (JobWishes.Field) -> String?) throws -> JobWishes {
        try JobWishes(databaseTime: databaseTime, maximumDelaySeconds: maximumDelaySeconds, text)
    }
}

extension UploadLimits {
    var tooLarge: Problem {
        Problem(
            .uploadTooLarge, "the clip is larger than the \(maximumBytes) bytes that are taken here", closesConnection: true)
    }
}

extension Int {
    fileprivate func addingClamped(_ other: Int) -> Int {
        let (sum, overflows) = addingReportingOverflow(other)
        return overflows ? .max : sum
    }
}

extension Request {
    /// Makes ready for a large body, and lets a client go on that waits to hear whether it is wanted (RFC 9110 §10.1.1).
    ///
    /// - Parameter readBytes: how much is read at a time from here on.
    func prepareBody(on channel: any Channel, readBytes: Int) async {
        if let length = headers[.contentLength].flatMap(Int.init), length >= readBytes, channel.parent?.parent == nil {
            do {
                try await channel.setOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: readBytes)).get()
            } catch {
                // Its connection is closed already, as whoever reads from it will see.
            }
        }
        guard headers[.expect]?.lowercased() == "100-continue" else { return }
        // One that does not hear it sends its body a moment later anyway.
        channel.writeAndFlush(HTTPResponsePart.head(HTTPResponse(status: .continue)), promise: nil)
    }
}

/// A writer that remembers how its upload begins. `@unchecked Sendable`: one task uses it at a time, as `UploadWriter` demands.
private final class PrefixWriter: @unchecked Sendable {
    let base: any UploadWriter
    private(set) var prefix: [UInt8] = []

    init(_ base: any UploadWriter) {
        self.base = base
    }

    func write(_ buffer: ByteBuffer) async throws {
        if prefix.count < MediaFamily.prefixBytes { prefix += buffer.readableBytesView.prefix(MediaFamily.prefixBytes - prefix.count) }
        try await base.write(buffer)
    }
}

/// Collects a form's small fields and counts its file.
private struct FormReader {
    private enum Part {
        case none, file, field(String), ignored
    }

    let limits: UploadLimits
    private(set) var fields: [String: String] = [:]
    private(set) var fileBytes: Int?
    private(set) var fileType = "application/octet-stream"
    private var part = Part.none
    private var fieldBytes: [UInt8] = []

    init(limits: UploadLimits) {
        self.limits = limits
    }

    /// Takes an event; gives the bytes that belong to the clip.
    mutating func take(_ event: MultipartParser.Event) throws -> [UInt8]? {
        switch event {
        case .partBegan(let headers):
            let disposition = ParameterizedValue(headers["content-disposition"] ?? "")
            switch disposition.parameters["name"] {
            case "file":
                guard fileBytes == nil else {
                    throw Problem(.multipartMalformed, "the form has two parts named \"file\"", closesConnection: true)
                }
                fileBytes = 0
                if let type = headers["content-type"] { fileType = try UploadIntake.checkedMediaType(ParameterizedValue(type).value) }
                part = .file
            case .some(let name) where JobWishes.Field(rawValue: name) != nil: part = .field(name)
            default: part = .ignored
            }
            fieldBytes = []
        case .partBytes(let bytes):
            switch part {
            case .file:
                fileBytes = (fileBytes ?? 0) + bytes.count
                guard (fileBytes ?? 0) <= limits.maximumBytes else { throw limits.tooLarge }
                return bytes
            case .field(let name):
                fieldBytes += bytes
                guard fieldBytes.count <= JobWishes.maximumBytes else {
                    throw Problem(
                        .fieldTooLarge, "\(name) has more than \(JobWishes.maximumBytes) bytes", field: name,
                        closesConnection: true)
                }
            case .ignored, .none: break
            }
        case .partEnded:
            if case .field(let name) = part { fields[name] = String(decoding: fieldBytes, as: UTF8.self) }
            part = .none
        case .finished: break
        }
        return nil
    }
}
