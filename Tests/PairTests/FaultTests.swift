import Foundation
import JobModel
import RedisClient
import TestServers
import Testing

/// The worst days of a worker: killed, stopped, drained, without Redis. No accepted job is lost or judged twice.
@Suite(.serialized) struct FaultTests {
    private func clip() throws -> Data { try Data(contentsOf: Pair.sample("astronaut-real")) }

    @Test func aKilledWorkersJobIsRunAgain() async throws {
        try await Pair.with { (pair) async throws in
            let victim = try pair.startWorker(["DECODER_PATH": try pair.hangingDecoder()])
            let id = try await pair.submit(try clip())
            _ = try await pair.reaches(id) { $0.state == .running && $0.stage == .decoding }
            victim.signal(SIGKILL)
            _ = try pair.startWorker()
            let status = try await pair.ended(id)
            #expect(status.state == .succeeded && status.attempt == 1)
            #expect(try await pair.count("verdicts") == 1)
            let outcomes = try await pair.pool.query("SELECT outcome FROM attempts ORDER BY epoch")
            #expect(try outcomes.map { try $0.decode("outcome", as: String.self) } == ["lost", "succeeded"])
        }
    }

    @Test func aStoppedWorkerThatWakesUpLateWritesNothing() async throws {
        try await Pair.with { (pair) async throws in
            let sleeper = try pair.startWorker(["DECODER_PATH": try pair.slowDecoder(seconds: 1)])
            let id = try await pair.submit(try clip())
            _ = try await pair.reaches(id) { $0.state == .running && $0.stage == .decoding }
            sleeper.signal(SIGSTOP)
            let second = try pair.startWorker()
            let status = try await pair.ended(id)
            #expect(status.state == .succeeded)
            let before = try await pair.send("GET", "/api/jobs/\(id)").body
            sleeper.signal(SIGCONT)
            sleeper.signal(SIGTERM)
            #expect(await sleeper.exitCode() == 0)
            #expect(try await pair.send("GET", "/api/jobs/\(id)").body == before)
            #expect(try await pair.count("verdicts") == 1)
            second.signal(SIGTERM)
            #expect(await second.exitCode() == 0)
        }
    }

    @Test func aDrainingWorkerFinishesItsJob() async throws {
        try await Pair.with { (pair) async throws in
            let worker = try pair.startWorker(["DECODER_PATH": try pair.slowDecoder(seconds: 2)])
            let id = try await pair.submit(try clip())
            _ = try await pair.reaches(id) { $0.state == .running }
            worker.signal(SIGTERM)
            #expect(await worker.exitCode() == 0)
            let status: JobStatus = try await pair.send("GET", "/api/jobs/\(id)").decoded()
            #expect(status.state == .succeeded)
            #expect(try await pair.count("workers") == 0)
        }
    }

    @Test func whatADrainCannotFinishIsHandedBackUncounted() async throws {
        try await Pair.with { (pair) async throws in
            let worker = try pair.startWorker([
                "DECODER_PATH": try pair.hangingDecoder(), "DRAIN_SECONDS": "0.2",
            ])
            let id = try await pair.submit(try clip())
            _ = try await pair.reaches(id) { $0.state == .running && $0.stage == .decoding }
            worker.signal(SIGTERM)
            #expect(await worker.exitCode() == 0)
            let status: JobStatus = try await pair.send("GET", "/api/jobs/\(id)").decoded()
            #expect(status.state == .queued && status.attempt == 0)
            _ = try pair.startWorker()
            #expect(try await pair.ended(id).state == .succeeded)
        }
    }

    @Test func aRunningJobIsCancelled() async throws {
        try await Pair.with { (pair) async throws in
            _ = try pair.startWorker(["DECODER_PATH": try pair.hangingDecoder()])
            let id = try await pair.submit(try clip())
            _ = try await pair.reaches(id) { $0.state == .running && $0.stage == .decoding }
            #expect(try await pair.send("POST", "/api/jobs/\(id)/cancel").status == 202)
            #expect(try await pair.ended(id).state == .cancelled)
            #expect(try await pair.send("POST", "/api/jobs/\(id)/cancel").status == 200)
            // The worker is free again.
            let next = try await pair.submit(try clip())
            _ = try await pair.reaches(next) { $0.state == .running }
        }
    }

    @Test func anEndedJobCannotBeCancelled() async throws {
        try await Pair.with { (pair) async throws in
            _ = try pair.startWorker()
            let id = try await pair.submit(Data("no video".utf8))
            #expect(try await pair.ended(id).error?.code == "not_a_video")
            let answer = try await pair.send("POST", "/api/jobs/\(id)/cancel")
            #expect(answer.status == 409 && answer.code == "job_ended")
        }
    }

    @Test func aSlowJobKeepsItsLease() async throws {
        try await Pair.with { (pair) async throws in
            // Twice as long as the lease: without its heart the job would be lost on the way.
            _ = try pair.startWorker(["DECODER_PATH": try pair.slowDecoder(seconds: 4)])
            let status = try await pair.ended(try await pair.submit(try clip()))
            #expect(status.state == .succeeded)
            let outcomes = try await pair.pool.query("SELECT outcome FROM attempts")
            #expect(try outcomes.map { try $0.decode("outcome", as: String.self) } == ["succeeded"])
        }
    }

