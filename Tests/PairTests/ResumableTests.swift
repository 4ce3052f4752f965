import Crypto
import Foundation
import JobModel
import TestServers
import Testing

/// Uploads in several requests (tus 1.0).
@Suite(.serialized) struct ResumableTests {
    private static let tus = ["Tus-Resumable": "1.0.0"]
    private static let piece = tus.merging(["Content-Type": "application/offset+octet-stream"]) { $1 }

    private func create(_ pair: Pair, length: Int?, metadata: String = "", body: Data? = nil) async throws -> Answer {
        var headers = body == nil ? Self.tus : Self.piece
        headers[length == nil ? "Upload-Defer-Length" : "Upload-Length"] = length.map(String.init) ?? "1"
        if !metadata.isEmpty { headers["Upload-Metadata"] = metadata }
        return try await pair.send("POST", "/api/uploads", body: body, headers: headers)
    }

    private func patch(_ pair: Pair, _ path: String, at offset: Int, _ body: Data, _ more: [String: String] = [:]) async throws -> Answer {
        let headers = Self.piece.merging(["Upload-Offset": "\(offset)"]) { $1 }.merging(more) { $1 }
        return try await pair.send("PATCH", path, body: body, headers: headers)
    }

    /// The bytes of clips that the gateway has taken in so far, by its own count.
    private func receivedBytes(_ pair: Pair) async throws -> Double {
        let metrics = String(decoding: try await pair.send("GET", "/metrics", to: pair.operators).body, as: UTF8.self)
        let line = metrics.split(separator: "\n").first { $0.hasPrefix("whorl_upload_received_bytes_total ") }
        return line?.split(separator: " ").last.flatMap { Double($0) } ?? 0
    }

