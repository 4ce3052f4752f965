import Foundation
import JobModel
import Testing

/// The commands that talk to a gateway, against one that says what the test wants.
@Suite struct ServerTests {
    private static let id = "0198c0de-0000-7000-8000-000000000001"

    private static func job(_ state: JobState, revision: Int64 = 1, error: JobError? = nil) throws -> [UInt8] {
        let job = JobStatus(
            id: try #require(JobID(id)), kind: .analyze, priority: 0, runAt: Date(timeIntervalSince1970: 0), leaderID: nil, state: state, stage: nil, progress: 0, revision: revision, attempt: 1,
            maximumAttempts: 5, cancelRequested: false, options: JobOptions(), uploadBytes: 5, uploadSHA256: "00",
            modelSHA256: nil, error: error, createdAt: Date(timeIntervalSince1970: 0), startedAt: nil,
            finishedAt: state.isTerminal ? Date(timeIntervalSince1970: 9) : nil, verdict: nil)
        return Array(try WhorlJSON.encoder().encode(job))
    }

    @Test(arguments: ["submit CLIP", "submit CLIP --wait", "jobs list", "jobs show \(id)", "jobs cancel \(id)"])
    func nobodyThere(_ line: String) throws {
        let folder = try TestFolder()
        let clip = try folder.write("clip.mp4", [1])
        let words = line.split(separator: " ").map { $0 == "CLIP" ? clip : String($0) }
        // Port 1 is privileged, and nothing listens there.
        let outcome = try WhorlProcess.run(words + ["--server", "http://127.0.0.1:1"])
        #expect(outcome.status == 4)
        #expect(outcome.error.hasPrefix("whorl: http://127.0.0.1:1 cannot be reached"))
        #expect(outcome.error.split(separator: "\n").count == 1)
    }

    @Test func noDatabase() throws {
        let url = "postgresql://whorl@127.0.0.1:1/whorl"
        for environment in [["DATABASE_URL": url], ["WHORL_DATABASE_URL": url]] {
            let outcome = try WhorlProcess.run(["migrate"], environment: environment)
            #expect(outcome.status == 4, "\(outcome.error)")
            #expect(outcome.error.hasPrefix("whorl: the database cannot be reached"))
        }
        let none = try WhorlProcess.run(["migrate", "--database-url", url, "--migrations", "/nonexistent"])
        #expect(none.status == 1)
    }

    @Test func submitStreamsTheFile() throws {
        let folder = try TestFolder()
        let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let clip = try folder.write("clip.mp4", bytes)
        let body = try Self.job(.queued)
        let gateway = try StubGateway { _ in StubGateway.Answer(status: 202, body: body) }
        let outcome = try WhorlProcess.run([
            "submit", clip, "--server", gateway.url + "/", "--frames", "8", "--priority", "-3", "--idempotency-key", "k 1",
        ])
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(outcome.output.contains(Self.id) && outcome.output.contains("queued"))
        #expect(outcome.error.isEmpty)
        let request = try #require(gateway.requests.first)
        #expect(request.method == "POST")
        #expect(request.body == bytes)
        #expect(request.headers["content-type"] == "application/octet-stream")
        #expect(request.headers["idempotency-key"] == "\"k 1\"")
        let target = try #require(URLComponents(string: request.target))
        #expect(target.path == "/api/jobs")
        let query = Dictionary(uniqueKeysWithValues: (target.queryItems ?? []).map { ($0.name, $0.value ?? "") })
        #expect(query["priority"] == "-3")
        let options = try WhorlJSON.decoder().decode(JobOptions.self, from: Data((query["options"] ?? "").utf8))
        #expect(options.sampling.count == 8)
    }

    @Test func addressFromTheEnvironment() throws {
        let body = try Self.job(.queued)
        let gateway = try StubGateway { _ in StubGateway.Answer(body: body) }
        let outcome = try WhorlProcess.run(["jobs", "show", Self.id, "--json"], environment: ["WHORL_URL": gateway.url])
        #expect(outcome.status == 0)
        let job = try WhorlJSON.decoder().decode(JobStatus.self, from: Data(outcome.output.utf8))
        #expect(job.id.description == Self.id)
    }