    @Test func aPoisonClipDoesNotCondemnItsNeighbour() async throws {
        try await Pair.with { (pair) async throws in
            // A clip of 111 bytes kills its worker; the decoder is the worker's child, and the clip its descriptor 3.
            let decoder = try pair.script("poison-decoder", """
                if [ "$(stat -L -c %s /proc/$$/fd/3)" = 111 ]; then kill -KILL $PPID; exec sleep 600; fi
                sleep 1
                exec "\(Pair.programs.appendingPathComponent("whorl-decoder").path)" "$@"
                """)
            let settings = ["DECODER_PATH": decoder, "SLOTS": "2"]
            let poison = try await pair.submit(Data(repeating: 1, count: 111))
            let neighbour = try await pair.submit(try clip())
            var worker = try pair.startWorker(settings)
            for _ in 0..<5 {
                _ = await eventually(within: .seconds(60)) {
                    try? await Task.sleep(for: .milliseconds(50))
                    let status = try? await pair.send("GET", "/api/jobs/\(poison)").decoded(JobStatus.self)
                    return !worker.isRunning || status?.state.isTerminal == true
                }
                if !worker.isRunning { worker = try pair.startWorker(settings) }
            }
            let dead = try await pair.ended(poison)
            #expect(dead.state == .dead && dead.error?.code == "worker_lost")
            #expect(try await pair.ended(neighbour).state == .succeeded)
        }
    }

    @Test func aWorkerWithoutTheClipsCondemnsNothing() async throws {
        try await Pair.with { (pair) async throws in
            let lost = pair.folder.appendingPathComponent("not-mounted").path
            let id = try await pair.submit(try clip())
            let worker = try pair.startWorker(["UPLOADS_DIRECTORY": lost])
            _ = try await pair.reaches(id) { $0.state == .queued && $0.error?.code == "upload_unreadable" }
            worker.signal(SIGTERM)
            _ = await worker.exitCode()
            _ = try pair.startWorker()
            let status = try await pair.ended(id)
            #expect(status.state == .succeeded && status.error == nil)
        }
    }

    @Test func aHungStageLosesItsLease() async throws {
        try await Pair.with { (pair) async throws in
            _ = try pair.startWorker([
                "DECODER_PATH": try pair.hangingDecoder(), "STAGES_DECODING_SECONDS": "0.5",
            ])
            let id = try await pair.submit(try clip())
            _ = try await pair.reaches(id) { $0.state == .running && $0.stage == .decoding }
            let attempts = try await eventually(within: .seconds(30)) {
                try await Task.sleep(for: .milliseconds(50))
                return try await pair.count("attempts WHERE outcome = 'lost'") > 0
            }
            #expect(attempts)
        }
    }

    @Test func whatRedisForgetsIsFoundAgain() async throws {
        try await Pair.with { (pair) async throws in
            let worker = try pair.startWorker()
            let queue = try #require(pair.environment["WHORL_QUEUE_NAME"])
            let redis = try await RedisConnection.connect(try RedisConfiguration(url: try TestRedis.url()))
            var ids: [JobID] = []
            for _ in 0..<8 {
                ids.append(try await pair.submit(try clip()))
                // What FLUSHALL does to this queue, without doing it to the tests beside this one.
                try await redis.send("DEL", "\(queue):jobs:analyze")
            }
            await redis.close()
            for id in ids { #expect(try await pair.ended(id).state == .succeeded) }
            #expect(try await pair.count("verdicts") == ids.count)
            #expect(try await pair.count("attempts") == ids.count)
            worker.signal(SIGTERM)
            #expect(await worker.exitCode() == 0)
        }
    }

    @Test func withoutRedisJobsStillRun() async throws {
        try await Pair.with(hasRedis: false) { (pair) async throws in
            _ = try pair.startWorker()
            let id = try await pair.submit(try clip())
            #expect(try await pair.ended(id).state == .succeeded)
            #expect(try await pair.send("GET", "/readyz", to: pair.operators).status == 200)
            let health = try await pair.send("GET", "/api/health").json
            #expect(health["status"] as? String == "degraded")
        }
    }

    @Test func aDecoderThatCrashesEveryTimeCondemnsTheClipTheSecondTime() async throws {
        try await Pair.with { (pair) async throws in
            _ = try pair.startWorker(["DECODER_PATH": try pair.script("crashing-decoder", "kill -SEGV $$")])
            let status = try await pair.ended(try await pair.submit(try clip()))
            #expect(status.state == .failed && status.error?.code == "decoder_crashed" && status.attempt == 2)
        }
    }

    @Test func wrongSettingsStopAProgramWithOneLine() async throws {
        for name in ["whorl-gateway", "whorl-worker"] {
            let program = try Program(name, ["--log-level", "loud"], environment: ["WHORL_DATABASE_URL": "postgresql://x", "WHORL_MODEL_PATH": "x"])
            #expect(await program.exitCode() == 2)
            #expect(program.errorText.split(separator: "\n").count == 1)
            #expect(program.errorText.hasPrefix("\(name): --log-level must be"))
            let help = try Program(name, ["--help"], environment: [:])
            #expect(await help.exitCode() == 0)
            #expect(String(decoding: help.outputData, as: UTF8.self).contains("WHORL_DATABASE_URL"))
        }
        let exposed = try Program(
            "whorl-gateway", ["--http-host", "0.0.0.0"], environment: ["WHORL_DATABASE_URL": "postgresql://x"])
        #expect(await exposed.exitCode() == 2)
        #expect(exposed.errorText.contains("--http-without-keys"))
    }
}
