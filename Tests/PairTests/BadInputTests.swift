import Foundation
import JobModel
import TestServers
import Testing

/// Every wrong request and every clip that cannot be judged gets its own clear problem, and nothing stays behind.
@Suite(.serialized) struct BadInputTests {
    @Test func clipsThatCannotBeJudgedSaySo() async throws {
        try await Pair.with { (pair) async throws in
            _ = try pair.startWorker()
            let real = try Data(contentsOf: Pair.sample("astronaut-real"))
            let cases: [(Data, String)] = [
                (Data("this is no video, whatever its name says\n".utf8), "not_a_video"),
                (try make(["-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac"], "m4a"), "audio_only"),
                (try make(["-f", "lavfi", "-i", "testsrc=size=64x64", "-frames:v", "1"], "png"), "picture_only"),
                (try make(["-f", "lavfi", "-i", "testsrc=size=16x2:duration=1", "-c:v", "ffv1"], "mkv"), "dimensions_too_small"),
                (real.prefix(2000), "truncated"),
            ]
            for (clip, code) in cases {
                let answer = try await pair.send("POST", "/api/predict", body: clip, headers: ["Content-Type": "application/octet-stream"])
                #expect(answer.status == 422 && answer.code == "job_failed" && answer.errorCode == code, "\(code): \(answer.json)")
                #expect(answer.headers["content-type"] == "application/problem+json")
                #expect((answer.json["detail"] as? String)?.isEmpty == false)
            }
            #expect(try await pair.count("jobs WHERE state = 'failed'") == cases.count)
            #expect(try await pair.count("verdicts") == 0)
            #expect(try await pair.count("artifacts") == 0)
            let isClean = try await eventually(within: .seconds(20)) {
                try await Task.sleep(for: .milliseconds(50))
                return try pair.uploadedFiles().isEmpty
            }
            #expect(isClean, "the bytes of refused clips stay on the disk")
        }
    }

