import Foundation
import JobModel
import TestServers
import Testing

/// What engineers expect of an HTTP API: caching, waiting, events, methods, compression, traces.
@Suite(.serialized) struct ConventionTests {
    private static func script(_ text: String) -> Data { Data("\(text)\n# \(UUID())\n".utf8) }

    @Test func methodsAreToldApart() async throws {
        try await Pair.with { (pair) async throws in
            let id = try await pair.submit(Self.script("nothing"))
            let get = try await pair.send("GET", "/api/jobs/\(id)")
            let head = try await pair.send("HEAD", "/api/jobs/\(id)")
            #expect(head.status == 200 && head.body.isEmpty && head.headers["etag"] == get.headers["etag"])
            #expect(head.headers["content-length"] == "\(get.body.count)")
            let options = try await pair.send("OPTIONS", "/api/jobs/\(id)")
            #expect(options.status == 204 && options.headers["allow"] == "OPTIONS, GET, HEAD, DELETE")
            for method in ["PUT", "PATCH", "TRACE"] {
                let answer = try await pair.send(method, "/api/jobs/\(id)")
                #expect(answer.status == 405 && answer.headers["allow"] == "OPTIONS, GET, HEAD, DELETE", "\(method)")
            }
            #expect(try await pair.send("GET", "/api/jobs?stat=dead").json["field"] as? String == "stat")
            #expect(get.headers["x-content-type-options"] == "nosniff" && get.headers["x-frame-options"] == "DENY")
            #expect(get.headers["referrer-policy"] == "no-referrer" && get.headers["content-security-policy"]?.contains("default-src 'none'") == true)
        }
    }

    @Test func everyAnswerNamesItsRequest() async throws {
        try await Pair.with(gateway: ["WHORL_LOG_LEVEL": "debug"]) { (pair) async throws in
            let named = try await pair.send("GET", "/api/jobs/nonsense", headers: ["X-Request-Id": "from-the-proxy.7"])
            #expect(named.headers["x-request-id"] == "from-the-proxy.7" && named.json["requestId"] as? String == "from-the-proxy.7")
            let strange = try await pair.send("GET", "/api/jobs/nonsense", headers: ["X-Request-Id": "a\"b{}"])
            #expect(strange.headers["x-request-id"]?.contains("\"") == false && strange.headers["x-request-id"]?.isEmpty == false)
            #expect(pair.gateway.errorText.contains("\"request_id\":\"from-the-proxy.7\""))
        }
    }

    @Test func textIsCompressedForThoseWhoTakeIt() async throws {
        try await Pair.with { (pair) async throws in
            for _ in 0..<4 { _ = try await pair.submit(Self.script("nothing")) }
            let plain = try await pair.send("GET", "/api/jobs")
            let small = try await pair.send("GET", "/api/jobs", headers: ["Accept-Encoding": "br, gzip;q=0.5"])
            #expect(small.headers["content-encoding"] == "gzip" && small.body.count < plain.body.count / 2)
            #expect(small.headers["vary"]?.contains("Accept-Encoding") == true && small.body.starts(with: [0x1F, 0x8B]))
            #expect(try gunzip(small.body) == plain.body)
            for refusal in ["identity", "gzip;q=0", "br"] {
                #expect(try await pair.send("GET", "/api/jobs", headers: ["Accept-Encoding": refusal]).headers["content-encoding"] == nil, "\(refusal)")
            }
        }
    }

    private func gunzip(_ data: Data) throws -> Data {
        let process = Process(), input = Pipe(), output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/gzip")
        process.arguments = ["-dc"]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        input.fileHandleForWriting.write(data)
        try input.fileHandleForWriting.close()
        return output.fileHandleForReading.readDataToEndOfFile()
    }

    @Test func aConditionalReadIsStrong() async throws {
        try await Pair.with { (pair) async throws in
            let id = try await pair.submit(Self.script("nothing"))
            let first = try await pair.send("GET", "/api/jobs/\(id)")
            let tag = try #require(first.headers["etag"])
            #expect(tag.hasPrefix("\"") && first.headers["cache-control"] == "private, no-cache")
            for form in [tag, "W/\(tag)", "\"x\", \(tag)", "*", tag.dropLast() + "+gzip\""] {
                #expect(try await pair.send("GET", "/api/jobs/\(id)", headers: ["If-None-Match": form]).status == 304, "\(form)")
            }
            #expect(try await pair.send("GET", "/api/jobs/\(id)", headers: ["If-None-Match": "\"0\""]).status == 200)
            let waited = try await pair.send("GET", "/api/jobs/\(id)", headers: ["Prefer": "respond-async, wait=1"])
            #expect(waited.headers["preference-applied"] == "wait=1")
            let document = try await pair.send("GET", "/openapi.yaml")
            #expect(try await pair.send("GET", "/openapi.yaml", headers: ["If-None-Match": document.headers["etag"] ?? ""]).status == 304)
        }
    }

