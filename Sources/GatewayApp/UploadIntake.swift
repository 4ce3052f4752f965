import Foundation
import HTTPTypes
import Hummingbird
import JobModel
import Synchronization
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

    let store: any UploadStore
    let maximumBytes: Int
    /// PostgreSQL's time, by which wishes are judged.
    let databaseTime: Date
    let maximumDelaySeconds: Double
    /// An upload of which nothing came for this long is given up.
    let stallSeconds: Double

    /// Takes a raw body or multipart/form-data with a part `file` and, if wanted, parts of `JobWishes`' names.
    ///
    /// - Parameter onChunk: called after every chunk, so that a reservation can be kept alive.
    /// - Throws: a `Problem` that says what was wrong; nothing is left in the store then.
    func receive(
        _ request: Request, onChunk: @escaping @Sendable () async throws -> Void
    ) async throws -> ReceivedUpload {
        let watch = StallWatch(seconds: stallSeconds)
        return try await watch.run {
            try await receiveWatched(request) {
                watch.noteProgress()
                try await onChunk()
            }
        }
    }

    private func receiveWatched(_ request: Request, onChunk: () async throws -> Void) async throws -> ReceivedUpload {
        let type = ParameterizedValue(request.headers[.contentType] ?? "application/octet-stream")
        let declared = try declaredLength(request)
        switch type.value {
        case "multipart/form-data":
            guard let boundary = type.parameters["boundary"] else {
                throw Problem(.badRequest, "multipart_malformed", "the Content-Type lacks its boundary", closesConnection: true)
            }
            return try await receiveMultipart(request, boundary: boundary, declared: declared, onChunk: onChunk)
        case "application/octet-stream", "application/mp4", "application/ogg", "application/mxf", "image/gif",
            "application/x-matroska":
            return try await receiveRaw(request, mediaType: type.value, declared: declared, onChunk: onChunk)
        case let value where value.hasPrefix("video/"):
            return try await receiveRaw(request, mediaType: value, declared: declared, onChunk: onChunk)
        default:
            throw Problem(
                .unsupportedMediaType, "media_type_unsupported",
                "\(type.value.prefix(100)) is not taken; send the clip as video/*, application/octet-stream or multipart/form-data",
                closesConnection: true)
        }
    }

    private func declaredLength(_ request: Request) throws -> Int? {
        guard let text = request.headers[.contentLength] else { return nil }
        guard let length = Int(text), length >= 0 else {
            throw Problem(.badRequest, "content_length_malformed", "Content-Length is not a number", closesConnection: true)
        }
        // What frames a multipart body is small; the clip itself is counted as it comes.
        guard length <= maximumBytes + Self.maximumFieldBytes else { throw tooLarge }
        return length
    }

    private var tooLarge: Problem {
        Problem(
            .contentTooLarge, "upload_too_large", "the clip is larger than the \(maximumBytes) bytes that are taken here",
            closesConnection: true)
    }

    private func receiveRaw(
        _ request: Request, mediaType: String, declared: Int?, onChunk: () async throws -> Void
    ) async throws -> ReceivedUpload {
        let wishes = try wishes { request.uri.queryParameters[Substring($0.rawValue)].map(String.init) }
        let stored = try await withWriter { writer in
            var count = 0
            for try await buffer in request.body {
                count += buffer.readableBytes
                guard count <= maximumBytes else { throw tooLarge }
                try await writer.write(Array(buffer.readableBytesView))
                try await onChunk()
            }
            try Self.checkLength(count, declared: declared)
            guard count > 0 else { throw Self.emptyFile }
            return count
        }
        return ReceivedUpload(stored: stored, mediaType: mediaType, wishes: wishes)
    }

    private func receiveMultipart(
        _ request: Request, boundary: String, declared: Int?, onChunk: () async throws -> Void
    ) async throws -> ReceivedUpload {
        var form = FormReader(maximumBytes: maximumBytes)
        let stored = try await withWriter { writer in
            do {
                var parser = try MultipartParser(boundary: boundary)
                var count = 0
                for try await buffer in request.body {
                    count += buffer.readableBytes
                    // Preamble, padding and ignored parts count too: none of them may go on for ever.
                    guard count <= maximumBytes + Self.maximumFieldBytes else { throw tooLarge }
                    for event in try parser.consume(buffer.readableBytesView) {
                        if let bytes = try form.take(event, tooLarge: tooLarge) { try await writer.write(bytes) }
                    }
                    try await onChunk()
                }
                try Self.checkLength(count, declared: declared)
                try parser.end()
            } catch let error as MultipartParser.Malformed {
                throw Problem(.badRequest, "multipart_malformed", "the form cannot be read: \(error.reason)", closesConnection: true)
            }
            guard let fileBytes = form.fileBytes else {
                throw Problem(.badRequest, "file_missing", "the form has no part named \"file\" with the clip")
            }
            guard fileBytes > 0 else { throw Self.emptyFile }
            // Read here, so that a wrong wish is known before the upload becomes visible.
            _ = try wishes { form.fields[$0.rawValue] }
            return fileBytes
        }
        return ReceivedUpload(
            stored: stored, mediaType: form.fileType, wishes: try wishes { form.fields[$0.rawValue] })
    }

    /// Opens an upload, lets `body` fill it, and finishes it; on any error nothing is left.
    private func withWriter(_ body: (any UploadWriter) async throws -> Int) async throws -> StoredUpload {
        let writer = try await store.begin()
        do {
            _ = try await body(writer)
            return try await writer.finish()
        } catch {
            await writer.abort()
            throw error
        }
    }

    private static var emptyFile: Problem {
        Problem(.badRequest, "empty_file", "the clip has no bytes")
    }

    private static func checkLength(_ count: Int, declared: Int?) throws {
        guard let declared, declared != count else { return }
        throw Problem(
            .badRequest, "upload_truncated", "\(declared) bytes were announced and \(count) came; send the clip again",
            closesConnection: true)
    }

    private func wishes(_ text: (JobWishes.Field) -> String?) throws -> JobWishes {
        try JobWishes(databaseTime: databaseTime, maximumDelaySeconds: maximumDelaySeconds, text)
    }
}

