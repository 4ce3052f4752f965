import Foundation
import HTTPTypes
import Hummingbird
import JobModel
import JobStore
import Logging
import ServiceLifecycle
import Telemetry

/// Jobs over HTTP: in, status, pictures, cancel, and the synchronous `predict`.
struct JobRoutes: Sendable {
    typealias Context = BasicRequestContext

    /// `Prefer: wait` is granted up to this many seconds.
    static let maximumWaitSeconds = 25.0

    let gateway: Gateway

    func add(to router: Router<Context>) {
        router.post("api/jobs", use: submit)
        router.get("api/jobs", use: list)
        router.get("api/jobs/:id", use: show)
        router.delete("api/jobs/:id", use: erase)
        router.post("api/jobs/:id/cancel", use: cancel)
        router.post("api/jobs/:id/retry", use: retry)
        router.get("api/jobs/:id/attempts", use: attempts)
        router.get("api/jobs/:id/frames/:frame/image.jpg") { try await picture($0, $1, .image) }
        router.get("api/jobs/:id/frames/:frame/gradcam.jpg") { try await picture($0, $1, .gradcam) }
        router.get("api/jobs/:id/frames/:frame/gradcam.png") { try await picture($0, $1, .map) }
        router.get("api/jobs/:id/frames/:frame/face.jpg") { try await picture($0, $1, .face) }
        router.get("api/jobs/:id/frames/:frame/face-gradcam.jpg") { try await picture($0, $1, .faceGradcam) }
        router.post("api/predict", use: predict)
    }

    /// Until there are keys everybody is the default tenant.
    private func tenant(_ request: Request) -> Tenant { .default }

    private func submit(_ request: Request, _ context: Context) async throws -> Response {
        let submission = JobSubmission(gateway: gateway, tenant: tenant(request), logger: context.logger)
        let status = try await submission.accept(request)
        return try accepted(status, request)
    }

    private func accepted(_ status: JobStatus, _ request: Request) throws -> Response {
        var response = try Response.json(status.withLinks, status: .accepted)
        response.headers[.location] = "/api/jobs/\(status.id)"
        if !status.state.isTerminal { response.headers[.retryAfter] = "1" }
        return response
    }

    private func list(_ request: Request, _ context: Context) async throws -> Response {
        let query = request.uri.queryParameters
        let state = try query["state"].map { text in
            guard let state = JobState(rawValue: String(text)) else {
                throw Problem(
                    .badRequest, "state_unknown",
                    "state must be one of \(JobState.allCases.map(\.rawValue).joined(separator: ", "))", field: "state")
            }
            return state
        }
        let limit = try query["limit"].map { text in
            guard let limit = Int(text), (1...200).contains(limit) else {
                throw Problem(.badRequest, "limit_malformed", "limit must be 1 to 200", field: "limit")
            }
            return limit
        } ?? 50
        let before = try query["cursor"].map { text in
            guard let cursor = ListCursor(String(text)) else {
                throw Problem(.badRequest, "cursor_malformed", "the cursor is not one that this listing gave", field: "cursor")
            }
            return cursor.lastID
        }
        // One more than asked for tells whether there is a next page.
        var jobs = try await gateway.jobs.list(tenant: tenant(request), state: state, before: before, limit: limit + 1)
        let hasMore = jobs.count > limit
        jobs = Array(jobs.prefix(limit))
        let next = hasMore ? jobs.last.map { ListCursor(lastID: $0.id).text } : nil
        return try .json(JobPage(jobs: jobs.map(\.withLinks), nextCursor: next))
    }

    private func show(_ request: Request, _ context: Context) async throws -> Response {
        let id = try jobID(context)
        let known = request.headers[.ifNoneMatch]
        let status = try await waitingStatus(of: id, request: request, known: known)
        let tag = "\"\(status.revision)\""
        if let known, Self.matches(tag, known) {
            return Response(status: .notModified, headers: [.eTag: tag])
        }
        var response = try Response.json(status.withLinks)
        response.headers[.eTag] = tag
        response.headers[.cacheControl] = "private, no-cache"
        if !status.state.isTerminal { response.headers[.retryAfter] = "1" }
        return response
    }

    /// The status, after waiting for it as `Prefer: wait=N` asks: for a terminal state, or for any change from `known`.
    private func waitingStatus(of id: JobID, request: Request, known: String?) async throws -> JobStatus {
        let tenant = tenant(request)
        let waitSeconds = try Self.preferredWait(request)
        let deadline = ContinuousClock.now + .seconds(min(waitSeconds, Self.maximumWaitSeconds))
        return try await status(of: id, tenant: tenant, until: deadline) { status in
            known.map { !Self.matches("\"\(status.revision)\"", $0) } ?? false
        }
    }

