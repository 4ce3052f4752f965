import Crypto
import Foundation
import JWTKit
import JobModel
import Synchronization
import TestServers
import Testing

/// Who gets in, and what for.
@Suite(.serialized) struct AccessTests {
    private static let locked = ["WHORL_AUTH_REQUIRED": "true", "WHORL_AUTH_KEY_CACHE_SECONDS": "0.2"]
    private static func script(_ text: String) -> Data { Data("\(text)\n# \(UUID())\n".utf8) }

    /// Makes a key as an operator does.
    private func key(
        _ pair: Pair, tenant: String, scopes: String = "submit,read,admin", _ more: String...
    ) async throws -> (text: String, id: String) {
        let making = try Program(
            "whorl", ["keys", "create", "--tenant", tenant, "--scopes", scopes, "--json"] + more, environment: pair.environment)
        guard await making.exitCode() == 0 else { throw ProgramFailed(text: making.errorText) }
        let made = try #require(try JSONSerialization.jsonObject(with: making.outputData) as? [String: Any])
        let row = try #require(made["key"] as? [String: Any])
        return (try #require(made["text"] as? String), try #require(row["id"] as? String))
    }

    private func bearer(_ key: String) -> [String: String] { ["Authorization": "Bearer \(key)"] }

    private func post(_ pair: Pair, _ key: String, _ body: Data = script("nothing")) async throws -> Answer {
        try await pair.send(
            "POST", "/api/jobs", body: body, headers: bearer(key).merging(["Content-Type": "application/octet-stream"]) { $1 })
    }

    @Test func withoutAKeyNothingIsShown() async throws {
        try await Pair.with(gateway: Self.locked) { (pair) async throws in
            for (method, path) in [("GET", "/api/jobs"), ("POST", "/api/jobs"), ("GET", "/api/stats"), ("GET", "/api/model"), ("DELETE", "/api/jobs/\(JobID.make())")] {
                let answer = try await pair.send(method, path)
                #expect(answer.status == 401 && answer.code == "unauthenticated", "\(method) \(path)")
                #expect(answer.headers["www-authenticate"]?.hasPrefix("Bearer realm=\"whorl\"") == true)
            }
            // Whether the whole is well is everybody's business, and why it is not is nobody's.
            let health = try await pair.send("GET", "/api/health").json
            #expect(health["status"] as? String == "degraded" && health["database"] == nil && health["workers"] == nil)
            #expect(try await pair.send("GET", "/openapi.yaml").status == 200)
            for wrong in ["Basic eDp5", "Bearer", "Bearer whorl_x_y", "Bearer nonsense", "Bearer whorl_\(String(repeating: "0", count: 32))_\(String(repeating: "A", count: 43))"] {
                #expect(try await pair.send("GET", "/api/jobs", headers: ["Authorization": wrong]).status == 401, "\(wrong)")
            }
        }
    }

    @Test func aKeyMayWhatItsScopesSay() async throws {
        try await Pair.with(gateway: Self.locked) { (pair) async throws in
            let submit = try await key(pair, tenant: "acme", scopes: "submit").text
            let read = try await key(pair, tenant: "acme", scopes: "read").text
            let admin = try await key(pair, tenant: "acme", scopes: "admin").text
            let accepted = try await post(pair, submit)
            #expect(accepted.status == 202)
            let id = try accepted.decoded(JobStatus.self).id
            #expect(try await pair.send("GET", "/api/jobs/\(id)", headers: bearer(read)).status == 200)
            let refused: [(String, String, String)] = [
                ("GET", "/api/jobs/\(id)", submit), ("POST", "/api/jobs", read), ("DELETE", "/api/jobs/\(id)", submit),
                ("POST", "/api/jobs/\(id)/cancel", read), ("GET", "/api/webhooks", read), ("GET", "/api/jobs", admin),
            ]
            for (method, path, key) in refused {
                let answer = try await pair.send(method, path, headers: bearer(key))
                #expect(answer.status == 403 && answer.code == "scope_missing", "\(method) \(path): \(answer.status)")
            }
            #expect(try await pair.send("DELETE", "/api/jobs/\(id)", headers: bearer(admin)).status == 204)
        }
    }

    @Test func aRevokedOrExpiredKeyOpensNothing() async throws {
        try await Pair.with(gateway: Self.locked) { (pair) async throws in
            let made = try await key(pair, tenant: "acme")
            #expect(try await pair.send("GET", "/api/jobs", headers: bearer(made.text)).status == 200)
            let listed = try Program("whorl", ["keys", "list"], environment: pair.environment)
            #expect(await listed.exitCode() == 0)
            let list = String(decoding: listed.outputData, as: UTF8.self)
            #expect(list.contains(made.id) && !list.contains(made.text.suffix(20)))
            let revoked = try Program("whorl", ["keys", "revoke", made.id], environment: pair.environment)
            #expect(await revoked.exitCode() == 0)
            let isClosed = try await eventually(within: .seconds(5)) {
                try await Task.sleep(for: .milliseconds(50))
                return try await pair.send("GET", "/api/jobs", headers: bearer(made.text)).status == 401
            }
            #expect(isClosed)
            let short = try await key(pair, tenant: "acme")
            try await pair.pool.execute("UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE id::text = $1", [short.id])
            #expect(try await pair.send("GET", "/api/jobs", headers: bearer(short.text)).status == 401)
            // Neither the database nor the log has what opens anything.
            let secret = try #require(made.text.split(separator: "_", maxSplits: 2).last)
            #expect(!pair.gateway.errorText.contains(secret))
            #expect(try await pair.count("api_keys WHERE secret_sha256 = convert_to('\(secret)', 'UTF8')") == 0)
        }
    }

    @Test func tenantsSeeOnlyTheirOwn() async throws {
        try await Pair.with(gateway: Self.locked) { (pair) async throws in
            let ours = try await key(pair, tenant: "ours").text, theirs = try await key(pair, tenant: "theirs").text
            _ = try pair.startScriptedWorker()
            try await pair.hasWorkers(1)
            let clip = Self.script("nothing")
            let id = try await post(pair, ours, clip).decoded(JobStatus.self).id
            let done = try await pair.send("GET", "/api/jobs/\(id)", headers: bearer(ours).merging(["Prefer": "wait=20"]) { $1 })
            #expect(try done.decoded(JobStatus.self).state == .succeeded)
            for (method, path) in [
                ("GET", ""), ("GET", "/attempts"), ("GET", "/events"), ("GET", "/frames/0/image.jpg"), ("POST", "/cancel"), ("POST", "/retry"),
                ("DELETE", ""),
            ] {
                #expect(try await pair.send(method, "/api/jobs/\(id)\(path)", headers: bearer(theirs)).status == 404, "\(method) \(path)")
            }
            #expect(try await pair.send("GET", "/api/jobs", headers: bearer(theirs)).decoded(JobPage.self).jobs.isEmpty)
            #expect(try await pair.send("GET", "/api/verdicts", headers: bearer(theirs)).decoded(VerdictPage.self).verdicts.isEmpty)
            #expect(try await pair.send("GET", "/api/verdicts?label=uncertain", headers: bearer(ours)).decoded(VerdictPage.self).verdicts.map(\.jobID) == [id])
            #expect((try await pair.send("GET", "/api/stats", headers: bearer(theirs)).json["jobs"] as? [String: Int]) == [:])
            // The same bytes of another tenant are judged for themselves.
            let twin = try await post(pair, theirs, clip).decoded(JobStatus.self)
            #expect(twin.state == .queued && twin.leaderID == nil)
            _ = try await post(pair, ours)
            let page = try await pair.send("GET", "/api/jobs?limit=1", headers: bearer(ours)).decoded(JobPage.self)
            let cursor = try #require(page.nextCursor)
            #expect(try await pair.send("GET", "/api/jobs?limit=1&cursor=\(cursor)", headers: bearer(ours)).status == 200)
            #expect(try await pair.send("GET", "/api/jobs?limit=1&cursor=\(cursor)", headers: bearer(theirs)).status == 400)
            #expect(try await pair.send("GET", "/api/jobs?limit=1&state=dead&cursor=\(cursor)", headers: bearer(ours)).status == 400)
        }
    }

    @Test func aCallerIsKeptToItsRate() async throws {
        try await Pair.with(gateway: Self.locked) { (pair) async throws in
            let slow = try await key(pair, tenant: "acme", scopes: "read", "--requests-per-second", "2").text
            let free = try await key(pair, tenant: "acme", scopes: "read").text
            var answers: [Answer] = []
            for _ in 0..<12 { answers.append(try await pair.send("GET", "/api/jobs", headers: bearer(slow))) }
            let refused = answers.filter { $0.status == 429 }
            #expect(answers[0].status == 200 && answers[0].headers["ratelimit-policy"] == "\"caller\";q=4;w=2")
            #expect(answers[0].headers["ratelimit"]?.hasPrefix("\"caller\";r=") == true)
            #expect(refused.count >= 5 && refused.allSatisfy { $0.code == "rate_limited" && $0.headers["retry-after"] != nil })
            #expect(try await pair.send("GET", "/api/jobs", headers: bearer(free)).status == 200)
        }
    }

    @Test func madeUpKeysAreNotLookedUpForEver() async throws {
        try await Pair.with(gateway: Self.locked.merging(["WHORL_RATE_ADDRESS_REQUESTS_PER_SECOND": "1"]) { $1 }) { (pair) async throws in
            let good = try await key(pair, tenant: "acme", scopes: "read").text
            #expect(try await pair.send("GET", "/api/jobs", headers: bearer(good)).status == 200)
            var answers: [Answer] = []
            for digit in 0..<8 {
                // The same form as a key that exists.
                let id = "0189f7e5-6801-7000-8000-00000000000\(digit)".replacing("-", with: "")
                let made = good.split(separator: "_").enumerated().map { $0 == 1 ? Substring(id) : $1 }.joined(separator: "_")
                answers.append(try await pair.send("GET", "/api/jobs", headers: bearer(made)))
            }
            #expect(answers[0].status == 401)
            let refused = answers.filter { $0.status == 429 }
            #expect(refused.count >= 4 && refused.allSatisfy { $0.code == "rate_limited" && $0.headers["retry-after"] != nil })
            #expect(try await pair.send("GET", "/api/jobs", headers: bearer(good)).status == 200)
        }
    }

    /// Those who wait for one answer about one bucket must not keep it from coming.
    @Test func manyAtOnceWithANewKeyAreAllAnswered() async throws {
        try await Pair.with(gateway: Self.locked) { (pair) async throws in
            for round in 0..<6 {
                let good = try await key(pair, tenant: "acme", scopes: "read").text
                let strange = good.replacing(good.split(separator: "_")[1], with: String(format: "%032x", round))
                let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                    for number in 0..<12 {
                        group.addTask { try await pair.send("GET", "/api/stats", headers: bearer(number % 2 == 0 ? good : strange)).status }
                    }
                    return try await group.reduce(into: [Int]()) { $0.append($1) }
                }
                #expect(statuses.filter { $0 == 200 }.count == 6 && statuses.filter { $0 == 401 || $0 == 429 }.count == 6, "\(statuses)")
            }
        }
    }

