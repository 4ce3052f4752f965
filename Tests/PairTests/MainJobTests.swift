import Foundation
import JobModel
import TestServers
import Testing

/// A clip goes in, a verdict with its evidence comes out: through the real gateway, Redis, worker and PostgreSQL.
@Suite(.serialized) struct MainJobTests {
    private func clip() throws -> Data { try Data(contentsOf: Pair.sample("astronaut-real")) }

    @Test func thePairsVerdictIsTheCommandLines() async throws {
        try await Pair.with { (pair) async throws in
            _ = try pair.startWorker()
            let id = try await pair.submit(try clip())
            let status = try await pair.ended(id)
            var verdict = try #require(status.verdict)
            #expect(status.state == .succeeded && status.progress == 1 && status.attempt == 1)
            #expect(verdict.label == .uncertain && verdict.reasons.contains(.untrainedModel) && !verdict.model.trained)
            #expect(verdict.tracks.count == 1 && verdict.tracks[0].frames.count == 16)
            let logit = try #require(verdict.logit)
            #expect(abs(verdict.tracks[0].frames.map(\.contribution).reduce(0, +) - logit) < 1e-4)

            let command = try Program(
                "whorl", ["analyze", "--json", Pair.sample("astronaut-real").path],
                environment: ["WHORL_MODEL_PATH": try #require(pair.environment["WHORL_MODEL_PATH"])])
            #expect(await command.exitCode() == 0)
            var local = try WhorlJSON.decoder().decode(Verdict.self, from: command.outputData)
            for index in verdict.tracks[0].frames.indices { verdict.tracks[0].frames[index].links = nil }
            local.timings = verdict.timings
            #expect(local == verdict)
        }
    }

    @Test func aWorkerThatIsNamedNoModelJudgesWithTheOneThatShips() async throws {
        try await Pair.with { (pair) async throws in
            _ = try pair.startWorker(["MODEL_PATH": ""])
            let verdict = try #require(try await pair.ended(try await pair.submit(Data(contentsOf: Pair.sample("astronaut-blended")))).verdict)
            #expect(verdict.label == .fake && verdict.model.trained && verdict.reasons.isEmpty)
            let model = String(decoding: try await pair.send("GET", "/api/model").body, as: UTF8.self)
            #expect(model.contains(verdict.model.sha256) && model.contains(verdict.model.name))
        }
    }

    @Test func thePicturesAreThereAndNeverChange() async throws {
        try await Pair.with { (pair) async throws in
            _ = try pair.startWorker()
            let status = try await pair.ended(try await pair.submit(try clip()))
            let frame = try #require(status.verdict?.tracks[0].frames[5])
            let links = try #require(frame.links)
            for (path, type, magic) in [
                (links.image, "image/jpeg", [UInt8]([0xFF, 0xD8, 0xFF])), (links.gradcam, "image/jpeg", [0xFF, 0xD8, 0xFF]),
                (links.map, "image/png", [0x89, 0x50, 0x4E]),
            ] {
                let answer = try await pair.send("GET", path)
                #expect(answer.status == 200 && answer.headers["content-type"] == type)
                #expect(Array(answer.body.prefix(3)) == magic)
                #expect(answer.headers["cache-control"]?.contains("immutable") == true)
            }
            let missing = try await pair.send("GET", "/api/jobs/\(status.id)/frames/99/image.jpg")
            #expect(missing.status == 404 && missing.headers["content-type"] == "application/problem+json")
        }
    }

    /// What a program sends that sees a video play and cannot have its file.
    @Test func framesWithTimesAreJudgedAtTheirTimes() async throws {
        try await Pair.with { (pair) async throws in
            _ = try pair.startWorker()
            let whole = try await pair.ended(try await pair.submit(try clip()))
            var frames = Data()
            for number in 0..<16 { frames += try await pair.send("GET", "/api/jobs/\(whole.id)/frames/\(number)/image.jpg").body }
            func judged(times: [Double]) async throws -> JobStatus {
                let text = times.map { "\($0)" }.joined(separator: ",")
                let options = "%7B%22frameTimesSeconds%22:%5B\(text)%5D,%22reencodedBy%22:%22canvas%22%7D"
                return try await pair.ended(
                    try await pair.submit(frames, query: "options=\(options)", headers: ["Content-Type": "video/x-motion-jpeg"]))
            }
            let times = (0..<16).map { 10 + 0.5 * Double($0) }
            let status = try await judged(times: times)
            let verdict = try #require(status.verdict)
            #expect(verdict.tracks[0].frames.map(\.timestampSeconds) == times && verdict.video.durationSeconds == 7.5)
            #expect(verdict.warnings == ["reencoded"] && verdict.video.frameCount == 16)
            #expect(status.options.frameTimesSeconds == times && status.options.reencodedBy == .canvas)
            let fewer = try await judged(times: Array(times.dropLast()))
            #expect(fewer.state == .failed && fewer.error?.code == "frame_times_mismatch")
        }
    }

    /// A model of faces: a track with boxes, and the pictures of the face beside those of the frame.
    @Test func aFaceIsJudgedAndShown() async throws {
        try await Pair.with(region: "face") { (pair) async throws in
            _ = try pair.startWorker(["PICTURES_SIDE": "200"])
            let status = try await pair.ended(try await pair.submit(try clip()))
            let verdict = try #require(status.verdict)
            #expect(verdict.model.region == "face" && verdict.decidedBy == 0 && verdict.timings.faceMilliseconds != nil)
            let frame = try #require(verdict.tracks[0].frames.last)
            let box = try #require(frame.box), links = try #require(frame.links)
            #expect(box.x > 0.2 && box.x + box.width < 0.8 && box.y > 0 && box.y + box.height < 0.6 && box.score > 0.9, "\(box)")
            for path in [links.image, links.gradcam, links.face, links.faceGradcam] {
                let answer = try await pair.send("GET", try #require(path))
                #expect(answer.status == 200 && answer.headers["content-type"] == "image/jpeg")
                #expect(Array(answer.body.prefix(3)) == [0xFF, 0xD8, 0xFF])
            }
            let missing = try await pair.send("GET", "/api/jobs/\(status.id)/frames/0/face.jpg?track=1")
            #expect(missing.status == 404)
        }
    }

    @Test func predictAnswersWithTheVerdict() async throws {
        try await Pair.with { (pair) async throws in
            _ = try pair.startWorker()
            let form = Pair.form([
                ("Content-Disposition: form-data; name=\"options\"", Data(#"{"sampling":{"count":4}}"#.utf8)),
                ("Content-Disposition: form-data; name=\"file\"; filename=\"clip.mp4\"\r\nContent-Type: video/mp4", try clip()),
            ])
            let answer = try await pair.send("POST", "/api/predict", body: form.body, headers: ["Content-Type": form.type])
            #expect(answer.status == 200)
            let verdict = try answer.decoded(Verdict.self)
            #expect(verdict.sampling.request.count == 4 && verdict.tracks[0].frames.count == 4)
            #expect(answer.json["jobId"] is String && answer.json["confidence"] is Double)
        }
    }

    @Test func aWaitingClientIsAnsweredWhenTheJobEnds() async throws {
        try await Pair.with { (pair) async throws in
            let id = try await pair.submit(try clip())
            let queued = try await pair.send("GET", "/api/jobs/\(id)")
            let tag = try #require(queued.headers["etag"])
            #expect(queued.headers["retry-after"] == "1")
            let unchanged = try await pair.send("GET", "/api/jobs/\(id)", headers: ["If-None-Match": tag])
            #expect(unchanged.status == 304 && unchanged.body.isEmpty)
            async let waiting = pair.send("GET", "/api/jobs/\(id)", headers: ["Prefer": "wait=25"])
            _ = try pair.startWorker()
            let answer = try await waiting
            let status: JobStatus = try answer.decoded()
            #expect(status.state == .succeeded)
            // Woken by the end of the job, not by the deadline of the wait.
            #expect(Date().timeIntervalSince(try #require(status.finishedAt)) < 10)
            #expect(answer.headers["etag"] != tag)
        }
    }

    @Test func theWholeIsHealthyOnceAWorkerIsThere() async throws {
        try await Pair.with { (pair) async throws in
            #expect(try await pair.send("GET", "/livez", to: pair.operators).status == 200)
            #expect(try await pair.send("GET", "/readyz", to: pair.operators).status == 200)
            #expect(try await pair.send("GET", "/api/health").json["status"] as? String == "degraded")
            #expect(try await pair.send("GET", "/api/model").status == 404)
            _ = try pair.startWorker()
            let isWhole = try await eventually(within: .seconds(30)) {
                try await Task.sleep(for: .milliseconds(50))
                return try await pair.send("GET", "/api/health").json["status"] as? String == "ok"
            }
            #expect(isWhole)
            let model = try await pair.send("GET", "/api/model")
            let card = try #require(model.json["card"] as? [String: Any])
            #expect(model.status == 200 && card["trained"] as? Bool == false)
        }
    }

    @Test func listingsGoPageByPage() async throws {
        try await Pair.with { (pair) async throws in
            var ids: [JobID] = []
            for _ in 0..<3 { ids.append(try await pair.submit(try clip())) }
            let first: JobPage = try await pair.send("GET", "/api/jobs?limit=2").decoded()
            let cursor = try #require(first.nextCursor)
            let second: JobPage = try await pair.send("GET", "/api/jobs?limit=2&cursor=\(cursor)").decoded()
            #expect((first.jobs + second.jobs).map(\.id) == ids.reversed() && second.nextCursor == nil)
            #expect(try await pair.send("GET", "/api/jobs?cursor=x").code == "parameter_invalid")
            #expect(try await pair.send("GET", "/api/jobs?state=x").code == "parameter_invalid")
            #expect(try await pair.send("GET", "/api/jobs?limit=0").code == "parameter_invalid")
        }
    }

    @Test func anIdempotencyKeyGivesOneJob() async throws {
        try await Pair.with { (pair) async throws in
            let headers = ["Idempotency-Key": "\"key-1\""]
            let first = try await pair.submit(try clip(), headers: headers)
            #expect(try await pair.submit(try clip(), headers: headers) == first)
            let other = try await pair.send(
                "POST", "/api/jobs", body: Data("other".utf8),
                headers: ["Idempotency-Key": "key-1", "Content-Type": "video/mp4"])
            #expect(other.status == 422 && other.code == "idempotency_key_reused")
            let long = try await pair.send(
                "POST", "/api/jobs", body: Data("x".utf8),
                headers: ["Idempotency-Key": String(repeating: "k", count: 300), "Content-Type": "video/mp4"])
            #expect(long.status == 400)
            #expect(try await pair.count("jobs") == 1)
            #expect(try pair.uploadedFiles().count == 1)
        }
    }
}
