import Foundation
import JobModel
import TestServers
import Testing

/// What clients and operators do with the queue, over HTTP and with the command line. The workers' work is scripted by the clips.
@Suite(.serialized) struct QueueTests {
    private static func script(_ lines: String) -> Data { Data(lines.utf8) }

    private func post(_ pair: Pair, _ body: Data, query: String = "", headers: [String: String] = [:]) async throws -> Answer {
        let headers = headers.merging(["Content-Type": "application/octet-stream"]) { own, _ in own }
        return try await pair.send("POST", "/api/jobs" + (query.isEmpty ? "" : "?\(query)"), body: body, headers: headers)
    }

    @Test func equalBytesAreJudgedOnce() async throws {
        try await Pair.with { (pair) async throws in
            _ = try pair.startScriptedWorker()
            // A job that came before any model is of none, and shares nothing with later ones.
            try await pair.hasWorkers(1)
            let clip = Self.script("sleep 1")
            let leader = try await pair.submit(clip, query: "")
            _ = try await pair.reaches(leader) { $0.state == .running }
            let following = try await post(pair, clip)
            #expect(following.status == 202 && following.json["leaderId"] as? String == "\(leader)")
            let follower: JobStatus = try following.decoded()
            #expect(try await pair.ended(leader).verdict?.reused == false)
            #expect(try await pair.ended(follower.id).verdict?.reused == true)
            let reused = try await post(pair, clip)
            #expect(reused.status == 202 && reused.headers["retry-after"] == nil)
            let status: JobStatus = try reused.decoded()
            #expect(status.state == .succeeded && status.verdict?.reused == true)
            let fresh = try await pair.ended(try await pair.submit(clip))
            #expect(fresh.verdict?.reused == false)
            #expect(try await pair.count("attempts") == 2)
            // One clip was kept for the first three, one for the fresh one.
            #expect(try pair.uploadedFiles().count == 2)
        }
    }

    @Test func anErasedJobStopsAndLeavesNothing() async throws {
        try await Pair.with { (pair) async throws in
            let worker = try pair.startScriptedWorker()
            let id = try await pair.submit(Self.script("sleep 600"))
            _ = try await pair.reaches(id) { $0.state == .running }
            #expect(try await pair.send("DELETE", "/api/jobs/\(id)").status == 204)
            #expect(try await pair.send("GET", "/api/jobs/\(id)").code == "not_found")
            #expect(try await pair.send("DELETE", "/api/jobs/\(id)").status == 404)
            // The only slot is free again.
            #expect(try await pair.ended(try await pair.submit(Self.script("nothing"))).state == .succeeded)
            #expect(try pair.uploadedFiles().count == 1)
            #expect(try await pair.count("attempts") == 1)
            worker.signal(SIGTERM)
            #expect(await worker.exitCode() == 0)
        }
    }