    /// The status as soon as the job has ended or `suffices`, or at the deadline.
    private func status(
        of id: JobID, tenant: Tenant, until deadline: ContinuousClock.Instant,
        suffices: (JobStatus) -> Bool = { _ in false }
    ) async throws -> JobStatus {
        try await gateway.waiters.withTicket(for: id) { ticket in
            while true {
                guard let status = try await gateway.jobs.status(of: id, tenant: tenant) else { throw Self.noJob(id) }
                let isOver = ContinuousClock.now >= deadline || Task.isCancelled || Task.isShuttingDownGracefully
                if status.state.isTerminal || suffices(status) || isOver { return status }
                await ticket.wait(until: deadline)
            }
        }
    }

    private func cancel(_ request: Request, _ context: Context) async throws -> Response {
        let id = try jobID(context)
        let tenant = tenant(request)
        let outcome = try await gateway.jobs.cancel(id, tenant: tenant)
        if case .unknown = outcome { throw Self.noJob(id) }
        if case .ended(let state) = outcome {
            throw Problem(.conflict, "job_ended", "the job is \(state.rawValue) already and cannot be cancelled")
        }
        if outcome == .requested { await gateway.hint(.cancel, id) }
        await gateway.hint(.done, id)
        // One that followed it may wait for a run of its own now.
        gateway.relayRequests.yield()
        guard let status = try await gateway.jobs.status(of: id, tenant: tenant) else { throw Self.noJob(id) }
        return try .json(status.withLinks, status: outcome == .cancelled ? .ok : .accepted)
    }

    private func retry(_ request: Request, _ context: Context) async throws -> Response {
        let id = try jobID(context)
        let tenant = tenant(request)
        switch try await gateway.jobs.retry(id, tenant: tenant) {
        case .unknown: throw Self.noJob(id)
        case .notDead(let state):
            throw Problem(.conflict, "job_not_dead", "only a dead job can be retried; this one is \(state.rawValue)")
        case .queued: gateway.relayRequests.yield()
        }
        guard let status = try await gateway.jobs.status(of: id, tenant: tenant) else { throw Self.noJob(id) }
        return try accepted(status, request)
    }

    private func erase(_ request: Request, _ context: Context) async throws -> Response {
        let id = try jobID(context)
        guard let erasure = try await gateway.jobs.erase(id, tenant: tenant(request)) else { throw Self.noJob(id) }
        if erasure.wasRunning { await gateway.hint(.cancel, id) }
        await gateway.hint(.done, id)
        gateway.relayRequests.yield()
        if let upload = erasure.upload {
            do {
                try await gateway.uploads.remove(key: upload.storeKey)
                try await gateway.jobs.markReleased([upload])
                try await gateway.jobs.forgetUnreferencedUploads()
            } catch {
                // The row knows that nobody needs them.
                context.logger.warning("an erased job's bytes are left to the sweep", metadata: [
                    LogField.error: "\(String(reflecting: error))", LogField.job: "\(id)",
                ])
            }
        }
        return Response(status: .noContent)
    }

    private func attempts(_ request: Request, _ context: Context) async throws -> Response {
        let id = try jobID(context)
        guard let attempts = try await gateway.jobs.attempts(of: id, tenant: tenant(request)) else { throw Self.noJob(id) }
        return try .json(JobAttempts(attempts: attempts))
    }

