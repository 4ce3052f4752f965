import Foundation
import JobModel
import TestServers
import Testing

/// What the internet sends: each is refused or outlived, and the next client is served.
@Suite(.serialized) struct HostileTests {
    private func stillServes(_ pair: Pair) async throws -> Bool {
        try await pair.send("GET", "/api/health").status == 200
    }

    @Test func slowlorisIsCutOff() async throws {
        try await Pair.with(gateway: ["WHORL_HTTP_IDLE_SECONDS": "2", "WHORL_UPLOADS_STALL_SECONDS": "1"]) { (pair) async throws in
            let port = try await pair.gateway.listeningPort()
            // A header that never ends, a byte now and then, on many connections.
            let lasted = await withTaskGroup(of: Double.self) { group in
                for _ in 0..<50 { group.addTask { await Dribble(port: port).secondsUntilClosed(limit: 15) } }
                return await group.reduce(into: [Double]()) { $0.append($1) }
            }
            #expect(lasted.allSatisfy { $0 < 10 }, "\(lasted.max() ?? 0) s")
            #expect(try await stillServes(pair))
        }
    }

    @Test func hugeHeadersAreRefused() async throws {
        try await Pair.with { (pair) async throws in
            let port = try await pair.gateway.listeningPort()
            let floods: [(String, Data)] = [
                ("one header of 100 MB", Data("GET /api/health HTTP/1.1\r\nHost: x\r\nX: ".utf8) + Data(repeating: 97, count: 100_000_000)),
                ("a hundred thousand headers", Data(("GET /api/health HTTP/1.1\r\nHost: x\r\n" + String(repeating: "X-Y: z\r\n", count: 100_000) + "\r\n").utf8)),
                ("a target of 10 MB", Data(("GET /" + String(repeating: "a", count: 10_000_000) + " HTTP/1.1\r\nHost: x\r\n\r\n").utf8)),
            ]
            for (name, bytes) in floods {
                let answer = exchange(port: port, bytes, staysOpen: true)
                #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4"), "\(name): \(answer.prefix(100))")
                #expect(try await stillServes(pair), "\(name)")
            }
            #expect(try residentMegabytes(pair) < 200)
        }
    }

    @Test func whatIsNoRequestIsToldWhy() async throws {
        try await Pair.with { (pair) async throws in
            let port = try await pair.gateway.listeningPort()
            let fields = (0..<150).map { "X-\($0): z\r\n" }.joined()
            let wrong: [(String, String, String)] = [
                ("GET /api/health HTTP/1.1\r\nHost: x\r\n\(fields)\r\n", "431", "headers_too_large"),
                ("GET /api/health HTTP/1.1\r\nHost: x\r\nX: \(String(repeating: "a", count: 40_000))\r\n\r\n", "431", "headers_too_large"),
                ("hello\r\n\r\n", "400", "request_malformed"),
                // After a good one on the same connection.
                ("GET /api/health HTTP/1.1\r\nHost: x\r\n\r\nGET /api/health HTTP/1.1\r\nHost: x\r\nContent-Length: z\r\n\r\n", "400", "request_malformed"),
            ]
            for (text, status, code) in wrong {
                let answer = exchange(port: port, Data(text.utf8), staysOpen: true)
                let last = answer.components(separatedBy: "HTTP/1.1 ").last ?? ""
                #expect(last.hasPrefix(status) && last.contains("\"code\":\"\(code)\"") && last.lowercased().contains("x-request-id"), "\(answer)")
            }
            #expect(try await stillServes(pair))
        }
    }

