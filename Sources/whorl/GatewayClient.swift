import AsyncHTTPClient
import Foundation
import JobModel
import NIOCore
import NIOPosix

/// A gateway's API over HTTP.
struct GatewayClient: Sendable {
    private static let maximumAnswerBytes = 32 << 20
    private static let answerSeconds: Int64 = 60
    private static let uploadSeconds: Int64 = 6 * 3600

    /// Lives as long as the process. A refused connection is told at once: by itself the client would try until the
    /// request's deadline.
    private static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration(timeout: .init(connect: .seconds(10)))
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    private let base: String
    private let key: String?

    /// - Parameters:
    ///   - server: as `ServerOption` checked it.
    ///   - key: what is sent as a bearer token; nil for none.
    init(server: String, key: String?) {
        base = server.hasSuffix("/") ? String(server.dropLast()) : server
        self.key = key
    }

    /// Uploads a clip from disk as it is read and makes a job of it.
    func submit(
        _ clip: ClipFile, options: JobOptions, priority: Int, runAt: String?, isFresh: Bool, idempotencyKey: String?,
        progress: @escaping @Sendable (Double) -> Void
    ) async throws -> JobStatus {
        let optionsText = String(decoding: try WhorlJSON.encoder().encode(options), as: UTF8.self)
        var query = ["options": optionsText, "priority": "\(priority)"]
        query["runAt"] = runAt
        if isFresh { query["fresh"] = "true" }
        var request = request("POST", "/api/jobs", query: query)
        request.headers.add(name: "Content-Type", value: "application/octet-stream")
        if let idempotencyKey { request.headers.add(name: "Idempotency-Key", value: "\"\(idempotencyKey)\"") }
        request.body = .stream(ClipBody(clip: clip, progress: progress), length: .known(clip.byteCount))
        return try await answer(to: request, seconds: Self.uploadSeconds).decoded()
    }

    /// A job as it stands, after waiting up to `waitSeconds` for its end or, if `revision` is given, for any change from
    /// it; nil if it did not change.
    func job(_ id: JobID, waitSeconds: Int = 0, revision: Int64? = nil) async throws -> JobStatus? {
        var request = request("GET", "/api/jobs/\(id)")
        if waitSeconds > 0 { request.headers.add(name: "Prefer", value: "wait=\(waitSeconds)") }
        if let revision { request.headers.add(name: "If-None-Match", value: "\"\(revision)\"") }
        let answer = try await answer(to: request, seconds: Self.answerSeconds)
        return answer.code == 304 ? nil : try answer.decoded()
    }

    /// A page of the newest jobs.
    func jobs(state: JobState?, limit: Int, cursor: String?) async throws -> JobPage {
        var query = ["limit": "\(limit)"]
        query["state"] = state?.rawValue
        query["cursor"] = cursor
        return try await answer(to: request("GET", "/api/jobs", query: query), seconds: Self.answerSeconds).decoded()
    }

    /// Withdraws a job.
    func cancel(_ id: JobID) async throws -> JobStatus {
        try await answer(to: request("POST", "/api/jobs/\(id)/cancel"), seconds: Self.answerSeconds).decoded()
    }

    /// Puts a dead job back to the queue.
    func retry(_ id: JobID) async throws -> JobStatus {
        try await answer(to: request("POST", "/api/jobs/\(id)/retry"), seconds: Self.answerSeconds).decoded()
    }

    /// Removes everything about a job.
    func erase(_ id: JobID) async throws {
        _ = try await answer(to: request("DELETE", "/api/jobs/\(id)"), seconds: Self.answerSeconds)
    }

    /// Every start of a job, the oldest first.
    func attempts(of id: JobID) async throws -> [JobAttempt] {
        try await answer(to: request("GET", "/api/jobs/\(id)/attempts"), seconds: Self.answerSeconds)
            .decoded(JobAttempts.self).attempts
    }

    /// All workers that have not left, as the operators' listener tells.
    func workers() async throws -> WorkerList {
        try await answer(to: request("GET", "/admin/workers"), seconds: Self.answerSeconds).decoded()
    }

