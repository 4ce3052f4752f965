import AsyncHTTPClient
import Crypto
import Foundation
import JobModel
import Synchronization
import TestServers
import Testing
import UploadStore

/// Against moto's server, which checks signatures as the real one does; what breaks on the way is a proxy of the test's own.
@Suite(.serialized) struct S3UploadStoreTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    private static let credentials = S3Credentials(accessKey: "AKIAIOSFODNN7EXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")

    /// A running store with an empty bucket.
    private func with(
        breaking: (@Sendable (StubServer.Request, Int) -> StubServer.Answer?)? = nil, credentials: S3Credentials? = nil,
        requestSeconds: Double = 5, _ body: (S3UploadStore, Moto) async throws -> Void
    ) async throws {
        let moto = try await Moto.start(root: Self.root)
        let folder = NSTemporaryDirectory() + "/spool-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let http = HTTPClient(eventLoopGroupProvider: .singleton)
        let proxy = try breaking.map { try Proxy(to: moto.port, breaking: $0) }
        var place = S3Place(
            endpoint: "http://127.0.0.1:\(moto.port)", region: "eu-central-1", bucket: moto.bucket, prefix: "clips/",
            credentials: credentials ?? moto.credentials)
        if let proxy { place.endpoint = "http://127.0.0.1:\(proxy.port)" }
        place.requestSeconds = requestSeconds
        place.attempts = 4
        let outcome: Result<Void, any Error>
        do {
            try await body(S3UploadStore(place: place, http: http, spoolDirectory: folder), moto)
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        try await http.shutdown()
        moto.stop()
        // Spool files have no names.
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
        try FileManager.default.removeItem(atPath: folder)
        try outcome.get()
    }

    private func bytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
        var state = seed
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 33)
        }
    }

    private func sha256(_ bytes: [UInt8]) -> String {
        SHA256.hash(data: bytes).map { String(format: "%02x", $0) }.joined()
    }

    private func contents(_ store: S3UploadStore, _ key: String) async throws -> [UInt8] {
        let descriptor = try await store.open(key: key)
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        return Array(try handle.readToEnd() ?? Data())
    }

    private func write(_ bytes: [UInt8], to writer: any UploadWriter, piece: Int = 300_000) async throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            try await writer.write(Array(rest.prefix(piece)))
            rest = rest.dropFirst(piece)
        }
    }

    @Test(arguments: [1, 100_000, 17 << 20, 33 << 20])
    func aClipGoesThereAndBack(count: Int) async throws {
        try await with { store, moto in
            let clip = bytes(count)
            let writer = try await store.begin(.make())
            try await write(clip, to: writer)
            let stored = try await writer.finish()
            #expect(stored.bytes == Int64(count) && stored.sha256 == sha256(clip))
            #expect(try await contents(store, stored.key) == clip)
            #expect(try await store.unfinished(olderThanSeconds: 0).isEmpty)
            let folder = try #require(Int(stored.key.prefix(2), radix: 16))
            #expect(try await store.keys(inFolder: folder, olderThanSeconds: -60) == [stored.key])
            #expect(try await store.keys(inFolder: folder, olderThanSeconds: 3600).isEmpty)
            try await store.remove(key: stored.key)
            try await store.remove(key: stored.key)
            await #expect(throws: UploadError.missing(key: stored.key)) { _ = try await store.open(key: stored.key) }
            try await store.check()
            #expect(try await moto.objects().isEmpty)
        }
    }

    @Test func anAbortedClipLeavesNothing() async throws {
        try await with { store, moto in
            let writer = try await store.begin(.make())
            try await write(bytes(20 << 20), to: writer)
            #expect(try await store.unfinished(olderThanSeconds: -60).count == 1)
            await writer.abort()
            await writer.abort()
            #expect(try await store.unfinished(olderThanSeconds: -60).isEmpty)
            // One whose gateway was killed is found and removed.
            let lost = try await store.begin(.make())
            try await write(bytes(20 << 20), to: lost)
            let found = try await store.unfinished(olderThanSeconds: -60)
            #expect(found.count == 1)
            for key in found { try await store.discard(unfinished: key) }
            #expect(try await store.unfinished(olderThanSeconds: -60).isEmpty)
            #expect(try await moto.objects().isEmpty)
        }
    }

    @Test(arguments: [[10], [100_000, 200_000, 3], [6 << 20, 1, 17 << 20], [20 << 20, 20 << 20]])
    func anUploadGoesOnInAnotherProcess(pieces: [Int]) async throws {
        try await with { store, moto in
            var checkpoint: UploadCheckpoint?
            var clip: [UInt8] = []
            let id = JobID.make()
            for (number, count) in pieces.enumerated() {
                let piece = bytes(count, seed: UInt64(number + 7))
                let writer: any UploadWriter = if let checkpoint { try await store.resume(checkpoint) } else { try await store.begin(id) }
                try await write(piece, to: writer)
                clip += piece
                checkpoint = try await writer.suspend()
                #expect(checkpoint?.bytes == Int64(clip.count))
                // What came after the checkpoint and was never noted is as if it had never come.
                if number == 0 {
                    let lost = try await store.resume(try #require(checkpoint))
                    try await write(bytes(1000, seed: 99), to: lost)
                    _ = try await lost.suspend()
                }
            }
            let last = try #require(checkpoint)
            let stored = try await store.resume(last).finish()
            #expect(stored.bytes == Int64(clip.count) && stored.sha256 == sha256(clip))
            #expect(try await contents(store, stored.key) == clip)
            // Its gateway may die before the job is made; then it is finished once more.
            #expect(try await store.resume(last).finish() == stored)
            #expect(try await moto.objects() == ["clips/" + stored.key])
        }
    }

    @Test func aWrongSecretIsRefused() async throws {
        let moto = try await Moto.start(root: Self.root)
        defer { moto.stop() }
        try await with(credentials: S3Credentials(accessKey: moto.credentials.accessKey, secretKey: "wrong")) { store, _ in
            let writer = try await store.begin(.make())
            try await writer.write([1])
            await #expect(throws: UploadError.self) { _ = try await writer.finish() }
            await #expect(throws: UploadError.self) { try await store.check() }
        }
    }

    // MARK: Faults

    @Test func whatPassesIsTriedAgain() async throws {
        // Of every request the first two tries meet a fault: an error, a full store, a connection that breaks off.
        let tries = Mutex<[String: Int]>([:])
        try await with(breaking: { request, _ in
            let key = request.method + request.path.prefix { $0 != "?" } + (request.path.contains("partNumber=2") ? "2" : "") + (request.path.contains("uploads") ? "u" : "")
            let number = tries.withLock { tries in
                tries[key, default: 0] += 1
                return tries[key] ?? 0
            }
            switch number {
            case 1: return .init(500, body: Data("<Error><Code>InternalError</Code></Error>".utf8))
            case 2: return .init(503, body: Data("<Error><Code>SlowDown</Code></Error>".utf8))
            case 3 where request.method == "GET": return .init(200, body: Data(count: 100), cutAfter: 10)
            default: return nil
            }
        }) { store, _ in
            let clip = bytes(18 << 20)
            let writer = try await store.begin(.make())
            try await write(clip, to: writer)
            let stored = try await writer.finish()
            #expect(stored.sha256 == sha256(clip))
        }
    }

    @Test func whatTakesTooLongIsTriedAgain() async throws {
        let count = Mutex(0)
        try await with(breaking: { _, _ in
            let number = count.withLock { count in
                count += 1
                return count
            }
            // Not what its client waits for; an answer that comes after all is nobody's.
            if [1, 3].contains(number) { Thread.sleep(forTimeInterval: 3) }
            return nil
        }, requestSeconds: 1) { store, _ in
            let clip = bytes(18 << 20)
            let writer = try await store.begin(.make())
            try await write(clip, to: writer)
            let stored = try await writer.finish()
            #expect(try await contents(store, stored.key) == clip)
            #expect(count.withLock { $0 } >= 5)
        }
    }

    @Test func aStoreThatIsAlwaysTooSlowSaysSo() async throws {
        try await with(breaking: { _, _ in
            Thread.sleep(forTimeInterval: 2)
            return nil
        }, requestSeconds: 0.3) { store, _ in
            let writer = try await store.begin(.make())
            try await writer.write([1, 2, 3])
            do {
                _ = try await writer.finish()
                Issue.record("nothing answered in time")
            } catch let error as UploadError {
                if case .remote = error {} else { Issue.record("\(error.debugDescription)") }
            }
            await writer.abort()
        }
    }

    @Test func aBrokenDownloadGoesOnFromWhereItBroke() async throws {
        let ranges = Mutex<[String?]>([])
        try await with(breaking: { request, port in
            guard request.method == "GET", !request.path.contains("?") else { return nil }
            let count = ranges.withLock { ranges in
                ranges.append(request.headers["range"])
                return ranges.count
            }
            guard count <= 2, var answer = Proxy.forward(request, port: port) else { return nil }
            answer.cutAfter = 100_000
            return answer
        }) { store, _ in
            let clip = bytes(1_000_000)
            let writer = try await store.begin(.make())
            try await write(clip, to: writer)
            let stored = try await writer.finish()
            #expect(try await contents(store, stored.key) == clip)
            let seen = ranges.withLock { $0 }
            #expect(seen.count == 3 && seen[0] == nil && seen[1]?.hasPrefix("bytes=") == true)
        }
    }

    @Test func aStoreThatPassesOverTheRangeIsNotBelieved() async throws {
        let count = Mutex(0)
        try await with(breaking: { request, port in
            guard request.method == "GET", !request.path.contains("?") else { return nil }
            let number = count.withLock { count in
                count += 1
                return count
            }
            var answer = Proxy.forward(request, port: port) ?? .init(502)
            if number == 1 { answer.cutAfter = 100_000 } else { answer.status = 200 }
            return answer
        }) { store, _ in
            let writer = try await store.begin(.make())
            try await write(bytes(1_000_000), to: writer)
            let key = try await writer.finish().key
            await #expect(throws: UploadError.self) { _ = try await store.open(key: key) }
        }
    }

    @Test func aMissingBucketIsSaidSo() async throws {
        let moto = try await Moto.start(root: Self.root)
        defer { moto.stop() }
        let http = HTTPClient(eventLoopGroupProvider: .singleton)
        let place = S3Place(
            endpoint: "http://127.0.0.1:\(moto.port)", region: "eu-central-1", bucket: "nowhere", prefix: "", credentials: moto.credentials)
        let store = S3UploadStore(place: place, http: http, spoolDirectory: NSTemporaryDirectory())
        await #expect(throws: UploadError.self) { try await store.check() }
        try await http.shutdown()
    }

    @Test func aStoreThatIsAwaySaysSo() async throws {
        try await with(breaking: { _, _ in .init(500) }) { store, _ in
            let writer = try await store.begin(.make())
            try await writer.write([1, 2, 3])
            do {
                _ = try await writer.finish()
                Issue.record("nothing was stored")
            } catch let error as UploadError {
                if case .remote = error {} else { Issue.record("\(error.debugDescription)") }
                #expect(error.disposition == .retry && !error.description.contains("500"))
            }
            await writer.abort()
        }
    }
}