    private func picture(_ request: Request, _ context: Context, _ kind: Artifact.Kind) async throws -> Response {
        let id = try jobID(context)
        // Fewer digits than the database's integers have: no picture has a higher number.
        guard let frame = context.parameters.get("frame").flatMap(Int16.init),
            let track = Int16(request.uri.queryParameters["track"] ?? "0"),
            let artifact = try await gateway.jobs.artifact(
                of: id, tenant: tenant(request), track: Int(track), frame: Int(frame), kind: kind)
        else { throw Problem.notFound("such picture of job \(id)") }
        return Response(
            status: .ok,
            headers: [
                .contentType: artifact.mediaType,
                // A verdict's pictures never change.
                .cacheControl: "private, max-age=31536000, immutable",
            ],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: artifact.bytes)))
    }

    private func predict(_ request: Request, _ context: Context) async throws -> Response {
        let tenant = tenant(request)
        let submission = JobSubmission(gateway: gateway, tenant: tenant, logger: context.logger)
        let id = try await submission.accept(request).id
        let deadline = ContinuousClock.now + .seconds(gateway.configuration.predictWaitSeconds)
        let status = try await status(of: id, tenant: tenant, until: deadline)
        switch status.state {
        case .succeeded:
            guard let verdict = status.withLinks.verdict else { throw Problem.notFound("verdict of job \(id)") }
            return try .json(Prediction(jobID: id, verdict: verdict))
        case .failed:
            throw Problem(
                .unprocessableContent, status.error?.code ?? "failed", title: "The clip cannot be judged",
                status.error?.message ?? "the clip cannot be judged")
        case .dead:
            throw Problem(
                .internalServerError, status.error?.code ?? "dead",
                "the clip could not be judged through no fault of its own; job \(id) keeps what happened")
        case .cancelled: throw Problem(.conflict, "job_cancelled", "job \(id) was cancelled")
        case .queued, .running: return try accepted(status, request)
        }
    }

    private func jobID(_ context: Context) throws -> JobID {
        let text = try context.parameters.require("id")
        guard let id = JobID(text) else {
            throw Problem(.badRequest, "job_id_malformed", "\"\(text.prefix(60))\" is not a job id", field: "id")
        }
        return id
    }

    static func noJob(_ id: JobID) -> Problem { .notFound("job \(id)") }

    /// Whether an entity tag is one of those in an If-None-Match header (RFC 9110 §13.1.2).
    static func matches(_ tag: String, _ header: String) -> Bool {
        header.split(separator: ",").contains { candidate in
            let candidate = candidate.trimmingCharacters(in: .whitespaces)
            return candidate == "*" || candidate == tag || candidate == "W/" + tag
        }
    }

    /// The seconds that `Prefer: wait=N` asks for (RFC 7240 §4.3); 0 without.
    static func preferredWait(_ request: Request) throws -> Double {
        for preference in request.headers[values: .prefer].flatMap({ $0.split(separator: ",") }) {
            let parts = preference.split(separator: "=").map { $0.trimmingCharacters(in: .whitespaces) }
            guard parts.first?.lowercased() == "wait" else { continue }
            guard parts.count == 2, let seconds = Int(parts[1]), seconds >= 0 else {
                throw Problem(.badRequest, "prefer_malformed", "Prefer: wait takes whole seconds, 0 or more", field: "Prefer")
            }
            return Double(seconds)
        }
        return 0
    }
}

/// What `POST /api/predict` answers: the verdict's fields, and the job they belong to.
private struct Prediction: Encodable {
    let jobID: JobID
    let verdict: Verdict

    private enum CodingKeys: String, CodingKey {
        case jobID = "jobId"
    }

    func encode(to encoder: any Encoder) throws {
        try verdict.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(jobID, forKey: .jobID)
    }
}

/// Where a page of a listing ended; opaque to clients.
private struct ListCursor {
    let lastID: JobID

    init(lastID: JobID) {
        self.lastID = lastID
    }

    init?(_ text: String) {
        guard let data = Data(base64Encoded: text), let id = JobID(String(decoding: data, as: UTF8.self)) else { return nil }
        lastID = id
    }

    var text: String { Data(lastID.description.utf8).base64EncodedString() }
}

extension JobStatus {
    /// With the addresses of the pictures, as the API shows it.
    var withLinks: JobStatus {
        var status = self
        guard var verdict = status.verdict else { return status }
        let isFace = verdict.model.region == "face"
        for track in verdict.tracks.indices {
            let query = track == 0 ? "" : "?track=\(track)"
            for frame in verdict.tracks[track].frames.indices {
                let base = "/api/jobs/\(id)/frames/\(verdict.tracks[track].frames[frame].index)"
                verdict.tracks[track].frames[frame].links = Verdict.Links(
                    image: "\(base)/image.jpg\(query)", gradcam: "\(base)/gradcam.jpg\(query)",
                    map: "\(base)/gradcam.png\(query)", face: isFace ? "\(base)/face.jpg\(query)" : nil,
                    faceGradcam: isFace ? "\(base)/face-gradcam.jpg\(query)" : nil)
            }
        }
        status.verdict = verdict
        return status
    }
}

extension Gateway {
    /// Publishes a hint; without Redis those concerned find out a little later by themselves.
    func hint(_ hint: JobDispatch.Hint, _ job: JobID) async {
        if hint == .done { await waiters.wake(job) }
        do {
            try await dispatch.publish(hint, job)
        } catch {
            logger.debug("a hint was not published", metadata: [LogField.error: "\(String(reflecting: error))", LogField.job: "\(job)"])
        }
    }
}

extension HTTPField.Name {
    static let prefer = named("Prefer")
    static let idempotencyKey = named("Idempotency-Key")
    static let traceparent = named("traceparent")

    private static func named(_ text: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else { preconditionFailure("\(text) is no field name") }
        return name
    }
}