    private func base64(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

    @Test func aClipComesInPieces() async throws {
        try await Pair.with { (pair) async throws in
            _ = try pair.startWorker()
            let clip = try Data(contentsOf: Pair.sample("astronaut-real"))
            let options = try await pair.send("OPTIONS", "/api/uploads")
            #expect(options.status == 204 && options.headers["tus-version"] == "1.0.0" && options.headers["tus-extension"]?.contains("checksum") == true)
            let made = try await create(
                pair, length: clip.count, metadata: "filename \(base64("a.mp4")),filetype \(base64("video/mp4")),priority \(base64("3")),empty")
            #expect(made.status == 201 && made.headers["upload-expires"]?.hasSuffix("GMT") == true)
            let path = try #require(made.headers["location"])
            let cut = clip.count / 3
            #expect(try await patch(pair, path, at: 0, clip.prefix(cut)).headers["upload-offset"] == "\(cut)")
            let head = try await pair.send("HEAD", path, headers: Self.tus)
            #expect(head.status == 200 && head.headers["upload-offset"] == "\(cut)" && head.headers["upload-length"] == "\(clip.count)")
            #expect(head.headers["cache-control"] == "no-store" && head.headers["upload-metadata"]?.contains("filename") == true)
            let wrong = try await patch(pair, path, at: 0, clip.prefix(10))
            #expect(wrong.status == 409 && wrong.code == "upload_offset_conflict" && wrong.headers["upload-offset"] == "\(cut)")
            #expect(try await pair.count("jobs") == 0)
            let last = try await patch(pair, path, at: cut, clip.suffix(from: cut))
            #expect(last.status == 204 && last.headers["upload-offset"] == "\(clip.count)")
            let id = try #require(JobID(path.split(separator: "/").last ?? ""))
            #expect(last.headers["content-location"] == "/api/jobs/\(id)")
            let status = try await pair.ended(id)
            #expect(status.state == .succeeded && status.priority == 3)
            #expect(status.uploadSHA256 == SHA256.hash(data: clip).map { String(format: "%02x", $0) }.joined())
            // Asked for again, as a client does whose last answer got lost, it is still whole and still one job.
            #expect(try await pair.send("HEAD", path, headers: Self.tus).headers["upload-offset"] == "\(clip.count)")
            #expect(try await patch(pair, path, at: clip.count, Data()).status == 204)
            #expect(try await pair.count("jobs") == 1)
        }
    }

    @Test func anUploadBeginsWithItsFirstPieceAndAnUnknownLength() async throws {
        try await Pair.with { (pair) async throws in
            let made = try await create(pair, length: nil, body: Data("# one".utf8))
            #expect(made.status == 201 && made.headers["upload-offset"] == "5")
            let path = try #require(made.headers["location"])
            #expect(try await pair.send("HEAD", path, headers: Self.tus).headers["upload-defer-length"] == "1")
            #expect(try await patch(pair, path, at: 5, Data("two".utf8), ["Upload-Length": "4"]).status == 400)
            let last = try await patch(pair, path, at: 5, Data(" two".utf8), ["Upload-Length": "9"])
            #expect(last.status == 204 && last.headers["content-location"] != nil)
            let whole = try await create(pair, length: 3, body: Data("abc".utf8))
            #expect(whole.status == 201 && whole.headers["content-location"] != nil)
            #expect(try await pair.count("jobs") == 2)
        }
    }

    @Test func aPieceWithAWrongChecksumNeverWas() async throws {
        try await Pair.with { (pair) async throws in
            let path = try #require(try await create(pair, length: 6).headers["location"])
            func checksum(_ text: String) -> [String: String] {
                ["Upload-Checksum": "sha1 " + Data(Insecure.SHA1.hash(data: Data(text.utf8))).base64EncodedString()]
            }
            #expect(try await patch(pair, path, at: 0, Data("abX".utf8), checksum("abc")).status == 460)
            #expect(try await patch(pair, path, at: 0, Data("abc".utf8), checksum("abc")).status == 204)
            let wrong = try await patch(pair, path, at: 3, Data("dxf".utf8), checksum("def"))
            #expect(wrong.status == 460 && wrong.code == "checksum_mismatch")
            #expect(try await pair.send("HEAD", path, headers: Self.tus).headers["upload-offset"] == "3")
            #expect(try await patch(pair, path, at: 3, Data("def".utf8), ["Upload-Checksum": "crc32 AAAA"]).status == 400)
            #expect(try await patch(pair, path, at: 3, Data("def".utf8), checksum("def")).status == 204)
            let sha256 = try await pair.pool.query("SELECT sha256 FROM uploads")[0].decode("sha256", as: String.self)
            #expect(sha256 == SHA256.hash(data: Data("abcdef".utf8)).map { String(format: "%02x", $0) }.joined())
        }
    }

    @Test func whatIsNoTusIsToldSo() async throws {
        try await Pair.with(gateway: ["WHORL_UPLOADS_MAX_BYTES": "1000", "WHORL_UPLOADS_MAX_OPEN_PER_TENANT": "3"]) { (pair) async throws in
            let version = try await pair.send("POST", "/api/uploads", headers: ["Upload-Length": "3"])
            #expect(version.status == 412 && version.headers["tus-version"] == "1.0.0")
            #expect(try await create(pair, length: 0).code == "file_empty")
            #expect(try await create(pair, length: 1001).code == "upload_too_large")
            #expect(try await create(pair, length: 10, metadata: "priority !!").code == "parameter_invalid")
            #expect(try await create(pair, length: 10, metadata: "priority \(base64("99"))").json["field"] as? String == "priority")
            #expect(try await create(pair, length: 10, metadata: "filetype \(base64("text/html"))").status == 415)
            #expect(try await pair.count("resumable_uploads") == 0)
            let path = try #require(try await create(pair, length: 10).headers["location"])
            #expect(try await pair.send("PATCH", path, body: Data("x".utf8), headers: Self.tus.merging(["Upload-Offset": "0"]) { $1 }).status == 415)
            #expect(try await patch(pair, path, at: 0, Data(count: 11)).status == 413)
            #expect(try await patch(pair, "/api/uploads/\(JobID.make())", at: 0, Data("x".utf8)).status == 404)
            let type = try #require(try await create(pair, length: 500, metadata: "filetype \(base64("video/webm"))").headers["location"])
            #expect(try await patch(pair, type, at: 0, Data("GIF89a".utf8) + Data(count: 494)).code == "media_type_mismatch")
            _ = try await create(pair, length: 10)
            #expect(try await create(pair, length: 10).code == "too_many_uploads")
        }
    }

    @Test func aTerminatedOrExpiredUploadLeavesNothing() async throws {
        try await Pair.with { (pair) async throws in
            let path = try #require(try await create(pair, length: 10, body: Data("12345".utf8)).headers["location"])
            #expect(try pair.uploadedFiles().count == 1)
            #expect(try await pair.send("POST", path, headers: Self.tus.merging(["X-HTTP-Method-Override": "DELETE"]) { $1 }).status == 204)
            #expect(try await pair.send("HEAD", path, headers: Self.tus).status == 404)
            #expect(try pair.uploadedFiles().isEmpty)
            _ = try await create(pair, length: 10, body: Data("12345".utf8))
            try await pair.pool.execute("UPDATE resumable_uploads SET expires_at = now() - interval '1 second'")
            let isGone = try await eventually {
                try await Task.sleep(for: .milliseconds(50))
                return try await pair.count("resumable_uploads") == 0 && pair.uploadedFiles().isEmpty
            }
            #expect(isGone)
        }
    }

    @Test func whatCameBeforeTheConnectionBrokeIsKept() async throws {
        try await Pair.with { (pair) async throws in
            let path = try #require(try await create(pair, length: 500_000).headers["location"])
            let port = try await pair.gateway.listeningPort()
            let clip = Data((0..<500_000).map { UInt8(truncatingIfNeeded: $0 / 7) })
            var offset = 0
            // The first 64 KiB of a piece and then silence, as of a phone in a tunnel; three times.
            for _ in 0..<3 {
                let head = "PATCH \(path) HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\n"
                    + "Upload-Offset: \(offset)\r\nContent-Length: \(clip.count - offset)\r\n\r\n"
                let before = try await receivedBytes(pair)
                _ = exchange(port: port, Data(head.utf8) + clip[offset..<offset + 65_536], closesEarly: true)
                // What the gateway has not read yet when it is asked is no part of the answer.
                let isRead = try await eventually {
                    try await Task.sleep(for: .milliseconds(20))
                    return try await receivedBytes(pair) > before
                }
                #expect(isRead)
                let answer = try await pair.send("HEAD", path, headers: Self.tus)
                let reached = try #require(Int(answer.headers["upload-offset"] ?? ""))
                #expect(answer.status == 200 && reached > offset && reached <= offset + 65_536)
                offset = reached
            }
            let last = try await patch(pair, path, at: offset, clip.suffix(from: offset))
            #expect(last.status == 204)
            let stored = try await pair.pool.query("SELECT sha256 FROM uploads").map { try $0.decode("sha256", as: String.self) }
            #expect(stored == [SHA256.hash(data: clip).map { String(format: "%02x", $0) }.joined()])
        }
    }

    @Test func aWholeUploadWhoseGatewayDiedBecomesAJob() async throws {
        try await Pair.with { (pair) async throws in
            let path = try #require(try await create(pair, length: 10, body: Data("12345".utf8)).headers["location"])
            let id = try #require(JobID(path.split(separator: "/").last ?? ""))
            // As it is between the last byte and the job: all bytes are there and noted, and nobody goes on.
            let file = pair.folder.appendingPathComponent("uploads/incoming/\(id)")
            let handle = try FileHandle(forWritingTo: file)
            try handle.seekToEnd()
            try handle.write(contentsOf: Data("67890".utf8))
            try handle.close()
            try await pair.pool.execute(
                """
                UPDATE resumable_uploads SET received = 10, checkpoint = jsonb_set(checkpoint, '{bytes}', '10')
                """)
            let isThere = try await eventually {
                try await Task.sleep(for: .milliseconds(50))
                return try await pair.count("jobs") == 1
            }
            #expect(isThere)
            let status: JobStatus = try await pair.send("GET", "/api/jobs/\(id)").decoded()
            #expect(status.uploadBytes == 10 && status.uploadSHA256 == SHA256.hash(data: Data("1234567890".utf8)).map { String(format: "%02x", $0) }.joined())
        }
    }
}
