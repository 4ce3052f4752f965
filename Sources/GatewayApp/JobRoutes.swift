import Foundation
import HTTPTypes
import Hummingbird
import JobModel
import JobStore
import Logging
import NIOCore
import Telemetry

/// Jobs over HTTP: in, status, pictures, cancel, and the synchronous `predict`.
struct JobRoutes: Sendable {
    /// `Prefer: wait` is granted up to this many seconds.
    static let maximumWaitSeconds = 25

    let gateway: Gateway

    func add(to router: inout APIRouter) {
        router.post("api/jobs", .submit, use: submit)
        router.get("api/jobs", .read, use: list)
        router.get("api/jobs/{id}", .read, use: show)
        router.on(.delete, "api/jobs/{id}", .admin, use: erase)
        router.get("api/jobs/{id}/events", .read, use: events)
        router.post("api/jobs/{id}/cancel", .submit, use: cancel)
        router.post("api/jobs/{id}/retry", .admin, use: retry)
        router.get("api/jobs/{id}/attempts", .read, use: attempts)
        for (name, kind) in Self.pictures {
            router.get("api/jobs/{id}/frames/{frame}/\(name)", .read) { try await picture($0, $1, kind) }
        }
        router.post("api/predict", .submit, use: predict)
    }

    static let pictures: [(name: String, kind: Artifact.Kind)] = [
        ("image.jpg", .image), ("gradcam.jpg", .gradcam), ("gradcam.png", .map), ("face.jpg", .face),
        ("face-gradcam.jpg", .faceGradcam),
    ]

    private func submit(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let submission = try JobSubmission(gateway: gateway, context: context)
        return try accepted(try await submission.accept(request))
    }

    private func accepted(_ status: JobStatus) throws -> Response {
        var response = try Response.json(status.withLinks, status: .accepted)
        response.headers[.location] = "/api/jobs/\(status.id)"
        if !status.state.isTerminal { response.headers[.retryAfter] = "1" }
        return response
    }