    @Test(arguments: [(JobState.failed, Int32(3)), (JobState.cancelled, Int32(1)), (JobState.dead, Int32(1))])
    func waitTellsHowItEnded(_ state: JobState, _ status: Int32) throws {
        let folder = try TestFolder()
        let clip = try folder.write("clip.mp4", [1, 2, 3])
        let queued = try Self.job(.queued)
        let error = state == .cancelled ? nil : JobError(code: "audio_only", message: "No picture.")
        let ended = try Self.job(state, revision: 4, error: error)
        let gateway = try StubGateway { request in
            if request.method == "POST" { return StubGateway.Answer(status: 202, body: queued) }
            // It must ask for any change from what it knows, and for the longest wait.
            return request.headers["if-none-match"] == "\"1\"" && request.headers["prefer"] == "wait=25"
                ? StubGateway.Answer(status: 200, body: ended) : StubGateway.Answer(status: 500)
        }
        let outcome = try WhorlProcess.run(["submit", clip, "--wait", "--server", gateway.url])
        #expect(outcome.status == status, "\(outcome.error)")
        #expect(outcome.output.contains(state.rawValue))
        if state != .cancelled { #expect(outcome.error.contains("No picture. [audio_only]")) }
    }

    @Test func waitHasAnEnd() throws {
        let folder = try TestFolder()
        let clip = try folder.write("clip.mp4", [1])
        let queued = try Self.job(.queued)
        let gateway = try StubGateway { request in
            request.method == "POST" ? StubGateway.Answer(status: 202, body: queued) : StubGateway.Answer(status: 304)
        }
        let outcome = try WhorlProcess.run(["submit", clip, "--wait", "--timeout", "1", "--server", gateway.url])
        #expect(outcome.status == 1)
        #expect(outcome.error.contains("still queued"))
        // The stub does not wait as it is asked to; the command must not ask it without a pause.
        #expect(gateway.requests.count <= 4)
    }

    @Test(arguments: zip([400, 404, 409, 413, 415, 500, 503], [1, 1, 1, 3, 3, 1, 4] as [Int32]))
    func problemsAreToldInTheirWords(_ status: Int, _ code: Int32) throws {
        let folder = try TestFolder()
        let clip = try folder.write("clip.mp4", [1])
        let body = #"{"type":"urn:whorl:problem:odd","title":"Odd","status":\#(status),"detail":"the words","code":"odd"}"#
        let gateway = try StubGateway { _ in
            StubGateway.Answer(status: status, type: "application/problem+json", body: Array(body.utf8))
        }
        let outcome = try WhorlProcess.run(["submit", clip, "--server", gateway.url])
        #expect(outcome.status == code)
        #expect(outcome.error == "whorl: the words [odd]\n")
    }

    @Test func aServerOfAnotherKind() throws {
        let gateway = try StubGateway { _ in StubGateway.Answer(type: "text/html", body: Array("<html>hello</html>".utf8)) }
        let outcome = try WhorlProcess.run(["jobs", "list", "--server", gateway.url])
        #expect(outcome.status == 1)
        #expect(outcome.error.contains("not that of a Whorl gateway"))
        let broken = try StubGateway { _ in StubGateway.Answer(status: 502, type: "text/html", body: Array("<html>".utf8)) }
        let outcome2 = try WhorlProcess.run(["jobs", "list", "--server", broken.url])
        #expect(outcome2.status == 4)
        #expect(outcome2.error.contains("HTTP status 502"))
    }

    @Test func listAndCancel() throws {
        let running = try Self.job(.running)
        let page = Array("{\"jobs\":[".utf8) + running + Array("],\"nextCursor\":\"abc=\"}".utf8)
        let gateway = try StubGateway { request in
            request.method == "POST" ? StubGateway.Answer(status: 202, body: running) : StubGateway.Answer(body: page)
        }
        let list = try WhorlProcess.run(
            ["jobs", "list", "--state", "running", "--limit", "5", "--cursor", "x/=", "--server", gateway.url])
        #expect(list.status == 0)
        #expect(list.output.contains(Self.id) && list.output.contains("--cursor abc="))
        #expect(gateway.requests.first?.target == "/api/jobs?cursor=x%2F%3D&limit=5&state=running")
        let json = try WhorlProcess.run(["jobs", "list", "--json", "--server", gateway.url])
        #expect(try WhorlJSON.decoder().decode(JobPage.self, from: Data(json.output.utf8)).nextCursor == "abc=")
        let cancel = try WhorlProcess.run(["jobs", "cancel", Self.id, "--server", gateway.url])
        #expect(cancel.status == 0)
        #expect(gateway.requests.last?.target == "/api/jobs/\(Self.id)/cancel")
    }

    @Test func emptyOrMissingClipsAreNotSent() throws {
        let folder = try TestFolder()
        let gateway = try StubGateway { _ in StubGateway.Answer(status: 500) }
        for path in [try folder.write("empty.mp4", []), "\(folder.path)/missing.mp4", folder.path] {
            #expect(try WhorlProcess.run(["submit", path, "--server", gateway.url]).status == 3)
        }
        #expect(gateway.requests.isEmpty)
    }
}
