import Foundation
import HTTPTypes
import Hummingbird
import JobModel
import JobStore
import Logging
import Synchronization
import Telemetry
import UploadStore

/// Resumable uploads: tus 1.0 with creation, creation-with-upload, creation-defer-length, termination, checksum and expiration.
///
/// An upload's id is that of the job that it becomes when it is whole.
struct UploadRoutes: Sendable {
    private static let version = "1.0.0"
    private static let extensions = "creation,creation-with-upload,creation-defer-length,termination,checksum,expiration"
    private static let pieceType = "application/offset+octet-stream"
    /// A request that writes holds its upload for so long without a byte.
    private static let leaseSeconds = 15.0
    /// So many bytes are lost at most when a gateway dies.
    private static let checkpointBytes: Int64 = 64 << 20
    /// How long a request waits for another one of this gateway to let go.
    private static let patience = Duration.seconds(3)

    let gateway: Gateway
    let open: OpenUploads

    func add(to router: inout APIRouter) {
        router.on(.options, "api/uploads", nil, use: options)
        router.post("api/uploads", .submit, use: Self.speakingTus(create))
        router.on(.head, "api/uploads/{id}", .submit, use: Self.speakingTus(offset))
        router.on(.patch, "api/uploads/{id}", .submit, use: Self.speakingTus(append))
        router.on(.delete, "api/uploads/{id}", .submit, use: Self.speakingTus(terminate))
        // For clients behind something that knows GET and POST alone.
        router.post("api/uploads/{id}", .submit, use: Self.speakingTus { request, context in
            switch request.headers[.methodOverride]?.uppercased() {
            case "PATCH": try await append(request, context)
            case "DELETE": try await terminate(request, context)
            case "HEAD": try await offset(request, context)
            default:
                throw Problem(
                    .parameterInvalid, "POST is taken here with X-HTTP-Method-Override: PATCH, DELETE or HEAD",
                    field: "X-HTTP-Method-Override", closesConnection: true)
            }
        })
    }

    /// Every answer names the version, refusals too.
    private static func speakingTus(_ handler: @escaping APIRouter.Handler) -> APIRouter.Handler {
        { request, context in
            do {
                return try await handler(request, context)
            } catch var problem as Problem {
                problem.headers[.tusResumable] = version
                throw problem
            }
        }
    }

    private func options(_ request: Request, _ context: GatewayContext) async throws -> Response {
        Response(status: .noContent, headers: [
            .allow: "OPTIONS, POST", .tusResumable: Self.version, .tusVersion: Self.version, .tusExtension: Self.extensions,
            .tusMaxSize: String(gateway.configuration.uploadLimits.maximumBytes), .tusChecksumAlgorithm: UploadChecksum.algorithms,
        ])
    }

    private func create(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Self.checkVersion(request)
        let tenant = try context.tenant
        let length = try declaredLength(request)
        let announced = length ?? request.headers[.contentLength].flatMap(Int64.init) ?? 0
        let (maximumQueued, room) = try await gateway.quotas.admit(tenant, bytes: announced)
        let ticket = try await gateway.admission.admit(tenant, maximumQueued: maximumQueued)
        let metadata = request.headers[.uploadMetadata] ?? ""
        let wishes = try wishes(metadata, ticket: ticket, traceparent: request.traceparent)
        let hasPiece = request.mayHaveBody
        if hasPiece { try Self.checkPieceType(request) }
        let id = JobID.make()
        let configuration = gateway.configuration
        guard let upload = try await gateway.resumables.create(
            id, tenant: tenant, length: length, metadata: metadata, wishes: wishes,
            checkpoint: try UploadCheckpoint(key: UploadKey.make(id), bytes: 0).text,
            keepSeconds: configuration.resumableKeepSeconds, maximumOpen: configuration.maximumOpenUploads)
        else {
            throw Problem(
                .tooManyUploads, "\(configuration.maximumOpenUploads) of your resumable uploads are open already; end or terminate some",
                closesConnection: true)
        }
        var headers = Self.headers(upload)
        headers[.location] = "/api/uploads/\(id)"
        guard hasPiece else { return Response(status: .created, headers: headers) }
        let received = try await receive(request, context, id: id, offset: 0, maximumBytes: room, isNew: true)
        headers[.uploadOffset] = String(received.received)
        if received.isCompleted { headers[.contentLocation] = "/api/jobs/\(id)" }
        return Response(status: .created, headers: headers)
    }