/// Collects a form's small fields and counts its file.
private struct FormReader {
    private enum Part {
        case none, file, field(String), ignored
    }

    let maximumBytes: Int
    private(set) var fields: [String: String] = [:]
    private(set) var fileBytes: Int?
    private(set) var fileType = "application/octet-stream"
    private var part = Part.none
    private var fieldBytes: [UInt8] = []

    init(maximumBytes: Int) {
        self.maximumBytes = maximumBytes
    }

    /// Takes an event; gives the bytes that belong to the clip.
    mutating func take(_ event: MultipartParser.Event, tooLarge: Problem) throws -> [UInt8]? {
        switch event {
        case .partBegan(let headers):
            let disposition = ParameterizedValue(headers["content-disposition"] ?? "")
            switch disposition.parameters["name"] {
            case "file":
                guard fileBytes == nil else {
                    throw Problem(.badRequest, "multipart_malformed", "the form has two parts named \"file\"", closesConnection: true)
                }
                fileBytes = 0
                fileType = headers["content-type"].map { ParameterizedValue($0).value } ?? fileType
                part = .file
            case .some(let name) where JobWishes.Field(rawValue: name) != nil: part = .field(name)
            default: part = .ignored
            }
            fieldBytes = []
        case .partBytes(let bytes):
            switch part {
            case .file:
                fileBytes = (fileBytes ?? 0) + bytes.count
                guard (fileBytes ?? 0) <= maximumBytes else { throw tooLarge }
                return bytes
            case .field(let name):
                fieldBytes += bytes
                guard fieldBytes.count <= JobWishes.maximumBytes else {
                    throw Problem(
                        .badRequest, "field_too_large", "\(name) has more than \(JobWishes.maximumBytes) bytes", field: name,
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

/// Ends an upload of which nothing comes any more, with an answer rather than a closed connection.
private final class StallWatch: Sendable {
    private let seconds: Double
    private let lastProgress = Mutex(ContinuousClock.now)

    init(seconds: Double) {
        self.seconds = seconds
    }

    func noteProgress() {
        lastProgress.withLock { $0 = .now }
    }

    /// - Throws: what `body` throws, or a `Problem` once nothing was noted for too long; `body` is cancelled then.
    func run<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await body() }
            group.addTask {
                while true {
                    let deadline = self.lastProgress.withLock { $0 } + .seconds(self.seconds)
                    guard deadline > .now else { throw self.stalled }
                    try await Task.sleep(until: deadline, clock: .continuous)
                }
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() else { throw stalled }
            return value
        }
    }

    private var stalled: Problem {
        Problem(
            .requestTimeout, "upload_stalled", "nothing of the clip came for \(Int(seconds)) seconds; send it again",
            closesConnection: true)
    }
}
