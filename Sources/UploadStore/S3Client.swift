import AsyncHTTPClient
import Crypto
import Foundation
import JobModel
import NIOCore
import NIOFoundationCompat
import NIOHTTP1

/// Where an S3-compatible store is.
public struct S3Place: Hashable, Sendable {
    /// For example `https://s3.eu-central-1.amazonaws.com` or `http://127.0.0.1:9000`.
    public var endpoint: String
    public var region: String
    public var bucket: String
    /// Before every key; empty, or ending with a slash.
    public var prefix: String
    public var credentials: S3Credentials
    /// How often a request is sent in all, when it fails in a way that may pass.
    public var attempts = 5
    /// A request that has no answer after this long has failed.
    public var requestSeconds = 60.0

    public init(endpoint: String, region: String, bucket: String, prefix: String, credentials: S3Credentials) {
        self.endpoint = endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint
        self.region = region
        self.bucket = bucket
        self.prefix = prefix
        self.credentials = credentials
    }
}

/// The few operations of the S3 API that uploads need: signed, retried, and with checksums. Buckets are addressed by path, which all
/// stores understand.
struct S3Client: Sendable {
    private static let maximumAnswerBytes = 4 << 20
    private static let firstPauseMilliseconds = 100.0
    private static let emptySHA256 = SHA256.hash(data: Data()).hexText

    let place: S3Place
    let http: HTTPClient
    private let signature: SignatureV4

    init(place: S3Place, http: HTTPClient) {
        self.place = place
        self.http = http
        signature = SignatureV4(credentials: place.credentials, region: place.region)
    }

    /// An answer that is no success.
    struct Refusal: Error {
        let status: UInt
        /// The store's own word, such as `NoSuchKey`.
        let code: String
    }

    /// What a request sends.
    enum Payload: Sendable {
        case none
        case bytes([UInt8])
        /// The first bytes of a file, read anew for every try.
        case file(SpoolFile, sha256: [UInt8])

        var count: Int {
            switch self {
            case .none: 0
            case .bytes(let bytes): bytes.count
            case .file(let file, _): Int(file.bytes)
            }
        }

        var sha256: [UInt8]? {
            switch self {
            case .none: nil
            case .bytes(let bytes): Array(SHA256.hash(data: bytes))
            case .file(_, let sha256): sha256
            }
        }
    }

    private struct Call {
        var method: HTTPMethod
        var key: String
        var query: [(String, String)] = []
        var fields: [(String, String)] = []
        var payload = Payload.none
    }

    // MARK: Objects

    func put(_ key: String, _ payload: Payload) async throws {
        _ = try await answer(to: Call(method: .PUT, key: key, payload: payload))
    }

    /// The object's length; nil if there is none.
    func length(of key: String) async throws -> Int64? {
        do {
            let response = try await answer(to: Call(method: .HEAD, key: key))
            return response.headers.first(name: "content-length").flatMap(Int64.init)
        } catch let refusal as Refusal where refusal.status == 404 {
            return nil
        }
    }

    func delete(_ key: String) async throws {
        do {
            _ = try await answer(to: Call(method: .DELETE, key: key))
        } catch let refusal as Refusal where refusal.status == 404 {
            // It is gone already.
        }
    }

    /// Gives an object's bytes piece by piece, from `offset` on. Not retried: whoever reads goes on from what it has.
    func read(_ key: String, from offset: Int64, _ body: (ByteBuffer) async throws -> Void) async throws {
        var call = Call(method: .GET, key: key)
        if offset > 0 { call.fields.append(("range", "bytes=\(offset)-")) }
        let response = try await http.execute(request(call), timeout: .seconds(Int64(place.requestSeconds) * 60))
        // A store that passes over the range would give the first bytes twice.
        guard response.status == (offset > 0 ? .partialContent : .ok) else {
            throw try await refusal(response)
        }
        let expected = response.headers.first(name: "content-length").flatMap(Int64.init)
        var count: Int64 = 0
        for try await buffer in response.body {
            count += Int64(buffer.readableBytes)
            try await body(buffer)
        }
        if let expected, expected != count { throw Broken(expected: expected, came: count) }
    }

    /// A connection that ended in the middle.
    struct Broken: Error {
        let expected: Int64
        let came: Int64
    }

    struct Listed: Sendable {
        let key: String
        let at: Date
        /// Of an upload in parts.
        var uploadID = ""
    }

    /// Objects whose keys begin like this.
    func list(prefix: String) async throws -> [Listed] {
        var found: [Listed] = []
        var token: String?
        repeat {
            var query = [("list-type", "2"), ("prefix", place.prefix + prefix), ("max-keys", "1000")]
            if let token { query.append(("continuation-token", token)) }
            let document = try await document(Call(method: .GET, key: "", query: query))
            for entry in document.children("Contents") {
                guard let key = entry.text("Key"), key.hasPrefix(place.prefix), let at = entry.text("LastModified").flatMap(WhorlJSON.time)
                else { continue }
                found.append(Listed(key: String(key.dropFirst(place.prefix.count)), at: at))
            }
            token = document.text("IsTruncated") == "true" ? document.text("NextContinuationToken") : nil
        } while token != nil
        return found
    }

    // MARK: Uploads in parts

    func beginParts(_ key: String) async throws -> String {
        let document = try await document(Call(method: .POST, key: key, query: [("uploads", "")]))
        guard let id = document.text("UploadId") else { throw Refusal(status: 200, code: "NoUploadId") }
        return id
    }