    /// The events of a stream, as far as they came.
    private func events(_ text: String) -> [(id: String, data: [String: Any])] {
        text.components(separatedBy: "\n\n").compactMap { block in
            let lines = block.components(separatedBy: "\n")
            guard let id = lines.first(where: { $0.hasPrefix("id: ") })?.dropFirst(4),
                let data = lines.first(where: { $0.hasPrefix("data: ") })?.dropFirst(6),
                let json = try? JSONSerialization.jsonObject(with: Data(data.utf8)) as? [String: Any]
            else { return nil }
            return (String(id), json)
        }
    }

    @Test func changesComeAsEvents() async throws {
        try await Pair.with { (pair) async throws in
            let id = try await pair.submit(Self.script("sleep 1"))
            async let streamed = pair.send("GET", "/api/jobs/\(id)/events")
            try await Task.sleep(for: .milliseconds(300))
            _ = try pair.startScriptedWorker()
            let answer = try await streamed
            #expect(answer.status == 200 && answer.headers["content-type"] == "text/event-stream; charset=utf-8")
            let seen = events(String(decoding: answer.body, as: UTF8.self))
            #expect(seen.first?.data["state"] as? String == "queued" && seen.last?.data["state"] as? String == "succeeded")
            let revisions = seen.compactMap { Int($0.id) }
            #expect(revisions == revisions.sorted() && Set(revisions).count == revisions.count && revisions.count >= 3)
            // Who comes back goes on from where it was, and who has seen the end is told not to come back.
            let resumed = try await pair.send("GET", "/api/jobs/\(id)/events", headers: ["Last-Event-ID": seen[0].id])
            #expect(events(String(decoding: resumed.body, as: UTF8.self)).map(\.id) == [try #require(seen.last).id])
            #expect(try await pair.send("GET", "/api/jobs/\(id)/events", headers: ["Last-Event-ID": try #require(seen.last).id]).status == 204)
            #expect(try await pair.send("GET", "/api/jobs/\(JobID.make())/events").status == 404)
        }
    }