    private func offset(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Self.checkVersion(request)
        let id = try context.jobID
        let tenant = try context.tenant
        // What a broken connection left on its way is counted before the offset is told.
        await open.interrupt(id)
        let held = try await hold(id, tenant: tenant)
        try await gateway.resumables.release(held.hold)
        var headers = Self.headers(held.upload)
        headers[.uploadOffset] = String(held.upload.received)
        if let length = held.upload.length { headers[.uploadLength] = String(length) } else { headers[.uploadDeferLength] = "1" }
        if !held.upload.metadata.isEmpty { headers[.uploadMetadata] = held.upload.metadata }
        if held.upload.isCompleted { headers[.contentLocation] = "/api/jobs/\(id)" }
        return Response(status: .ok, headers: headers)
    }

    private func append(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Self.checkVersion(request)
        try Self.checkPieceType(request)
        guard let offset = request.headers[.uploadOffset].flatMap({ Int64($0) }), offset >= 0 else {
            throw Problem(.parameterInvalid, "Upload-Offset must be 0 or more", field: "Upload-Offset", closesConnection: true)
        }
        let id = try context.jobID
        let (_, room) = try await gateway.quotas.admit(try context.tenant, bytes: 0)
        let upload = try await receive(request, context, id: id, offset: offset, maximumBytes: room, isNew: false)
        var headers = Self.headers(upload)
        headers[.uploadOffset] = String(upload.received)
        if upload.isCompleted { headers[.contentLocation] = "/api/jobs/\(id)" }
        return Response(status: .noContent, headers: headers)
    }

    private func terminate(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Self.checkVersion(request)
        let id = try context.jobID
        await open.interrupt(id)
        let held = try await hold(id, tenant: try context.tenant)
        if !held.upload.isCompleted { try await gateway.uploads.discard(unfinished: UploadKey.make(id)) }
        try await gateway.resumables.remove(held.hold)
        return Response(status: .noContent, headers: [.tusResumable: Self.version])
    }

    // MARK: Receiving

    /// Takes a piece and, with the last one, makes the job.
    ///
    /// - Returns: the upload as it stands then.
    private func receive(
        _ request: Request, _ context: GatewayContext, id: JobID, offset: Int64, maximumBytes: Int64, isNew: Bool
    ) async throws -> ResumableUpload {
        let tenant = try context.tenant
        let checksum = try UploadChecksum(request)
        let held = try await hold(id, tenant: tenant)
        do {
            let upload = held.upload
            guard upload.received == offset, !upload.isCompleted || offset == upload.length else {
                throw Problem(
                    .uploadOffsetConflict, "the upload stands at \(upload.received), not at \(offset)", closesConnection: true,
                    headers: [.uploadOffset: String(upload.received)])
            }
            let declared = isNew ? nil : try declaredLength(request, isOptional: true)
            if let declared, declared < offset || upload.length.map({ $0 != declared }) ?? false {
                throw Problem(
                    .parameterInvalid, "Upload-Length is less than what came already, or another than was said before",
                    field: "Upload-Length", closesConnection: true)
            }
            let length = upload.length ?? declared
            await request.prepareBody(on: context.channel, readBytes: gateway.uploadsUnderWay.readBytes)
            let limit = min(length ?? Int64(gateway.configuration.uploadLimits.maximumBytes), offset.addingClamped(maximumBytes))
            let piece = Piece(
                upload: upload, hold: held.hold, offset: offset, limit: limit, checksum: checksum, declared: request.headers[.contentLength].flatMap(Int64.init))
            if !upload.isCompleted { try await take(piece, request) }
            if upload.length == nil, let declared {
                guard try await gateway.resumables.set(length: declared, by: held.hold) else { throw Self.locked }
            }
            guard let now = try await gateway.resumables.upload(id, tenant: tenant) else { throw Self.gone }
            if now.isWhole, !now.isCompleted { try await gateway.complete(now, logger: context.logger) }
            try await gateway.resumables.release(held.hold)
            guard let after = try await gateway.resumables.upload(id, tenant: tenant) else { throw Self.gone }
            return after
        } catch {
            try await gateway.resumables.release(held.hold)
            throw error
        }
    }