    /// - Returns: the part's entity tag.
    func putPart(_ key: String, uploadID: String, number: Int, _ payload: Payload) async throws -> String {
        let response = try await answer(
            to: Call(method: .PUT, key: key, query: [("partNumber", "\(number)"), ("uploadId", uploadID)], payload: payload))
        guard let tag = response.headers.first(name: "etag") else { throw Refusal(status: 200, code: "NoETag") }
        return tag
    }

    func completeParts(_ key: String, uploadID: String, tags: [String]) async throws {
        let parts = tags.enumerated().map { number, tag in
            "<Part><PartNumber>\(number + 1)</PartNumber><ETag>\(tag.replacing("\"", with: "&quot;"))</ETag></Part>"
        }
        let body = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\(parts.joined())</CompleteMultipartUpload>"
        // The answer may be 200 and tell of an error all the same.
        _ = try await document(
            Call(method: .POST, key: key, query: [("uploadId", uploadID)], fields: [("content-type", "application/xml")], payload: .bytes(Array(body.utf8))))
    }

    func abortParts(_ key: String, uploadID: String) async throws {
        do {
            _ = try await answer(to: Call(method: .DELETE, key: key, query: [("uploadId", uploadID)]))
        } catch let refusal as Refusal where refusal.status == 404 {
            // It is gone already.
        }
    }

    /// Uploads in parts that were begun and neither ended nor aborted.
    func listUploads(prefix: String) async throws -> [Listed] {
        var found: [Listed] = []
        var marker: (key: String, id: String)?
        repeat {
            var query = [("uploads", ""), ("prefix", place.prefix + prefix)]
            if let marker { query += [("key-marker", marker.key), ("upload-id-marker", marker.id)] }
            let document = try await document(Call(method: .GET, key: "", query: query))
            for entry in document.children("Upload") {
                guard let key = entry.text("Key"), key.hasPrefix(place.prefix), let id = entry.text("UploadId"),
                    let at = entry.text("Initiated").flatMap(WhorlJSON.time)
                else { continue }
                found.append(Listed(key: String(key.dropFirst(place.prefix.count)), at: at, uploadID: id))
            }
            marker = document.text("IsTruncated") == "true"
                ? document.text("NextKeyMarker").map { ($0, document.text("NextUploadIdMarker") ?? "") } : nil
        } while marker != nil
        return found
    }

    // MARK: Sending

    private func document(_ call: Call) async throws -> XMLTree {
        let response = try await answer(to: call)
        let tree = try XMLTree(response.body)
        if tree.name == "Error" { throw Refusal(status: response.status, code: tree.text("Code") ?? "Error") }
        return tree
    }

    private struct Answer {
        let status: UInt
        let headers: HTTPHeaders
        let body: Data
    }

    private func answer(to call: Call) async throws -> Answer {
        var pause = Self.firstPauseMilliseconds
        for attempt in 1... {
            do {
                let response = try await http.execute(request(call), timeout: .milliseconds(Int64(place.requestSeconds * 1000)))
                guard (200..<300).contains(response.status.code) else { throw try await refusal(response) }
                let body = try await response.body.collect(upTo: Self.maximumAnswerBytes)
                return Answer(status: response.status.code, headers: response.headers, body: Data(buffer: body))
            } catch let refusal as Refusal where refusal.status < 500 && refusal.status != 429 && refusal.code != "RequestTimeout" {
                throw refusal
            } catch let error as CancellationError {
                throw error
            } catch where attempt >= place.attempts {
                throw error
            } catch {
                try await Task.sleep(for: .milliseconds(pause * Double.random(in: 0.5...1)))
                pause = min(pause * 2, 5_000)
            }
        }
        preconditionFailure("the loop ends by itself")
    }

    private func refusal(_ response: HTTPClientResponse) async throws -> Refusal {
        let body = Data(buffer: try await response.body.collect(upTo: Self.maximumAnswerBytes))
        // An answer to HEAD has no body, and a proxy's has its own words.
        let code = (try? XMLTree(body))?.text("Code") ?? "HTTP\(response.status.code)"
        return Refusal(status: response.status.code, code: code)
    }

    private func request(_ call: Call) -> HTTPClientRequest {
        let path = "/\(place.bucket)" + (call.key.isEmpty ? "" : "/\(place.prefix)\(call.key)")
        let sha256 = call.payload.sha256
        var fields = call.fields
        fields.append(("host", host))
        // The store checks what came, and keeps the checksum with the object.
        if let sha256, call.method == .PUT { fields.append(("x-amz-checksum-sha256", Data(sha256).base64EncodedString())) }
        let signed = signature.signed(
            method: call.method.rawValue, path: path, query: call.query, fields: fields,
            payloadSHA256: sha256.map(\.hexText) ?? Self.emptySHA256, at: Date())
        let query = SignatureV4.encoded(query: call.query)
        var request = HTTPClientRequest(url: place.endpoint + SignatureV4.encoded(path: path) + (query.isEmpty ? "" : "?" + query))
        request.method = call.method
        for (name, value) in signed where name != "host" { request.headers.add(name: name, value: value) }
        switch call.payload {
        case .none: break
        case .bytes(let bytes): request.body = .bytes(ByteBuffer(bytes: bytes))
        case .file(let file, _): request.body = .stream(file.chunks, length: .known(Int64(call.payload.count)))
        }
        return request
    }

    /// As the client sends it.
    private var host: String {
        guard let url = URL(string: place.endpoint), let name = url.host else { return "" }
        let host = name.contains(":") ? "[\(name)]" : name
        let isUsual = url.port == nil || (url.scheme == "https" && url.port == 443) || (url.scheme == "http" && url.port == 80)
        return isUsual ? host : "\(host):\(url.port ?? 0)"
    }
}