    private func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let page = try PageRequest(request, context, listing: "jobs", filters: ["state"], signer: try await gateway.cursors())
        let state = try page.filters["state"].map { text in
            guard let state = JobState(rawValue: text) else {
                throw Problem(
                    .parameterInvalid, "state must be one of \(JobState.allCases.map(\.rawValue).joined(separator: ", "))", field: "state")
            }
            return state
        }
        let jobs = try await gateway.jobs.list(tenant: page.tenant, state: state, before: page.before, limit: page.limit + 1)
        return try page.response(of: jobs, id: \.id) { JobPage(jobs: $0.map(\.withLinks), nextCursor: $1) }
    }

    private func show(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let wait = try request.preferredWait()
        let granted = min(wait ?? 0, Self.maximumWaitSeconds)
        let isConditional = request.headers[.ifNoneMatch] != nil
        let rendering = try await gateway.rendering(
            of: try context.jobID, tenant: try context.tenant, until: .now + .seconds(granted)
        ) { isConditional && !request.knows($0.entityTag) }
        var headers: HTTPFields = [.eTag: rendering.entityTag, .cacheControl: "private, no-cache"]
        if wait != nil { headers[.preferenceApplied] = "wait=\(granted)" }
        if !rendering.isTerminal { headers[.retryAfter] = "1" }
        if request.knows(rendering.entityTag) { return Response(status: .notModified, headers: headers) }
        headers[.contentType] = "application/json; charset=utf-8"
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: rendering.json))
    }

    private func events(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await JobEvents(gateway: gateway, job: try context.jobID, tenant: try context.tenant).response(to: request)
    }

    private func cancel(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let id = try context.jobID
        let tenant = try context.tenant
        let outcome = try await gateway.jobs.cancel(id, tenant: tenant)
        if case .unknown = outcome { throw Problem.noJob(id) }
        if case .ended(let state) = outcome {
            throw Problem(.jobEnded, "the job is \(state.rawValue) already and cannot be cancelled")
        }
        if outcome == .requested { await gateway.hint(.cancel, id) }
        await gateway.hint(.done, id)
        // One that followed it may wait for a run of its own now.
        gateway.relayRequests.yield()
        guard let status = try await gateway.jobs.status(of: id, tenant: tenant) else { throw Problem.noJob(id) }
        return try .json(status.withLinks, status: outcome == .cancelled ? .ok : .accepted)
    }

    private func retry(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let id = try context.jobID
        let tenant = try context.tenant
        switch try await gateway.jobs.retry(id, tenant: tenant) {
        case .unknown: throw Problem.noJob(id)
        case .notDead(let state):
            throw Problem(.jobNotDead, "only a dead job can be retried; this one is \(state.rawValue)")
        case .queued: gateway.relayRequests.yield()
        }
        guard let status = try await gateway.jobs.status(of: id, tenant: tenant) else { throw Problem.noJob(id) }
        return try accepted(status)
    }

    private func erase(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let id = try context.jobID
        guard let erasure = try await gateway.jobs.erase(id, tenant: try context.tenant) else { throw Problem.noJob(id) }
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

    private func attempts(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let id = try context.jobID
        guard let attempts = try await gateway.jobs.attempts(of: id, tenant: try context.tenant) else { throw Problem.noJob(id) }
        return try .json(JobAttempts(attempts: attempts))
    }

    private func picture(_ request: Request, _ context: GatewayContext, _ kind: Artifact.Kind) async throws -> Response {
        let id = try context.jobID
        // Fewer digits than the database's integers have: no picture has a higher number.
        guard let frame = context.parameters.get("frame").flatMap(Int16.init) else {
            throw Problem(.parameterInvalid, "a frame is a number", field: "frame")
        }
        guard let track = Int16(request.uri.queryParameters["track"] ?? "0") else {
            throw Problem(.parameterInvalid, "track must be a number", field: "track")
        }
        // A verdict's pictures never change, but they may be erased with it.
        let tag = "\"\(id)-\(track)-\(frame)-\(kind.rawValue)\""
        var headers: HTTPFields = [.eTag: tag, .cacheControl: "private, max-age=31536000, immutable"]
        guard let artifact = try await gateway.jobs.artifact(
            of: id, tenant: try context.tenant, track: Int(track), frame: Int(frame), kind: kind)
        else { throw Problem.notFound("such picture of job \(id)") }
        if request.knows(tag) { return Response(status: .notModified, headers: headers) }
        headers[.contentType] = artifact.mediaType
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: artifact.bytes)))
    }

    private func predict(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let tenant = try context.tenant
        let wait = try request.preferredWait().map(Double.init)
        let submission = try JobSubmission(gateway: gateway, context: context)
        let id = try await submission.accept(request).id
        let longest = gateway.configuration.predictWaitSeconds
        let rendering = try await gateway.rendering(
            of: id, tenant: tenant, until: .now + .seconds(min(wait ?? longest, longest)))
        let status = rendering.status
        switch status.state {
        case .succeeded:
            guard let verdict = status.withLinks.verdict else { throw Problem.notFound("verdict of job \(id)") }
            var response = try Response.json(Prediction(jobID: id, verdict: verdict))
            response.headers[.contentLocation] = "/api/jobs/\(id)"
            return response
        case .failed:
            throw Problem(.jobFailed, status.error?.message ?? "the clip cannot be judged", error: status.error)
        case .dead:
            throw Problem(
                .jobDead, "the clip could not be judged through no fault of its own; job \(id) keeps what happened",
                error: status.error)
        case .cancelled: throw Problem(.jobCancelled, "job \(id) was cancelled")
        case .queued, .running: return try accepted(status)
        }
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

extension GatewayContext {
    /// The path's job.
    ///
    /// - Throws: a `Problem` for what is no id.
    var jobID: JobID {
        get throws {
            let text = try parameters.require("id")
            guard let id = JobID(text) else {
                throw Problem(.parameterInvalid, "\"\(text.prefix(60))\" is not a job id", field: "id")
            }
            return id
        }
    }
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