    private func request(_ method: String, _ path: String, query: [String: String] = [:]) -> HTTPClientRequest {
        var allowed = CharacterSet.alphanumerics
        allowed.insert(charactersIn: "-._~")
        let fields = query.sorted { $0.key < $1.key }.map { name, value in
            "\(name)=\(value.addingPercentEncoding(withAllowedCharacters: allowed) ?? "")"
        }
        var request = HTTPClientRequest(url: base + path + (fields.isEmpty ? "" : "?" + fields.joined(separator: "&")))
        request.method = .RAW(value: method)
        if let key { request.headers.add(name: "Authorization", value: "Bearer \(key)") }
        request.headers.add(name: "Accept", value: "application/json, application/problem+json")
        return request
    }

    private func answer(to request: HTTPClientRequest, seconds: Int64) async throws -> GatewayAnswer {
        let answer: GatewayAnswer
        do {
            let response = try await Self.http.execute(request, timeout: .seconds(seconds))
            let body = try await response.body.collect(upTo: Self.maximumAnswerBytes)
            answer = GatewayAnswer(code: Int(response.status.code), bytes: Array(body.readableBytesView))
        } catch let error as CommandFailure {
            throw error
        } catch {
            throw CommandFailure(
                .unreachable, code: "server_unreachable", "\(base) cannot be reached: \(Self.explanation(of: error))")
        }
        if let failure = answer.failure { throw failure }
        return answer
    }

    /// What a transport error means, for people.
    private static func explanation(of error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            if let reason = error.connectionErrors.first?.error {
                return (reason as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(reason)"
            }
            return error.dnsAError != nil || error.dnsAAAAError != nil ? "no such host: \(error.host)" : "\(error)"
        case let error as HTTPClientError where error == .connectTimeout || error == .deadlineExceeded:
            return "it did not answer in time"
        default: return "\(error)"
        }
    }
}

/// What the gateway answered.
struct GatewayAnswer {
    private struct Problem: Decodable {
        var title: String?
        var detail: String?
        var code: String?
    }

    var code: Int
    var bytes: [UInt8]

    /// The answer's JSON as a value.
    func decoded<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        do {
            return try WhorlJSON.decoder().decode(type, from: Data(bytes))
        } catch {
            throw CommandFailure(
                .failure, code: "answer_unreadable",
                "the server's answer is not that of a Whorl gateway: \(WhorlJSON.explanation(of: error))")
        }
    }

    /// The failure that an answer other than 2xx or 304 tells, in its own words where it has any.
    var failure: CommandFailure? {
        guard !(200..<300).contains(code), code != 304 else { return nil }
        var problem = Problem()
        do {
            problem = try JSONDecoder().decode(Problem.self, from: Data(bytes))
        } catch {
            // Something between us and the gateway answered; its status is all there is to tell.
            problem.detail = "the server answered with HTTP status \(code)"
        }
        let words = problem.detail ?? problem.title ?? "the server answered with HTTP status \(code)"
        let name = problem.code ?? "http_\(code)"
        return CommandFailure(status, code: name, "\(Terminal.printable(words)) [\(Terminal.printable(name))]")
    }

    private var status: ExitStatus {
        switch code {
        case 413, 415: .badInput
        case 502, 503, 504: .unreachable
        default: .failure
        }
    }
}

/// A clip's bytes as a request's body, read as they are sent.
private struct ClipBody: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    let clip: ClipFile
    let progress: @Sendable (Double) -> Void

    struct AsyncIterator: AsyncIteratorProtocol {
        let clip: ClipFile
        let progress: @Sendable (Double) -> Void
        var offset: Int64 = 0

        mutating func next() async throws -> ByteBuffer? {
            let bytes = try await clip.chunk(at: offset)
            guard !bytes.isEmpty else { return nil }
            offset += Int64(bytes.count)
            progress(Double(offset) / Double(Swift.max(clip.byteCount, 1)))
            return ByteBuffer(bytes: bytes)
        }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(clip: clip, progress: progress)
    }
}
