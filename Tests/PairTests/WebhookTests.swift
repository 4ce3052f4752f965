import Crypto
import Foundation
import JobModel
import Synchronization
import TestServers
import Testing

/// Webhooks by Standard Webhooks, to a receiver of the test's own; and clips that a worker fetches from one.
@Suite(.serialized) struct WebhookTests {
    private static func script(_ text: String) -> Data { Data("\(text)\n# \(UUID())\n".utf8) }

    private func settings(_ receiver: StubServer, _ more: [String: String] = [:]) -> [String: String] {
        [
            "WHORL_OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8", "WHORL_OUTBOUND_ALLOWED_PORTS": "\(receiver.port)",
            "WHORL_WEBHOOKS_POLL_SECONDS": "0.1", "WHORL_WEBHOOKS_BACKOFF_SECONDS": "0.2,0.2", "WHORL_FETCH_ENABLED": "true",
        ].merging(more) { $1 }
    }

    private func add(_ pair: Pair, _ url: String, events: String = "") async throws -> Answer {
        let body = Data("{\"url\":\"\(url)\"\(events.isEmpty ? "" : ",\"events\":[\(events)]")}".utf8)
        return try await pair.send("POST", "/api/webhooks", body: body, headers: ["Content-Type": "application/json"])
    }

    private func deliveries(_ pair: Pair, _ id: String) async throws -> [[String: Any]] {
        (try await pair.send("GET", "/api/webhooks/\(id)/deliveries").json["deliveries"] as? [[String: Any]]) ?? []
    }

    private func waits(_ condition: () async throws -> Bool) async throws -> Bool {
        try await eventually {
            try await Task.sleep(for: .milliseconds(50))
            return try await condition()
        }
    }

    @Test func anEndedJobIsToldSignedAndOnce() async throws {
        let failures = Mutex(2)
        let receiver = try StubServer { _ in
            failures.withLock { left in
                defer { left -= 1 }
                return left > 0 ? .init(500) : .init(204)
            }
        }
        try await Pair.with(gateway: settings(receiver)) { (pair) async throws in
            let made = try await add(pair, receiver.url + "/hook", events: "\"job.succeeded\"")
            #expect(made.status == 201)
            let id = try #require(made.json["id"] as? String), secret = try #require(made.json["secret"] as? String)
            #expect(secret.hasPrefix("whsec_") && made.headers["location"] == "/api/webhooks/\(id)")
            #expect(try await pair.send("GET", "/api/webhooks/\(id)").json["secret"] == nil)
            _ = try pair.startScriptedWorker()
            let job = try await pair.submit(Self.script("nothing"))
            let other = try await pair.submit(Self.script("fail not_a_video"))
            #expect(try await pair.ended(job).state == .succeeded)
            #expect(try await pair.ended(other).state == .failed)
            #expect(try await waits { receiver.requests.count == 3 })
            let requests = receiver.requests
            #expect(Set(requests.map { $0.headers["webhook-id"] ?? "" }).count == 1 && Set(requests.map(\.body)).count == 1)
            let key = SymmetricKey(data: try #require(Data(base64Encoded: String(secret.dropFirst(6)))))
            for request in requests {
                let signed = Data("\(request.headers["webhook-id"] ?? "").\(request.headers["webhook-timestamp"] ?? "").".utf8) + request.body
                let code = Data(HMAC<SHA256>.authenticationCode(for: signed, using: key)).base64EncodedString()
                #expect(request.headers["webhook-signature"] == "v1,\(code)" && request.method == "POST" && request.path == "/hook")
            }
            let message = try #require(try JSONSerialization.jsonObject(with: requests[0].body) as? [String: Any])
            #expect(message["type"] as? String == "job.succeeded")
            #expect((message["data"] as? [String: Any])?["id"] as? String == "\(job)")
            let log = try await deliveries(pair, id)
            #expect(log.count == 1 && log[0]["state"] as? String == "delivered" && log[0]["attempt"] as? Int == 3 && log[0]["lastStatus"] as? Int == 204)
            // By hand again, and a test.
            let delivery = try #require(log[0]["id"] as? String)
            #expect(try await pair.send("POST", "/api/webhooks/\(id)/deliveries/\(delivery)/retry").status == 202)
            #expect(try await pair.send("POST", "/api/webhooks/\(id)/test").status == 202)
            #expect(try await waits { receiver.requests.count == 5 })
            #expect(receiver.requests.contains { String(decoding: $0.body, as: UTF8.self).contains("\"type\":\"test\"") })
            #expect(try await pair.send("DELETE", "/api/webhooks/\(id)").status == 204)
            #expect(try await pair.count("webhook_deliveries") == 0)
        }
    }

    @Test func aReceiverThatIsGoneGetsNothingMore() async throws {
        let receiver = try StubServer { request in .init(request.path == "/gone" ? 410 : 503) }
        try await Pair.with(gateway: settings(receiver)) { (pair) async throws in
            let gone = try #require(try await add(pair, receiver.url + "/gone").json["id"] as? String)
            let broken = try #require(try await add(pair, receiver.url + "/broken").json["id"] as? String)
            let job = try await pair.submit(Self.script("nothing"))
            #expect(try await pair.send("POST", "/api/jobs/\(job)/cancel").status == 200)
            #expect(try await waits { try await deliveries(pair, broken).first?["state"] as? String == "failed" })
            #expect(try await deliveries(pair, broken).first?["attempt"] as? Int == 3)
            #expect(try await waits { try await pair.send("GET", "/api/webhooks/\(gone)").json["disabledAt"] != nil })
            let count = receiver.requests.count
            let next = try await pair.submit(Self.script("nothing"))
            #expect(try await pair.send("POST", "/api/jobs/\(next)/cancel").status == 200)
            #expect(try await waits { try await deliveries(pair, broken).count == 2 })
            #expect(try await deliveries(pair, gone).count == 1 && receiver.requests.dropFirst(count).allSatisfy { $0.path == "/broken" })
        }
    }

    @Test func aSlowReceiverHoldsUpItsOwnDeliveriesOnly() async throws {
        let receiver = try StubServer { request in
            if request.path == "/slow" { Thread.sleep(forTimeInterval: 3) }
            return .init(204)
        }
        func count(_ path: String) -> Int { receiver.requests.filter { $0.path == path }.count }
        try await Pair.with(gateway: settings(receiver)) { (pair) async throws in
            _ = try await add(pair, receiver.url + "/slow", events: "\"job.cancelled\"")
            _ = try await add(pair, receiver.url + "/quick", events: "\"job.cancelled\"")
            let jobs = 40
            for _ in 0..<jobs {
                let job = try await pair.submit(Self.script("nothing"))
                #expect(try await pair.send("POST", "/api/jobs/\(job)/cancel").status == 200)
            }
            #expect(try await waits { count("/quick") == jobs })
            #expect(count("/slow") < jobs)
            #expect(try await waits { count("/slow") >= 8 })
        }
    }

    @Test func nothingOfOursIsTold() async throws {
        let receiver = try StubServer { _ in .init(200) }
        let strict = ["WHORL_WEBHOOKS_POLL_SECONDS": "0.1", "WHORL_WEBHOOKS_BACKOFF_SECONDS": "0.1", "WHORL_OUTBOUND_ALLOWED_PORTS": "80,\(receiver.port)"]
        try await Pair.with(gateway: strict) { (pair) async throws in
            for url in ["file:///etc/passwd", "http://user:x@example.org/", "http://example.org:22/", "nonsense"] {
                let answer = try await add(pair, url)
                #expect(answer.status == 422 && answer.code == "url_refused" && answer.json["field"] as? String == "url", "\(url)")
            }
            #expect(try await add(pair, "https://example.org/").status == 422)
            #expect(try await add(pair, "http://example.org/", events: "\"job.lost\"").status == 400)
            // A name may say anything until it is looked up.
            let id = try #require(try await add(pair, "http://localhost:\(receiver.port)/").json["id"] as? String)
            #expect(try await pair.send("POST", "/api/webhooks/\(id)/test").status == 202)
            #expect(try await waits { try await deliveries(pair, id).first?["state"] as? String == "failed" })
            #expect((try await deliveries(pair, id).first?["lastError"] as? String)?.contains("no public address") == true)
            #expect(receiver.requests.isEmpty)
        }
    }

    // MARK: Clips by URL

    private func submit(_ pair: Pair, url: String, headers: [String: String] = [:]) async throws -> Answer {
        try await pair.send(
            "POST", "/api/jobs", body: Data("{\"url\":\"\(url)\",\"priority\":2}".utf8),
            headers: headers.merging(["Content-Type": "application/json"]) { $1 })
    }

    @Test func aWorkerFetchesAClipByItsURL() async throws {
        let clip = try Data(contentsOf: Pair.sample("astronaut-real"))
        let once = Mutex(true)
        let source = try StubServer { request in
            switch request.path {
            case "/clip.mp4": .init(200, headers: ["content-type": "video/mp4"], body: clip)
            case "/moved": .init(302, headers: ["location": "/clip.mp4"])
            // Breaks off the first time.
            case "/shaky": .init(200, body: clip, cutAfter: once.withLock { first in
                defer { first = false }
                return first ? 1000 : nil
            })
            case "/inside": .init(302, headers: ["location": "http://10.0.0.1/"])
            case "/large": .init(200, body: Data(count: 3_000_000))
            default: .init(404)
            }
        }
        try await Pair.with(gateway: settings(source, ["WHORL_FETCH_MAX_BYTES": "2000000"])) { (pair) async throws in
            _ = try pair.startWorker()
            let accepted = try await submit(pair, url: source.url + "/clip.mp4", headers: ["Idempotency-Key": "by-url"])
            #expect(accepted.status == 202 && accepted.json["uploadSha256"] == nil && accepted.json["sourceUrl"] as? String == source.url + "/clip.mp4")
            let id = try accepted.decoded(JobStatus.self).id
            let status = try await pair.ended(id)
            #expect(status.state == .succeeded && status.priority == 2 && status.uploadBytes == Int64(clip.count))
            #expect(status.uploadSHA256 == status.verdict?.video.sha256)
            #expect(try await submit(pair, url: source.url + "/clip.mp4", headers: ["Idempotency-Key": "by-url"]).decoded(JobStatus.self).id == id)
            #expect(try await submit(pair, url: source.url + "/else", headers: ["Idempotency-Key": "by-url"]).status == 422)
            for (path, state, code) in [
                ("/moved", JobState.succeeded, nil), ("/shaky", .succeeded, nil), ("/inside", .failed, "url_refused"),
                ("/large", .failed, "fetch_too_large"), ("/missing", .failed, "fetch_failed"),
            ] {
                let job = try await submit(pair, url: source.url + path).decoded(JobStatus.self).id
                let ended = try await pair.ended(job)
                #expect(ended.state == state && ended.error?.code == code, "\(path): \(ended.state) \(String(describing: ended.error))")
            }
            #expect(try await submit(pair, url: "ftp://example.org/x").code == "url_refused")
            #expect(try await pair.send("POST", "/api/jobs", body: Data("{}".utf8), headers: ["Content-Type": "application/json"]).code == "body_malformed")
            let isClean = try await waits { try pair.uploadedFiles().count == 3 }
            let left = try pair.uploadedFiles()
            #expect(isClean, "\(left)")
        }
    }

    @Test func aWorkerReachesNothingOfOurs() async throws {
        let source = try StubServer { _ in .init(200, body: Data("secret".utf8)) }
        try await Pair.with(gateway: ["WHORL_FETCH_ENABLED": "true", "WHORL_OUTBOUND_ALLOWED_PORTS": "\(source.port)"]) { (pair) async throws in
            _ = try pair.startWorker()
            // An address tells at once what it is, a name when it is looked up.
            for host in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"] {
                let answer = try await submit(pair, url: "http://\(host):\(source.port)/")
                #expect(answer.status == 422 && answer.code == "url_refused", "\(host)")
            }
            for host in ["localhost", "2130706433", "127.1"] {
                let job = try await submit(pair, url: "http://\(host):\(source.port)/").decoded(JobStatus.self).id
                let ended = try await pair.ended(job)
                #expect(ended.state == .failed && ended.error?.code == "url_refused", "\(host)")
            }
            #expect(source.requests.isEmpty)
        }
    }
}