/// moto's server as a child, with a user whose signatures it checks.
private final class Moto: Sendable {
    let port: Int
    let bucket: String
    let credentials: S3Credentials
    private let process: Process
    private let python: String

    private init(port: Int, bucket: String, credentials: S3Credentials, process: Process, python: String) {
        self.port = port
        self.bucket = bucket
        self.credentials = credentials
        self.process = process
        self.python = python
    }

    struct Missing: Error, CustomStringConvertible {
        let description: String
    }

    static func start(root: URL) async throws -> Moto {
        let bin = root.appendingPathComponent(".whorl/venv/bin")
        let server = bin.appendingPathComponent("moto_server")
        guard FileManager.default.isExecutableFile(atPath: server.path) else {
            throw Missing(description: "\(server.path) is missing: run deploy/install.sh test")
        }
        // Three calls make the user, its key and the bucket; from then on every request must be signed with that key.
        let process = Process()
        process.executableURL = bin.appendingPathComponent("python")
        process.arguments = ["-B", root.appendingPathComponent("Tests/UploadStoreTests/moto_store.py").path]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let line = try await firstLine(output.fileHandleForReading)
        guard let said = try JSONSerialization.jsonObject(with: line) as? [String: Any], let port = said["port"] as? Int,
            let bucket = said["bucket"] as? String, let access = said["accessKey"] as? String, let secret = said["secretKey"] as? String
        else { throw Missing(description: "moto's server said \(String(decoding: line, as: UTF8.self))") }
        return Moto(
            port: port, bucket: bucket, credentials: S3Credentials(accessKey: access, secretKey: secret), process: process,
            python: bin.appendingPathComponent("python").path)
    }

