import Foundation
import Synchronization

/// A server on a free port that answers requests one by one as a test says.
final class StubGateway: Sendable {
    struct Request: Sendable {
        var method, target: String
        /// Names in lower case.
        var headers: [String: String]
        var body: [UInt8]
    }

    struct Answer: Sendable {
        var status = 200
        var type = "application/json"
        var body: [UInt8] = []
    }

    let url: String
    private let listener: Int32
    private let received = Mutex<[Request]>([])

    /// What came in so far.
    var requests: [Request] { received.withLock { $0 } }

    init(answer: @escaping @Sendable (Request) -> Answer) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && listen(listener, 16) == 0 && getsockname(listener, $0, &size) == 0
            }
        }
        guard isListening else { throw CocoaError(.fileReadUnknown) }
        self.listener = listener
        url = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
        Thread.detachNewThread { [weak self] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                if let request = Self.read(from: connection) {
                    self?.received.withLock { $0.append(request) }
                    Self.write(answer(request), to: connection)
                }
                close(connection)
            }
        }
    }

    deinit {
        // Wakes the thread in accept, which close alone does not.
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    private static func read(from connection: Int32) -> Request? {
        var bytes: [UInt8] = []
        var head: Range<Int>?
        var expected = Int.max
        while bytes.count < expected {
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            bytes += chunk.prefix(count)
            if head == nil, let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) {
                head = 0..<end.lowerBound
                let text = String(decoding: bytes[0..<end.lowerBound], as: UTF8.self).lowercased()
                let length = text.firstMatch(of: /content-length: (\d+)/).flatMap { Int($0.1) } ?? 0
                expected = end.upperBound + length
            }
        }
        guard let head else { return nil }
        let lines = String(decoding: bytes[head], as: UTF8.self).components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ").map(String.init)
        guard words.count == 3 else { return nil }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        return Request(method: words[0], target: words[1], headers: headers, body: Array(bytes[(head.upperBound + 4)...]))
    }

    private static func write(_ answer: Answer, to connection: Int32) {
        let head = "HTTP/1.1 \(answer.status) Answer\r\nContent-Type: \(answer.type)\r\nContent-Length: \(answer.body.count)\r\n"
            + "Connection: close\r\n\r\n"
        let bytes = Array(head.utf8) + answer.body
        _ = send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }
}