    @Test func wrongRequestsLeaveNothing() async throws {
        try await Pair.with(gateway: ["WHORL_UPLOADS_MAX_BYTES": "100000"]) { (pair) async throws in
            let video = ["Content-Type": "video/mp4"]
            let noFile = Pair.form([("Content-Disposition: form-data; name=\"other\"", Data("x".utf8))])
            let emptyFile = Pair.form([("Content-Disposition: form-data; name=\"file\"", Data())])
            let badOptions = Pair.form([
                ("Content-Disposition: form-data; name=\"file\"", Data("x".utf8)),
                ("Content-Disposition: form-data; name=\"options\"", Data(#"{"sampling":{"count":1000}}"#.utf8)),
            ])
            let cut = Pair.form([("Content-Disposition: form-data; name=\"file\"", Data("x".utf8))])
            let large = Data(repeating: 1, count: 100_001)
            let requests: [(String, String, Data?, [String: String], Int, String)] = [
                ("POST", "/api/jobs", Data(), video, 400, "file_empty"),
                ("POST", "/api/jobs", large, video, 413, "upload_too_large"),
                ("POST", "/api/jobs", Data(repeating: 1, count: 300_000), video, 413, "upload_too_large"),
                ("POST", "/api/jobs", Data("{}".utf8), ["Content-Type": "application/json"], 403, "url_jobs_off"),
                ("POST", "/api/jobs", noFile.body, ["Content-Type": noFile.type], 400, "file_missing"),
                ("POST", "/api/jobs", emptyFile.body, ["Content-Type": emptyFile.type], 400, "file_empty"),
                ("POST", "/api/jobs", badOptions.body, ["Content-Type": badOptions.type], 400, "parameter_invalid"),
                ("POST", "/api/jobs", cut.body.dropLast(8), ["Content-Type": cut.type], 400, "multipart_malformed"),
                ("POST", "/api/jobs", cut.body, ["Content-Type": "multipart/form-data"], 400, "multipart_malformed"),
                ("POST", "/api/jobs?priority=11", Data("x".utf8), video, 400, "parameter_invalid"),
                ("POST", "/api/jobs?options=%7B", Data("x".utf8), video, 400, "parameter_invalid"),
                ("GET", "/api/jobs/not-an-id", nil, [:], 400, "parameter_invalid"),
                ("GET", "/api/jobs/018bcfe5-6801-7000-8000-0000000000aa", nil, [:], 404, "not_found"),
                ("POST", "/api/jobs/018bcfe5-6801-7000-8000-0000000000aa/cancel", nil, [:], 404, "not_found"),
                ("GET", "/api/nothing", nil, [:], 404, "not_found"),
                ("GET", "/livez", nil, [:], 404, "not_found"),
                ("PUT", "/api/jobs", nil, [:], 405, "method_not_allowed"),
                ("POST", "/api/jobs", Data("GIF89a".utf8), video, 415, "media_type_mismatch"),
                ("POST", "/api/jobs", Data("x".utf8), video.merging(["Content-Encoding": "gzip"]) { $1 }, 415, "media_type_unsupported"),
                ("POST", "/api/jobs", Data("x".utf8), video.merging(["Repr-Digest": "sha-256=:AAAA:"]) { $1 }, 400, "parameter_invalid"),
                (
                    "POST", "/api/jobs", Data("x".utf8),
                    video.merging(["Repr-Digest": "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"]) { $1 }, 400, "digest_mismatch"
                ),
            ]
            for (method, path, body, headers, status, code) in requests {
                let answer = try await pair.send(method, path, body: body, headers: headers)
                #expect(answer.status == status && answer.code == code, "\(method) \(path): \(answer.status) \(answer.json)")
                #expect(answer.json["type"] as? String == "urn:whorl:problem:\(code)")
            }
            #expect(try await pair.count("jobs") == 0)
            #expect(try await pair.count("uploads") == 0)
            #expect(try pair.uploadedFiles().isEmpty)
        }
    }

    @Test func anUploadThatBreaksOffLeavesNothing() async throws {
        try await Pair.with { (pair) async throws in
            let port = try #require(URL(string: pair.address)?.port)
            let head = "POST /api/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: video/mp4\r\n"
            _ = exchange(port: port, Data((head + "Content-Length: 1000\r\n\r\nonly this").utf8), closesEarly: true)
            for rest in ["Content-Length: 1000\r\n\r\nonly this", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"] {
                #expect(exchange(port: port, Data((head + rest).utf8)).hasPrefix("HTTP/1.1 400"))
            }
            let endless = exchange(port: port, Data((head + "Content-Length: 999999999999\r\n\r\nmore").utf8), staysOpen: true)
            #expect(endless.hasPrefix("HTTP/1.1 413"), "a refused client is not cut off")
            let malformed = exchange(port: port, Data((head + "Content-Length: many\r\n\r\n").utf8))
            #expect(malformed.hasPrefix("HTTP/1.1 400"))
            let isClean = try await eventually(within: .seconds(20)) {
                try await Task.sleep(for: .milliseconds(50))
                return try pair.uploadedFiles().isEmpty
            }
            #expect(isClean)
            #expect(try await pair.count("jobs") == 0)
            // The gateway still serves.
            #expect(try await pair.send("GET", "/livez", to: pair.operators).status == 200)
        }
    }

    @Test func anUploadThatStallsIsAnsweredAndLeavesNothing() async throws {
        try await Pair.with(gateway: ["WHORL_UPLOADS_STALL_SECONDS": "0.5"]) { (pair) async throws in
            let port = try #require(URL(string: pair.address)?.port)
            let head = "POST /api/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: video/mp4\r\nContent-Length: 1000\r\n\r\n"
            for body in ["", "only this", String(repeating: "x", count: 999)] {
                let answer = exchange(port: port, Data((head + body).utf8), staysOpen: true)
                #expect(answer.hasPrefix("HTTP/1.1 408") && answer.contains("upload_stalled"))
            }
            #expect(try await pair.count("jobs") == 0)
            #expect(try pair.uploadedFiles().isEmpty)
        }
    }

    /// Makes a small file with ffmpeg.
    private func make(_ arguments: [String], _ suffix: String) throws -> Data {
        let path = NSTemporaryDirectory() + "/made-\(UUID().uuidString).\(suffix)"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["ffmpeg", "-v", "error", "-nostdin"] + arguments + [path]
        try process.run()
        process.waitUntilExit()
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        try FileManager.default.removeItem(atPath: path)
        return data
    }
}