    private static func firstLine(_ handle: FileHandle) async throws -> Data {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                var line = Data()
                while let byte = try? handle.read(upToCount: 1), byte.first != UInt8(ascii: "\n"), !byte.isEmpty { line += byte }
                continuation.resume(returning: line)
            }
        }
    }

    func stop() {
        // SIGTERM may be blocked in the tests' process, and its children inherit that.
        kill(process.processIdentifier, SIGKILL)
    }

    /// All objects and open uploads in parts, as boto3 sees them.
    func objects() async throws -> [String] {
        let listing = Process()
        listing.executableURL = URL(fileURLWithPath: python)
        listing.arguments = [
            "-B", "-c",
            """
            import boto3, json
            s3 = boto3.client("s3", endpoint_url="http://127.0.0.1:\(port)", region_name="eu-central-1",
                              aws_access_key_id="\(credentials.accessKey)", aws_secret_access_key="\(credentials.secretKey)")
            print(json.dumps([o["Key"] for o in s3.list_objects_v2(Bucket="\(bucket)").get("Contents", [])]
                             + [u["Key"] + " in parts" for u in s3.list_multipart_uploads(Bucket="\(bucket)").get("Uploads", [])]))
            """,
        ]
        let output = Pipe()
        listing.standardOutput = output
        try listing.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        listing.waitUntilExit()
        return try JSONDecoder().decode([String].self, from: data)
    }
}