    private struct Piece: Sendable {
        let upload: ResumableUpload
        let hold: UploadHold
        let offset: Int64
        /// The upload may not become longer than this.
        let limit: Int64
        let checksum: UploadChecksum?
        let declared: Int64?
    }

    private func take(_ piece: Piece, _ request: Request) async throws {
        let metrics = gateway.metrics
        gateway.uploadsUnderWay.begin()
        defer { gateway.uploadsUnderWay.end() }
        let writer = try await gateway.uploads.resume(try UploadCheckpoint(text: piece.upload.checkpoint))
        let watch = UploadWatch(limits: gateway.configuration.uploadLimits)
        let interruption = await open.begin(piece.upload.id, token: piece.hold.token)
        let outcome: Result<Void, any Error>
        do {
            try await watch.run(interruptedBy: interruption) { try await flow(piece, request, into: writer, watch) }
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        await open.end(piece.upload.id, token: piece.hold.token)
        if case .failure(let error) = outcome, piece.checksum != nil || (error as? Problem)?.type == .mediaTypeMismatch {
            // None of it counts: the next request goes on from the old checkpoint.
            _ = try await writer.suspend()
            throw error
        }
        // Whatever came before a connection broke is kept.
        let checkpoint = try await writer.suspend()
        let isKept = try await gateway.resumables.note(
            received: checkpoint.bytes, checkpoint: try checkpoint.text, by: piece.hold, leaseSeconds: Self.leaseSeconds)
        metrics.add(to: .uploadsReceived, [isKept ? "piece" : "refused"])
        try outcome.get()
        guard isKept else { throw Self.locked }
    }

    private func flow(_ piece: Piece, _ request: Request, into writer: any UploadWriter, _ watch: UploadWatch) async throws {
        var checksum = piece.checksum
        var received = piece.offset
        var durable = piece.offset
        var prefix: [UInt8] = []
        var renewed = ContinuousClock.now
        for try await buffer in request.body {
            received += Int64(buffer.readableBytes)
            guard received <= piece.limit else {
                throw Problem(
                    .uploadTooLarge, "the upload may have \(piece.limit) bytes, and more came", closesConnection: true)
            }
            if piece.offset == 0, prefix.count < MediaFamily.prefixBytes {
                prefix += buffer.readableBytesView.prefix(MediaFamily.prefixBytes - prefix.count)
                if prefix.count == MediaFamily.prefixBytes {
                    try UploadIntake.checkFamily(of: prefix, mediaType: piece.upload.wishes.mediaType)
                }
            }
            checksum?.update(buffer.readableBytesView)
            try await writer.write(buffer)
            gateway.metrics.add(Double(buffer.readableBytes), to: .uploadBytes)
            try await watch.note(bytes: buffer.readableBytes)
            if checksum == nil, received - durable >= Self.checkpointBytes {
                let checkpoint = try await writer.checkpoint()
                guard try await gateway.resumables.note(
                    received: checkpoint.bytes, checkpoint: try checkpoint.text, by: piece.hold, leaseSeconds: Self.leaseSeconds)
                else { throw Self.locked }
                durable = received
                renewed = .now
            } else if renewed.duration(to: .now) > .seconds(Self.leaseSeconds / 3) {
                guard try await gateway.resumables.renew(piece.hold, leaseSeconds: Self.leaseSeconds) else { throw Self.locked }
                renewed = .now
            }
        }
        if let declared = piece.declared, declared != received - piece.offset {
            throw Problem(
                .uploadTruncated, "\(declared) bytes were announced and \(received - piece.offset) came; go on from the offset",
                closesConnection: true)
        }
        if let checksum, !checksum.isMet {
            throw Problem(.checksumMismatch, "the piece's bytes are not those that Upload-Checksum says; send it again")
        }
    }

    /// Takes the upload for this request; another one of this gateway is asked to let go.
    private func hold(_ id: JobID, tenant: Tenant) async throws -> (hold: UploadHold, upload: ResumableUpload) {
        let deadline = ContinuousClock.now + Self.patience
        while true {
            switch try await gateway.resumables.hold(id, tenant: tenant, leaseSeconds: Self.leaseSeconds) {
            case .held(let hold, let upload): return (hold, upload)
            case .unknown: throw Problem.notFound("resumable upload \(id)")
            case .locked:
                guard ContinuousClock.now < deadline else { throw Self.locked }
                await open.interrupt(id)
                try await Task.sleep(for: .milliseconds(50))
            }
        }
    }

    private static var locked: Problem {
        Problem(.uploadLocked, "another request writes to this upload; try again in a moment", retryAfterSeconds: 1, closesConnection: true)
    }

    private static var gone: Problem { Problem(.uploadGone, "the upload is over; begin another", closesConnection: true) }

    // MARK: Headers

    private static func headers(_ upload: ResumableUpload) -> HTTPFields {
        [
            .tusResumable: version, .cacheControl: "no-store",
            .uploadExpires: upload.expiresAt.formatted(.verbatim(
                "\(weekday: .abbreviated), \(day: .twoDigits) \(month: .abbreviated) \(year: .defaultDigits) \(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased)):\(minute: .twoDigits):\(second: .twoDigits) GMT",
                locale: Locale(identifier: "en_US_POSIX"), timeZone: .gmt, calendar: Calendar(identifier: .gregorian))),
        ]
    }

    private static func checkVersion(_ request: Request) throws {
        guard request.headers[.tusResumable] == version else {
            throw Problem(
                .tusVersionUnsupported, "send Tus-Resumable: \(version)", field: "Tus-Resumable",
                closesConnection: request.mayHaveBody, headers: [.tusVersion: version])
        }
    }

    private static func checkPieceType(_ request: Request) throws {
        guard ParameterizedValue(request.headers[.contentType] ?? "").value == pieceType else {
            throw Problem(
                .mediaTypeUnsupported, "send a piece of an upload as \(pieceType)", field: "Content-Type", closesConnection: true)
        }
    }

    /// Upload-Length; nil with Upload-Defer-Length.
    private func declaredLength(_ request: Request, isOptional: Bool = false) throws -> Int64? {
        guard let text = request.headers[.uploadLength] else {
            if isOptional || request.headers[.uploadDeferLength] == "1" { return nil }
            throw Problem(
                .parameterInvalid, "send Upload-Length, or Upload-Defer-Length: 1", field: "Upload-Length",
                closesConnection: request.mayHaveBody)
        }
        guard let length = Int64(text), length >= 0, request.headers[.uploadDeferLength] == nil else {
            throw Problem(
                .parameterInvalid, "Upload-Length must be a number of bytes, and not be deferred as well", field: "Upload-Length",
                closesConnection: request.mayHaveBody)
        }
        guard length > 0 else { throw Problem(.fileEmpty, "the clip has no bytes", closesConnection: request.mayHaveBody) }
        guard length <= gateway.configuration.uploadLimits.maximumBytes else { throw gateway.configuration.uploadLimits.tooLarge }
        return length
    }

    /// What the metadata asks for: the names of `JobWishes`, and the media type as `filetype`.
    private func wishes(_ metadata: String, ticket: QueueAdmission.Ticket, traceparent: String?) throws -> UploadWishes {
        var values: [String: Data] = [:]
        func malformed() -> Problem {
            Problem(
                .parameterInvalid, "Upload-Metadata must be names, each with a space and the Base64 of its value, and commas between",
                field: "Upload-Metadata", closesConnection: true)
        }
        for pair in metadata.split(separator: ",") {
            let parts = pair.trimmingCharacters(in: .whitespaces).split(separator: " ", omittingEmptySubsequences: false)
            guard (1...2).contains(parts.count), !parts[0].isEmpty, values[String(parts[0])] == nil,
                let data = Data(base64Encoded: parts.count == 2 ? String(parts[1]) : "")
            else { throw malformed() }
            values[String(parts[0])] = data
        }
        // Other names are the client's own business, and so are the bytes behind them.
        func text(_ name: String) -> String? { values[name].map { String(decoding: $0, as: UTF8.self) } }
        let read = try JobWishes(
            databaseTime: ticket.databaseTime, maximumDelaySeconds: gateway.configuration.maximumDelaySeconds
        ) { text($0.rawValue) }
        // Clients of tus name any type, or none.
        let named = ParameterizedValue(text("filetype") ?? text("contentType") ?? "").value
        let mediaType = named.isEmpty ? "application/octet-stream" : try UploadIntake.checkedMediaType(named)
        return UploadWishes(
            options: read.options, priority: read.priority, runAt: read.runAt, isFresh: read.isFresh, mediaType: mediaType,
            traceparent: traceparent)
    }
}

extension Gateway {
    /// Makes the job of an upload that is whole.
    func complete(_ upload: ResumableUpload, logger: Logger) async throws {
        // Its gateway may have died between the job and this note.
        if try await jobs.status(of: upload.id, tenant: upload.tenant) == nil {
            let writer = try await uploads.resume(try UploadCheckpoint(text: upload.checkpoint))
            let stored = try await writer.finish()
            let ticket = try await admission.ticket()
            let wishes = upload.wishes
            let job = NewJob(
                id: upload.id, tenant: upload.tenant, priority: wishes.priority, maximumAttempts: configuration.maximumAttempts,
                options: wishes.options, storeKey: stored.key, bytes: stored.bytes, sha256: stored.sha256, mediaType: wishes.mediaType,
                traceparent: wishes.traceparent, runAt: wishes.runAt, isFresh: wishes.isFresh,
                isDispatched: ticket.goesOnStream && wishes.runAt == nil)
            _ = try await JobEntry(gateway: self, logger: logger).enter(job, by: ticket, keepsBytes: true)
        }
        try await resumables.complete(upload.id)
    }

    /// Makes the jobs of whole uploads whose gateway died, and removes expired ones.
    func tidyResumables() async throws {
        for upload in try await resumables.whole(limit: 20) {
            do {
                try await complete(upload, logger: logger)
            } catch UploadError.missing {
                logger.error("a whole upload's bytes are gone", metadata: [LogField.upload: "\(upload.id)"])
                if case .held(let hold, _) = try await resumables.hold(upload.id, tenant: upload.tenant, leaseSeconds: 15) {
                    try await resumables.remove(hold)
                }
            }
        }
        for upload in try await resumables.removeExpired(limit: 100) where !upload.isCompleted {
            try await uploads.discard(unfinished: UploadKey.make(upload.id))
        }
    }
}

extension UploadCheckpoint {
    /// As it is kept in the database.
    var text: String {
        get throws { String(decoding: try WhorlJSON.encoder().encode(self), as: UTF8.self) }
    }

    init(text: String) throws {
        self = try WhorlJSON.decoder().decode(UploadCheckpoint.self, from: Data(text.utf8))
    }
}

extension Int64 {
    fileprivate func addingClamped(_ other: Int64) -> Int64 {
        let (sum, overflows) = addingReportingOverflow(other)
        return overflows ? .max : sum
    }
}
