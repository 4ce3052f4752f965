import Foundation
import Testing
import UploadStore

@Suite struct SignatureTests {
    private struct Wanted: Encodable {
        var method, host, path: String
        var query: [[String]]
        var headers: [String: String]
        var payloadSHA256, accessKey, secretKey, region: String
        var sessionToken: String?
        var at: Int

        /// The field as ours signs it.
        func authorization() -> String? {
            let signature = SignatureV4(
                credentials: S3Credentials(accessKey: accessKey, secretKey: secretKey, sessionToken: sessionToken), region: region)
            let fields = signature.signed(
                method: method, path: path, query: query.map { ($0[0], $0[1]) }, fields: [("host", host)] + headers.map { ($0.key, $0.value) },
                payloadSHA256: payloadSHA256, at: Date(timeIntervalSince1970: Double(at)))
            return fields.first { $0.0 == "authorization" }?.1
        }
    }

    private static let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    /// The example of the S3 documentation, "Signature Calculations for the Authorization Header: Transferring Payload in a Single Chunk".
    @Test func theDocumentationsExampleComesOut() {
        let wanted = Wanted(
            method: "GET", host: "examplebucket.s3.amazonaws.com", path: "/test.txt", query: [], headers: ["Range": "bytes=0-9"],
            payloadSHA256: Self.empty, accessKey: "AKIAIOSFODNN7EXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", region: "us-east-1",
            at: 1_369_353_600)
        #expect(wanted.authorization() == """
            AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
            SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, \
            Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41
            """)
    }

    @Test func botocoreSignsTheSame() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        var generator = SystemRandomNumberGenerator()
        let letters = Array("abcXYZ019-._~ /+=&%$:;,@!*'()äß漢")
        func text(_ most: Int) -> String {
            String((0..<Int.random(in: 1...most, using: &generator)).map { _ in letters.randomElement(using: &generator) ?? "a" })
        }
        let wanted = (0..<60).map { number in
            Wanted(
                method: ["GET", "PUT", "POST", "DELETE", "HEAD"][number % 5], host: number % 3 == 0 ? "127.0.0.1:9000" : "s3.eu-central-1.amazonaws.com",
                path: "/bucket/" + text(20).replacingOccurrences(of: "//", with: "/"),
                query: number % 2 == 0 ? [] : [["partNumber", "\(number)"], ["uploadId", text(12)], ["prefix", text(8)]],
                headers: number % 4 == 0 ? [:] : ["content-type": "application/xml", "x-amz-meta-note": String(text(12).filter(\.isASCII)) + " a  b"],
                payloadSHA256: Self.empty, accessKey: "AKIDEXAMPLE", secretKey: text(40), region: "eu-central-1",
                sessionToken: number % 7 == 0 ? "token" : nil, at: 1_700_000_000 + number * 86_399)
        }
        let process = Process(), input = Pipe(), output = Pipe()
        process.executableURL = root.appendingPathComponent(".whorl/venv/bin/python")
        process.arguments = ["-B", root.appendingPathComponent("Tests/UploadStoreTests/botocore_signatures.py").path]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        input.fileHandleForWriting.write(try JSONEncoder().encode(wanted))
        try input.fileHandleForWriting.close()
        let theirs = try JSONDecoder().decode([String].self, from: output.fileHandleForReading.readDataToEndOfFile())
        process.waitUntilExit()
        #expect(theirs.count == wanted.count)
        for (wanted, theirs) in zip(wanted, theirs) { #expect(wanted.authorization() == theirs, "\(wanted)") }
    }
}