/// Between the store's client and the server: answers by itself where a test wants a fault, and passes on all else.
private final class Proxy: Sendable {
    private let stub: StubServer

    init(to port: Int, breaking: @escaping @Sendable (StubServer.Request, Int) -> StubServer.Answer?) throws {
        stub = try StubServer { request in
            breaking(request, port) ?? Self.forward(request, port: port) ?? .init(502)
        }
    }

    var port: Int { stub.port }

    /// The server's own answer. The signed host must stay the proxy's, since the signature covers it.
    static func forward(_ request: StubServer.Request, port: Int) -> StubServer.Answer? {
        guard let descriptor = connectToLoopback(port: port) else { return nil }
        defer { close(descriptor) }
        var head = "\(request.method) \(request.path) HTTP/1.1\r\n"
        for (name, value) in request.headers where name != "connection" { head += "\(name): \(value)\r\n" }
        let bytes = Data((head + "connection: close\r\n\r\n").utf8) + request.body
        var offset = 0
        while offset < bytes.count {
            let sent = bytes[offset...].withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard sent > 0 else { return nil }
            offset += sent
        }
        var data = Data()
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            data.append(contentsOf: buffer[..<count])
        }
        guard let end = data.range(of: Data("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: data[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        let status = lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 502
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            guard parts.count == 2, !["content-length", "connection", "transfer-encoding"].contains(parts[0].lowercased()) else { continue }
            headers[parts[0]] = parts[1]
        }
        return StubServer.Answer(status, headers: headers, body: Data(data[end.upperBound...]))
    }
}