    @Test func deadLettersAreListedInspectedAndRetried() async throws {
        try await Pair.with(gateway: ["WHORL_JOBS_MAX_ATTEMPTS": "2"]) { (pair) async throws in
            _ = try pair.startScriptedWorker()
            var ids: [JobID] = []
            for number in 0..<2 { ids.append(try await pair.submit(Self.script("fault disk_failed # \(number)"))) }
            for id in ids { #expect(try await pair.ended(id).state == .dead) }
            func whorl(_ arguments: String...) async throws -> (code: Int32, text: String) {
                let program = try Program(
                    "whorl", arguments, environment: ["WHORL_URL": pair.address, "WHORL_OPERATORS_URL": pair.operators])
                let code = await program.exitCode()
                return (code, String(decoding: program.outputData, as: UTF8.self) + program.errorText)
            }
            let listed = try await whorl("jobs", "list", "--state", "dead")
            #expect(listed.code == 0 && ids.allSatisfy { listed.text.contains("\($0)") } && listed.text.contains("disk_failed"))
            let shown = try await whorl("jobs", "show", "\(ids[0])")
            #expect(shown.text.contains("start 1") && shown.text.contains("retried [disk_failed]") && shown.text.contains("dead [disk_failed]"))
            let one = try await whorl("jobs", "retry", "\(ids[0])")
            #expect(one.code == 0)
            #expect(try await pair.ended(ids[0]).attempt == 2)
            let all = try await whorl("jobs", "retry", "--all")
            #expect(all.code == 0 && ids.allSatisfy { all.text.contains("\($0) queued") })
            for id in ids { #expect(try await pair.ended(id).state == .dead) }
            let attempts: JobAttempts = try await pair.send("GET", "/api/jobs/\(ids[0])/attempts").decoded()
            #expect(attempts.attempts.map(\.outcome) == ["retried", "dead", "retried", "dead", "retried", "dead"])
            let judged = try await pair.submit(Self.script("nothing"))
            _ = try await pair.ended(judged)
            #expect(try await pair.send("POST", "/api/jobs/\(judged)/retry").code == "job_not_dead")
            let refused = try await whorl("jobs", "retry", "\(judged)")
            #expect(refused.code == 1 && refused.text.contains("job_not_dead"))
            let erased = try await whorl("jobs", "erase", "\(judged)")
            #expect(erased.code == 0 && erased.text.contains("erased"))
            let workers = try await whorl("workers")
            #expect(workers.code == 0 && workers.text.contains("0/1") && workers.text.contains("ready"))
        }
    }

    @Test(arguments: [("PER_TENANT", 429, "tenant_queue_full"), ("", 503, "queue_full")])
    func aFullQueueSaysWhoseItIs(bound: String, status: Int, code: String) async throws {
        let setting = "WHORL_JOBS_MAX_QUEUED" + (bound.isEmpty ? "" : "_\(bound)")
        try await Pair.with(gateway: [setting: "3"]) { (pair) async throws in
            var ids: [JobID] = []
            for number in 0..<3 { ids.append(try await pair.submit(Self.script("# \(number)"))) }
            let refused = try await post(pair, Self.script("# one too many"))
            #expect(refused.status == status && refused.code == code && refused.headers["retry-after"] != nil)
            #expect(try pair.uploadedFiles().count == 3)
            // There is room again once they ran.
            _ = try pair.startScriptedWorker()
            for id in ids { #expect(try await pair.ended(id).state == .succeeded) }
            let accepted = try await eventually {
                try await Task.sleep(for: .milliseconds(100))
                return try await post(pair, Self.script("# later")).status == 202
            }
            #expect(accepted)
        }
    }

    @Test func wrongWishesNameTheirField() async throws {
        try await Pair.with { (pair) async throws in
            let long = String(repeating: "x", count: 20_000)
            let cases: [(query: String, headers: [String: String], code: String, field: String)] = [
                ("priority=11", [:], "parameter_invalid", "priority"),
                ("priority=high", [:], "parameter_invalid", "priority"),
                ("runAt=2020-01-01T00:00:00Z", [:], "parameter_invalid", "runAt"),
                ("runAt=9999-12-31T23:59:59Z", [:], "parameter_invalid", "runAt"),
                ("runAt=tomorrow", [:], "parameter_invalid", "runAt"),
                ("fresh=yes", [:], "parameter_invalid", "fresh"),
                ("options=\(long)", [:], "field_too_large", "options"),
                ("options=%7B%22a%22%3A1%7D", [:], "parameter_invalid", "options"),
                ("", ["Idempotency-Key": String(repeating: "k", count: 10_240)], "idempotency_key_malformed", "Idempotency-Key"),
            ]
            for (query, headers, code, field) in cases {
                let answer = try await post(pair, Self.script("nothing"), query: query, headers: headers)
                #expect(answer.status == 400 && answer.code == code && answer.json["field"] as? String == field, "\(query.prefix(40)): \(answer.json)")
            }
            let id = try await pair.submit(Self.script("nothing"))
            for wait in ["-1", "soon", "1.5"] {
                let answer = try await pair.send("GET", "/api/jobs/\(id)", headers: ["Prefer": "wait=\(wait)"])
                #expect(answer.status == 400 && answer.json["field"] as? String == "Prefer")
            }
            #expect(try await pair.count("jobs") == 1)
            #expect(try pair.uploadedFiles().count == 1)
        }
    }

    @Test func aScheduledJobStartsWhenItIsDue() async throws {
        try await Pair.with { (pair) async throws in
            _ = try pair.startScriptedWorker()
            let due = Date().addingTimeInterval(2)
            let text = due.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
            let later = try await post(pair, Self.script("nothing # later"), query: "runAt=\(text)")
            let status: JobStatus = try later.decoded()
            #expect(later.status == 202 && abs(status.runAt.timeIntervalSince(due)) < 0.01)
            #expect(try await pair.ended(try await pair.submit(Self.script("nothing # now"))).state == .succeeded)
            let ended = try await pair.ended(status.id)
            #expect(try #require(ended.startedAt) >= due.addingTimeInterval(-0.01))
        }
    }

    @Test func workersShareTheLoad() async throws {
        try await Pair.with { (pair) async throws in
            for _ in 0..<2 { _ = try pair.startScriptedWorker(["SLOTS": "2"]) }
            try await pair.hasWorkers(2)
            var ids: [JobID] = []
            for number in 0..<40 { ids.append(try await pair.submit(Self.script("sleep 0.1 # \(number)"))) }
            for id in ids { #expect(try await pair.ended(id).state == .succeeded) }
            let rows = try await pair.pool.query("SELECT count(*) AS jobs FROM attempts GROUP BY worker_id")
            let shares = try rows.map { try $0.decode("jobs", as: Int.self) }
            #expect(shares.count == 2 && shares.allSatisfy { $0 >= 14 }, "\(shares)")
        }
    }

    @Test func aJobThatWaitsToBeAloneCanBeCancelled() async throws {
        try await Pair.with { (pair) async throws in
            let waiting = try await pair.submit(Self.script("nothing"))
            try await pair.pool.execute("UPDATE jobs SET runs_alone = true, run_at = now() + interval '1 hour' WHERE id = $1", [waiting.uuid])
            _ = try pair.startScriptedWorker(["SLOTS": "2"])
            let long = try await pair.submit(Self.script("sleep 600"))
            _ = try await pair.reaches(long) { $0.stage == .decoding }
            try await pair.pool.execute("UPDATE jobs SET run_at = now(), dispatched_at = NULL WHERE id = $1", [waiting.uuid])
            _ = try await pair.reaches(waiting) { $0.state == .running && $0.stage == nil }
            #expect(try await pair.send("POST", "/api/jobs/\(waiting)/cancel").status == 202)
            #expect(try await pair.ended(waiting).state == .cancelled)
            // Its turn is over, and the other slot works on.
            #expect(try await pair.ended(try await pair.submit(Self.script("nothing # more"))).state == .succeeded)
            let status: JobStatus = try await pair.send("GET", "/api/jobs/\(long)").decoded()
            #expect(status.state == .running)
        }
    }

    @Test func aWorkerRefusesWhatItsMemoryCannotHold() async throws {
        try await Pair.with { (pair) async throws in
            let worker = try pair.startScriptedWorker(["SLOTS": "256", "MEMORY_JOB_MEGABYTES": "1000000"])
            #expect(await worker.exitCode() == 2)
            #expect(worker.errorText.contains("--slots 256 needs 256000000 MB"))
        }
    }

    @Test func aWorkerWhoseSlotsHangIsNotReadyAndSaysWhy() async throws {
        try await Pair.with { (pair) async throws in
            let ready = pair.folder.appendingPathComponent("ready").path
            _ = try pair.startScriptedWorker(["STAGES_DECODING_SECONDS": "0.5", "WORKER_READY_FILE": ready])
            let isReady = await eventually {
                try? await Task.sleep(for: .milliseconds(50))
                return FileManager.default.fileExists(atPath: ready)
            }
            #expect(isReady)
            let id = try await pair.submit(Self.script("hang"))
            let isUnready = try await eventually {
                try await Task.sleep(for: .milliseconds(50))
                return try await pair.count("workers WHERE unready_reason LIKE 'every slot is held%'") == 1
            }
            #expect(isUnready && !FileManager.default.fileExists(atPath: ready))
            let health = try await pair.send("GET", "/api/health").json
            #expect(health["status"] as? String == "degraded" && health["workers"] as? Int == 0)
            #expect((health["unreadyWorkers"] as? [String])?.first?.contains("does not stop") == true)
            // Nobody is left to take the job again, and its client has enough of it.
            #expect(try await pair.send("POST", "/api/jobs/\(id)/cancel").status != 409)
            #expect(try await pair.ended(id).state == .cancelled)
        }
    }
}
