import AsyncHTTPClient
import Foundation
import JobModel
import NIOCore
import NIOFoundationCompat
import TestServers

/// An HTTP answer, read whole.
struct Answer {
    let status: Int
    let headers: [String: String]
    let body: Data

    var json: [String: Any] {
        ((try? JSONSerialization.jsonObject(with: body)) as? [String: Any]) ?? [:]
    }

    var code: String? { json["code"] as? String }
    /// Why a job ended, where that is the problem.
    var errorCode: String? { (json["error"] as? [String: Any])?["code"] as? String }

    func decoded<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        try WhorlJSON.decoder().decode(type, from: body)
    }
}

extension Pair {
    /// As its own default has it, bodies stay as they come.
    private static let client = HTTPClient(eventLoopGroupProvider: .singleton)

    func send(
        _ method: String, _ path: String, to base: String? = nil, body: Data? = nil, headers: [String: String] = [:]
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: (base ?? address) + path)
        request.method = .init(rawValue: method)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body { request.body = .bytes(ByteBuffer(data: body)) }
        let response = try await Self.client.execute(request, timeout: .seconds(150))
        let bytes = try await response.body.collect(upTo: 64 << 20)
        let pairs = response.headers.map { ($0.name.lowercased(), $0.value) }
        return Answer(
            status: Int(response.status.code), headers: Dictionary(pairs) { first, _ in first },
            body: Data(buffer: bytes))
    }

    /// Posts a clip, to be judged by itself unless it is to be shared, and gives the job's id.
    func submit(_ clip: Data, query: String = "fresh=true", headers: [String: String] = [:]) async throws -> JobID {
        var headers = headers
        headers["Content-Type"] = headers["Content-Type"] ?? "video/mp4"
        let answer = try await send("POST", "/api/jobs?\(query)", body: clip, headers: headers)
        guard answer.status == 202 else { throw ProgramFailed(text: String(decoding: answer.body, as: UTF8.self)) }
        return try answer.decoded(JobStatus.self).id
    }

    /// Waits until so many workers have registered.
    func hasWorkers(_ count: Int) async throws {
        let isThere = try await eventually(within: .seconds(30)) {
            try await Task.sleep(for: .milliseconds(50))
            return try await self.count("workers") == count
        }
        guard isThere else { throw ProgramFailed(text: "\(count) workers did not come") }
    }

    /// Waits for a job's end.
    func ended(_ id: JobID) async throws -> JobStatus {
        for _ in 0..<6 {
            let answer = try await send("GET", "/api/jobs/\(id)", headers: ["Prefer": "wait=20"])
            let status: JobStatus = try answer.decoded()
            if status.state.isTerminal { return status }
        }
        throw ProgramFailed(text: "job \(id) did not end; the gateway says: \(gateway.errorText.suffix(2000))")
    }

    /// Waits until a job is in a state that `accept` takes.
    func reaches(_ id: JobID, _ accept: (JobStatus) -> Bool) async throws -> JobStatus {
        var last: JobStatus?
        let reached = try await eventually(within: .seconds(60)) {
            try await Task.sleep(for: .milliseconds(50))
            let status: JobStatus = try await send("GET", "/api/jobs/\(id)").decoded()
            last = status
            return accept(status)
        }
        guard reached, let last else { throw ProgramFailed(text: "job \(id) stays \(String(describing: last))") }
        return last
    }

    /// A form with the given parts, and the media type that names its boundary.
    static func form(_ parts: [(header: String, body: Data)]) -> (body: Data, type: String) {
        var body = Data()
        for part in parts {
            body += Data("--frontier\r\n\(part.header)\r\n\r\n".utf8) + part.body + Data("\r\n".utf8)
        }
        body += Data("--frontier--\r\n".utf8)
        return (body, "multipart/form-data; boundary=frontier")
    }
}

/// Sends bytes on a plain socket and reads until the gateway closes it: for requests that no client would send.
///
/// Its own half is closed after the bytes, or stays open as that of a client with more to send. What comes back is empty if
/// the gateway has not closed the connection after twenty seconds.
func exchange(port: Int, _ bytes: Data, closesEarly: Bool = false, staysOpen: Bool = false) -> String {
    guard let descriptor = connectToLoopback(port: port) else { return "" }
    defer { close(descriptor) }
    var patience = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    _ = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    if closesEarly { return "" }
    if !staysOpen { shutdown(descriptor, Int32(SHUT_WR)) }
    var answer = Data()
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count < 0 { return "" }
        if count == 0 { break }
        answer.append(contentsOf: buffer[..<count])
    }
    return String(decoding: answer, as: UTF8.self)
}