    private func residentMegabytes(_ pair: Pair) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(pair.gateway.processIdentifier)/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return (line?.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? .max) / 1024
    }

    /// Two readers of one connection must not see different requests (RFC 9112 §6.3, §11.2).
    @Test(arguments: [
        // Both lengths, in both orders; two lengths; a length that is none; codings that are none; folded and padded names.
        "POST /api/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /api/smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /api/jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 100\r\n\r\n0\r\n\r\nGET /api/smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /api/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 40\r\n\r\nxGET /api/smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /api/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\nxGET /api/smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /api/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\nGET /api/smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /api/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 0x5\r\n\r\nGET /api/smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /api/jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\nGET /api/smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /api/jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\nGET /api/smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /api/jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\nGET /api/smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /api/jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\nGET /api/smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /api/jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\nGET /api/smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /api/health HTTP/1.1\r\nHost: x\r\nX: a\u{0}b\r\n\r\n",
        "GET /api/health HTTP/9.9\r\nHost: x\r\n\r\n",
        "GE\u{0}T /api/health HTTP/1.1\r\nHost: x\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}",
    ])
    func noRequestIsSmuggled(text: String) async throws {
        try await Pair.with(gateway: ["WHORL_LOG_LEVEL": "debug"]) { (pair) async throws in
            let answer = exchange(port: try await pair.gateway.listeningPort(), Data(text.utf8))
            // Nothing, or one refusal, after which the connection is closed; never an answer to what hid in the body.
            let answers = answer.components(separatedBy: "HTTP/1.1 ").dropFirst()
            #expect(answers.count <= 1, "\(answer)")
            #expect(answers.allSatisfy { $0.hasPrefix("4") || $0.hasPrefix("5") }, "\(answer)")
            #expect(!pair.gateway.errorText.contains("smuggled") && !answer.contains("smuggled"))
            #expect(try await pair.count("jobs") == 0)
            #expect(try await stillServes(pair))
        }
    }

    @Test func aFloodOfPipelinedRequestsIsAnsweredInOrder() async throws {
        try await Pair.with { (pair) async throws in
            let port = try await pair.gateway.listeningPort()
            let one = "GET /api/jobs/%d HTTP/1.1\r\nHost: x\r\n\r\n"
            let many = (0..<2000).map { String(format: one, $0) }.joined()
            let answer = exchange(port: port, Data(many.utf8))
            let instances = answer.components(separatedBy: "\"instance\":\"/api/jobs/").dropFirst().compactMap { Int($0.prefix { $0.isNumber }) }
            #expect(instances == Array(0..<instances.count) && instances.count == 2000)
            #expect(try await stillServes(pair))
        }
    }

    @Test func parametersOfAnyKindAreNoFault() async throws {
        try await Pair.with { (pair) async throws in
            for path in [
                "/api/jobs?cursor=%00", "/api/jobs?limit=9999999999999999999999", "/api/jobs?state=%FF%FE", "/api/jobs/%00", "/api/jobs/..%2f..%2fetc%2fpasswd",
                "/api/jobs/\(JobID.make())/frames/99999999999999/image.jpg", "/api/jobs/\(JobID.make())/frames/-1/image.jpg?track=-1", "/%2e%2e/", "/api/jobs/%2e%2e",
            ] {
                let status = try await pair.send("GET", path).status
                #expect((400..<500).contains(status), "\(path): \(status)")
            }
            #expect(try await stillServes(pair))
        }
    }
}

/// A client that sends its headers a byte at a time, and never ends them.
private struct Dribble {
    let port: Int

    func secondsUntilClosed(limit: Double) async -> Double {
        guard let descriptor = connectToLoopback(port: port) else { return 0 }
        defer { close(descriptor) }
        let start = ContinuousClock.now
        let bytes = Array("GET /api/health HTTP/1.1\r\nHost: x\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".utf8)
        for byte in bytes {
            var one = byte, answer: UInt8 = 0
            let count = recv(descriptor, &answer, 1, Int32(MSG_DONTWAIT))
            if count == 0 || (count < 0 && errno != EAGAIN) { break }
            if send(descriptor, &one, 1, Int32(MSG_NOSIGNAL)) < 0 { break }
            let passed = start.duration(to: .now)
            if passed > .seconds(limit) { break }
            try? await Task.sleep(for: .milliseconds(250))
        }
        let passed = start.duration(to: .now).components
        return Double(passed.seconds) + Double(passed.attoseconds) / 1e18
    }
}