    @Test func manyWhoWaitCostNoQueryEach() async throws {
        try await Pair.with(gateway: ["WHORL_WAITERS_POLL_SECONDS": "0.2"]) { (pair) async throws in
            let id = try await pair.submit(Self.script("nothing"))
            func queries() async throws -> Double {
                let text = String(decoding: try await pair.send("GET", "/metrics", to: pair.operators).body, as: UTF8.self)
                let line = text.split(separator: "\n").first { $0.hasPrefix("whorl_status_queries_total ") }
                return line?.split(separator: " ").last.flatMap { Double($0) } ?? 0
            }
            let before = try await queries()
            try await withThrowingTaskGroup(of: JobState.self) { group in
                for _ in 0..<100 {
                    group.addTask { try await pair.send("GET", "/api/jobs/\(id)", headers: ["Prefer": "wait=20"]).decoded(JobStatus.self).state }
                }
                try await Task.sleep(for: .seconds(1))
                _ = try pair.startScriptedWorker()
                for try await state in group { #expect(state == .succeeded) }
            }
            // One for what is shown first, and one for each revision that somebody was woken for.
            #expect(try await queries() - before <= 6)
        }
    }

    @Test func aTraceIsCarriedOn() async throws {
        try await Pair.with { (pair) async throws in
            let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            let id = try await pair.submit(Self.script("nothing"), headers: ["traceparent": trace])
            let odd = try await pair.submit(Self.script("nothing"), headers: ["traceparent": "00-\(String(repeating: "0", count: 32))-b7ad6b7169203331-01"])
            #expect(try await pair.pool.query("SELECT traceparent FROM jobs WHERE id = $1", [id.uuid])[0].decode("traceparent", as: String?.self) == trace)
            #expect(try await pair.pool.query("SELECT traceparent FROM jobs WHERE id = $1", [odd.uuid])[0].decode("traceparent", as: String?.self) == nil)
            let worker = try pair.startScriptedWorker()
            #expect(try await pair.ended(id).state == .succeeded)
            let isLogged = try await eventually {
                try await Task.sleep(for: .milliseconds(50))
                return worker.errorText.contains("\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\"")
            }
            #expect(isLogged)
        }
    }

    @Test func aStoppingGatewayFailsNoRequest() async throws {
        try await Pair.with(gateway: ["WHORL_SHUTDOWN_DRAIN_SECONDS": "1.5"]) { (pair) async throws in
            let id = try await pair.submit(Self.script("nothing"))
            let port = try await pair.gateway.listeningPort()
            // A request that waits, one that is half sent, and a stream of short ones on kept connections.
            async let waiting = pair.send("GET", "/api/jobs/\(id)", headers: ["Prefer": "wait=20"])
            try await Task.sleep(for: .milliseconds(200))
            pair.gateway.signal(SIGTERM)
            var statuses: [Int] = []
            let end = ContinuousClock.now + .seconds(1.2)
            while ContinuousClock.now < end {
                let answer = try await pair.send("GET", "/api/jobs/\(id)")
                statuses.append(answer.status)
                #expect(statuses.count < 3 || answer.headers["connection"] == "close")
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(statuses.count > 20 && statuses.allSatisfy { $0 == 200 })
            let ready = try await pair.send("GET", "/readyz", to: pair.operators)
            #expect(ready.status == 503 && ready.json["draining"] as? Bool == true)
            #expect(try await waiting.status == 200)
            #expect(await pair.gateway.exitCode() == 0)
            #expect(exchange(port: port, Data("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8)) == "")
        }
    }

    @Test func withACertificateHTTP2IsSpoken() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tls-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let certificate = folder.appendingPathComponent("cert.pem").path, key = folder.appendingPathComponent("key.pem").path
        #expect(run("/usr/bin/openssl", [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
            "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
        ]).code == 0)
        try await Pair.with(gateway: ["WHORL_TLS_CERTIFICATE": certificate, "WHORL_TLS_KEY": key]) { (pair) async throws in
            let clip = folder.appendingPathComponent("clip")
            try Self.script("nothing").write(to: clip)
            for version in ["--http1.1", "--http2"] {
                let get = run("/usr/bin/curl", [version, "-sS", "--cacert", certificate, "-w", "\n%{http_version} %{http_code}", pair.address + "/api/health"])
                #expect(get.text.hasSuffix(version == "--http2" ? "2 200" : "1.1 200"), "\(get.text)")
                let post = run("/usr/bin/curl", [
                    version, "-sS", "--cacert", certificate, "-H", "Content-Type: application/octet-stream", "--data-binary", "@\(clip.path)", "-w", "\n%{http_code}",
                    pair.address + "/api/jobs?fresh=true",
                ])
                #expect(post.text.hasSuffix("202"), "\(post.text)")
                // A refusal in the middle of a body is heard, and the connection goes on.
                let refused = run("/usr/bin/curl", [
                    version, "-sS", "--cacert", certificate, "-H", "Content-Type: text/html", "--data-binary", "@\(clip.path)", "-w", "\n%{http_code}",
                    pair.address + "/api/jobs", "--next", "-sS", version, "--cacert", certificate, "-w", "\n%{http_code}", pair.address + "/api/health",
                ])
                #expect(refused.text.contains("\n415") && refused.text.hasSuffix("\n200"), "\(refused.text)")
            }
            let strict = run("/usr/bin/curl", ["-sSI", "--cacert", certificate, pair.address + "/api/health"])
            #expect(strict.text.lowercased().contains("strict-transport-security: max-age="))
            #expect(run("/usr/bin/curl", ["-sS", "--tls-max", "1.1", "--cacert", certificate, pair.address + "/api/health"]).code != 0)
        }
        try FileManager.default.removeItem(at: folder)
    }

    private func run(_ program: String, _ arguments: [String]) -> (code: Int32, text: String) {
        let process = Process(), output = Pipe()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardOutput = output
        process.standardError = output
        do {
            try process.run()
        } catch {
            return (-1, "\(error)")
        }
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }
}