    @Test func theLogTellsNothingOfAClip() async throws {
        try await Pair.with(gateway: Self.locked.merging(["WHORL_LOG_LEVEL": "trace"]) { $1 }) { (pair) async throws in
            let token = try await key(pair, tenant: "acme").text
            let worker = try pair.startScriptedWorker(["LOG_LEVEL": "trace"])
            try await pair.hasWorkers(1)
            let marks = ["grandmothers-birthday", "bytesofthevideo", "nameofanotherpart"]
            let part = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\(marks[0]).mp4\"\r\n\r\nnothing\n# \(marks[1])\n\r\n--x\r\n"
            let other = "Content-Disposition: form-data; name=\"\(marks[2])\"\r\n\r\n\(marks[1])\r\n--x--\r\n"
            let answer = try await pair.send(
                "POST", "/api/jobs", body: Data((part + other).utf8),
                headers: bearer(token).merging(["Content-Type": "multipart/form-data; boundary=x"]) { $1 })
            #expect(answer.status == 202)
            let id = try answer.decoded(JobStatus.self).id
            let done = try await pair.send("GET", "/api/jobs/\(id)", headers: bearer(token).merging(["Prefer": "wait=20"]) { $1 })
            #expect(try done.decoded(JobStatus.self).state == .succeeded)
            // One that is refused for what it holds is no better told.
            let wrong = try await pair.send(
                "POST", "/api/jobs?options=%7B%22\(marks[2])%22:1%7D", body: Data(marks[1].utf8),
                headers: bearer(token).merging(["Content-Type": "video/mp4"]) { $1 })
            #expect(wrong.status == 400 || wrong.status == 422)
            let logs = pair.gateway.errorText + worker.errorText
            #expect(logs.contains("\(id)"))
            for mark in marks + [String(token.suffix(20))] { #expect(!logs.contains(mark), "\(mark)") }
        }
    }

    @Test func withoutRedisEachGatewayCountsForItself() async throws {
        try await Pair.with(gateway: Self.locked, hasRedis: false) { (pair) async throws in
            let slow = try await key(pair, tenant: "acme", scopes: "read", "--requests-per-second", "1").text
            var statuses: [Int] = []
            for _ in 0..<8 { statuses.append(try await pair.send("GET", "/api/jobs", headers: bearer(slow)).status) }
            #expect(statuses.first == 200 && statuses.contains(429))
        }
    }

    @Test func aTenantIsHeldToItsBounds() async throws {
        try await Pair.with(gateway: Self.locked) { (pair) async throws in
            let token = try await key(pair, tenant: "small").text
            func set(_ bounds: String...) async throws {
                let setting = try Program("whorl", ["tenants", "set", "small"] + bounds, environment: pair.environment)
                #expect(await setting.exitCode() == 0, "\(setting.errorText)")
                // What the gateway counted before is a second old at most.
                try await Task.sleep(for: .seconds(1.1))
            }
            try await set("--jobs-per-day", "2")
            #expect(try await post(pair, token).status == 202)
            #expect(try await post(pair, token).status == 202)
            let third = try await post(pair, token)
            #expect(third.status == 429 && third.code == "tenant_jobs_per_day")
            #expect((1...86_400).contains(Int(third.headers["retry-after"] ?? "") ?? 0))
            try await set("--stored-bytes", "200")
            let large = try await post(pair, token, Data(count: 500))
            #expect(large.status == 507 && large.code == "tenant_storage_full")
            try await set("--queued-jobs", "1")
            #expect(try await post(pair, token).code == "tenant_queue_full")
            #expect(try pair.uploadedFiles().count == 2)
            let shown = try await pair.send("GET", "/admin/tenants/small", to: pair.operators).json
            #expect((shown["bounds"] as? [String: Any])?["maximumQueuedJobs"] as? Int == 1 && shown["jobsToday"] as? Int == 2)
        }
    }

    @Test func operatorsHaveAListenerOfTheirOwn() async throws {
        try await Pair.with(gateway: ["WHORL_OPERATORS_TOKEN": "let-me-in"]) { (pair) async throws in
            #expect(try await pair.send("GET", "/readyz", to: pair.operators).status == 200)
            let metrics = String(decoding: try await pair.send("GET", "/metrics", to: pair.operators).body, as: UTF8.self)
            #expect(metrics.contains("# TYPE whorl_http_requests_total counter") && metrics.contains("process_resident_memory_bytes"))
            #expect(try await pair.send("GET", "/admin/workers", to: pair.operators).status == 401)
            #expect(try await pair.send("GET", "/admin/workers", to: pair.operators, headers: bearer("let-me-ix")).status == 401)
            #expect(try await pair.send("GET", "/admin/workers", to: pair.operators, headers: bearer("let-me-in")).status == 200)
            let wish = Data(#"{"tenant":"acme","scopes":["read"],"name":"by hand","expiresAt":"2999-01-01T00:00:00Z"}"#.utf8)
            let headers = bearer("let-me-in").merging(["Content-Type": "application/json"]) { $1 }
            let made = try await pair.send("POST", "/admin/keys", to: pair.operators, body: wish, headers: headers)
            #expect(made.status == 201)
            let text = try #require(made.json["text"] as? String)
            #expect(try await pair.send("GET", "/api/jobs", headers: bearer(text)).status == 200)
            #expect(try await pair.send("POST", "/api/jobs", headers: bearer(text)).status == 403)
            // None of it is on the public side.
            for path in ["/metrics", "/readyz", "/admin/keys"] { #expect(try await pair.send("GET", path).status == 404) }
        }
    }

    @Test(arguments: [
        (["WHORL_HTTP_HOST": "0.0.0.0"], "would let anyone in"), (["WHORL_OPERATORS_HOST": "0.0.0.0"], "--operators-token"),
        (["WHORL_TLS_CERTIFICATE": "/x.pem"], "--tls-key"), (["WHORL_HTTP_ALLOWED_ORIGINS": "https://a.example/"], "is no origin"),
        (["WHORL_OUTBOUND_ALLOWED_NETWORKS": "10.0.0.1"], "--outbound-allowed-networks"), (["WHORL_UPLOADS_STORE": "s3"], "--s3-endpoint"),
    ])
    func anUnguardedGatewayDoesNotStart(settings: [String: String], words: String) async throws {
        let environment = ["WHORL_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x", "WHORL_HTTP_PORT": "0", "WHORL_OPERATORS_PORT": "0"]
        let gateway = try Program("whorl-gateway", [], environment: environment.merging(settings) { $1 })
        #expect(await gateway.exitCode() == 2)
        #expect(gateway.errorText.contains(words) && gateway.errorText.split(separator: "\n").count == 1, "\(gateway.errorText)")
    }

    @Test func pagesOfNamedOriginsMayReadAnswers() async throws {
        let origin = "chrome-extension://abcdefghijklmnopabcdefghijklmnop"
        try await Pair.with(gateway: Self.locked.merging(["WHORL_HTTP_ALLOWED_ORIGINS": "https://a.example, \(origin)"]) { $1 }) { (pair) async throws in
            let preflight = try await pair.send(
                "OPTIONS", "/api/jobs", headers: ["Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"])
            #expect(preflight.status == 204 && preflight.headers["access-control-allow-origin"] == origin)
            #expect(preflight.headers["access-control-allow-headers"]?.contains("Authorization") == true)
            let refused = try await pair.send("GET", "/api/jobs", headers: ["Origin": origin])
            #expect(refused.status == 401 && refused.headers["access-control-allow-origin"] == origin)
            for stranger in ["https://b.example", "https://a.example.evil.example", "null", "http://a.example", origin + "x"] {
                let answer = try await pair.send("GET", "/api/health", headers: ["Origin": stranger])
                #expect(answer.headers["access-control-allow-origin"] == nil && answer.headers["vary"]?.contains("Origin") == true, "\(stranger)")
            }
        }
    }

    // MARK: Tokens

    private struct Token: JWTPayload {
        var iss, sub: String
        var aud: String
        var exp: Int
        var tenant: String?
        var scope: String

        func verify(using algorithm: some JWTAlgorithm) async throws {}
    }

    private static func jwk(_ key: P256.Signing.PrivateKey, id: String) -> String {
        let raw = key.publicKey.rawRepresentation
        func text(_ part: Data) -> String {
            part.base64EncodedString().replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
        }
        return #"{"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":"\#(id)","x":"\#(text(raw.prefix(32)))","y":"\#(text(raw.suffix(32)))"}"#
    }

    private func token(_ key: P256.Signing.PrivateKey, id: String, _ change: (inout Token) -> Void = { _ in }, issuer: String) async throws -> String {
        var token = Token(
            iss: issuer, sub: "somebody", aud: "whorl", exp: Int(Date().timeIntervalSince1970) + 300, tenant: "acme", scope: "openid read")
        change(&token)
        let keys = JWTKeyCollection()
        await keys.add(ecdsa: try ES256PrivateKey(pem: key.pemRepresentation), kid: JWKIdentifier(string: id))
        return try await keys.sign(token, kid: JWKIdentifier(string: id))
    }

    @Test func tokensOfTheIssuerAreTaken() async throws {
        let first = P256.Signing.PrivateKey(), second = P256.Signing.PrivateKey(), stranger = P256.Signing.PrivateKey()
        // Beside them a key of a kind that nobody knows.
        let published = Mutex([#"{"kty":"future","kid":"odd"}"#, Self.jwk(first, id: "one")])
        let address = Mutex("")
        let issuer = try StubServer { request in
            let base = address.withLock { $0 }
            switch request.path {
            case "/.well-known/openid-configuration":
                return .init(200, body: Data(#"{"issuer":"\#(base)","jwks_uri":"\#(base)/keys"}"#.utf8))
            case "/keys": return .init(200, body: Data(#"{"keys":[\#(published.withLock { $0 }.joined(separator: ","))]}"#.utf8))
            default: return .init(404)
            }
        }
        address.withLock { $0 = issuer.url }
        try await Pair.with(gateway: Self.locked.merging(["WHORL_OIDC_ISSUER": issuer.url]) { $1 }) { (pair) async throws in
            func status(_ token: String, _ method: String = "GET") async throws -> Int {
                try await pair.send(method, "/api/jobs", headers: bearer(token)).status
            }
            let good = try await token(first, id: "one", issuer: issuer.url)
            #expect(try await status(good) == 200)
            #expect(try await status(good, "POST") == 403)
            let now = Int(Date().timeIntervalSince1970)
            #expect(try await status(try await token(stranger, id: "one", issuer: issuer.url)) == 401)
            #expect(try await status(try await token(first, id: "one", issuer: "https://else.example")) == 401)
            #expect(try await status(try await token(first, id: "one", { $0.aud = "else" }, issuer: issuer.url)) == 401)
            #expect(try await status(try await token(first, id: "one", { $0.exp = now - 60 }, issuer: issuer.url)) == 401)
            #expect(try await status(try await token(first, id: "one", { $0.tenant = nil }, issuer: issuer.url)) == 401)
            #expect(try await status(try await token(first, id: "one", { $0.tenant = "../x" }, issuer: issuer.url)) == 401)
            let parts = good.split(separator: ".")
            let none = Data(#"{"alg":"none","kid":"one"}"#.utf8).base64EncodedString().replacingOccurrences(of: "=", with: "")
            #expect(try await status("\(none).\(parts[1]).") == 401)
            #expect(try await status("\(parts[0]).\(parts[1]).AAAA") == 401)
            // A rotation: the new key is found when the first token names it, at the latest after ten seconds.
            published.withLock { $0 = [Self.jwk(second, id: "two")] }
            let rotated = try await token(second, id: "two", issuer: issuer.url)
            let isTaken = try await eventually(within: .seconds(20)) {
                try await Task.sleep(for: .milliseconds(300))
                return try await status(rotated) == 200
            }
            #expect(isTaken)
            #expect(try await status(good) == 401)
        }
    }
}
