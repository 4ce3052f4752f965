import Foundation

/// A streaming parser for multipart/form-data (RFC 7578, RFC 2046 §5.1.1): bytes in, events out, memory bounded by the
/// size of a part's header however large the part is.
package struct MultipartParser: Sendable {
    package enum Event: Equatable, Sendable {
        case partBegan(headers: [String: String])
        case partBytes([UInt8])
        case partEnded
        case finished
    }

    /// What was wrong with the body, in words for a client.
    package struct Malformed: Error, Equatable {
        package let reason: String
    }

    private enum State: Sendable {
        case preamble, header, body, afterBoundary, finished
    }

    package static let maximumHeaderBytes = 8192
    package static let maximumParts = 16

    private let delimiter: [UInt8]
    private var state = State.preamble
    /// Bytes that may still turn out to belong to a delimiter or a header.
    private var pending: [UInt8] = []
    private var parts = 0

    /// - Parameter boundary: the media type's parameter, 1…70 characters.
    package init(boundary: String) throws(Malformed) {
        guard (1...70).contains(boundary.utf8.count) else {
            throw Malformed(reason: "the boundary must have 1 to 70 characters")
        }
        delimiter = Array("\r\n--\(boundary)".utf8)
        // The first boundary may stand at the very start, without the line break that otherwise leads it.
        pending = [13, 10]
    }

    /// Takes the next bytes and gives what they completed.
    package mutating func consume(_ bytes: some Sequence<UInt8>) throws(Malformed) -> [Event] {
        pending.append(contentsOf: bytes)
        var events: [Event] = []
        while try step(&events) {}
        return events
    }

    /// Call at the end of the body.
    package func end() throws(Malformed) {
        guard case .finished = state else {
            throw Malformed(reason: "the body ends before its closing boundary")
        }
    }

    private mutating func step(_ events: inout [Event]) throws(Malformed) -> Bool {
        switch state {
        case .preamble:
            guard let start = find(delimiter) else {
                keepTail(delimiter.count - 1)
                return false
            }
            pending.removeFirst(start + delimiter.count)
            state = .afterBoundary
            return true
        case .afterBoundary:
            // Transport padding (spaces and tabs) may follow a boundary before its line break.
            pending.removeFirst(pending.prefix { $0 == 32 || $0 == 9 }.count)
            guard pending.count >= 2 else { return false }
            if pending.starts(with: [45, 45]) {
                state = .finished
                events.append(.finished)
                return true
            }
            guard pending.starts(with: [13, 10]) else { throw Malformed(reason: "a boundary is not followed by a line break") }
            parts += 1
            guard parts <= Self.maximumParts else { throw Malformed(reason: "there are more than \(Self.maximumParts) parts") }
            pending.removeFirst(2)
            // So that an empty header block, which is just one line break, ends like any other.
            pending.insert(contentsOf: [13, 10], at: 0)
            state = .header
            return true
        case .header:
            guard let end = find([13, 10, 13, 10]) else {
                guard pending.count <= Self.maximumHeaderBytes else {
                    throw Malformed(reason: "a part's header is longer than \(Self.maximumHeaderBytes) bytes")
                }
                return false
            }
            guard end <= Self.maximumHeaderBytes else {
                throw Malformed(reason: "a part's header is longer than \(Self.maximumHeaderBytes) bytes")
            }
            events.append(.partBegan(headers: try Self.headers(pending[..<end])))
            pending.removeFirst(end + 4)
            state = .body
            return true
        case .body:
            guard let start = find(delimiter) else {
                emit(pending.count - (delimiter.count - 1), &events)
                return false
            }
            emit(start, &events)
            pending.removeFirst(delimiter.count)
            events.append(.partEnded)
            state = .afterBoundary
            return true
        case .finished:
            // The epilogue means nothing.
            pending.removeAll(keepingCapacity: true)
            return false
        }
    }

    private mutating func emit(_ count: Int, _ events: inout [Event]) {
        guard count > 0 else { return }
        events.append(.partBytes(Array(pending[..<count])))
        pending.removeFirst(count)
    }

    private mutating func keepTail(_ count: Int) {
        if pending.count > count { pending.removeFirst(pending.count - count) }
    }

    private func find(_ needle: [UInt8]) -> Int? {
        guard pending.count >= needle.count else { return nil }
        return pending.withUnsafeBufferPointer { bytes in
            var index = 0
            let last = bytes.count - needle.count
            search: while index <= last {
                for offset in needle.indices where bytes[index + offset] != needle[offset] {
                    index += 1
                    continue search
                }
                return index
            }
            return nil
        }
    }

    private static func headers(_ bytes: ArraySlice<UInt8>) throws(Malformed) -> [String: String] {
        var headers: [String: String] = [:]
        guard bytes.allSatisfy({ $0 >= 32 || $0 == 9 || $0 == 13 || $0 == 10 }) else {
            throw Malformed(reason: "a part's header has control characters")
        }
        for line in String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n") where !line.isEmpty {
            guard let colon = line.firstIndex(of: ":") else {
                throw Malformed(reason: "a part's header line has no colon")
            }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        return headers
    }
}

/// A header value with parameters, for example `form-data; name="file"` (RFC 9110 §5.6.6).
package struct ParameterizedValue: Equatable, Sendable {
    package let value: String
    package let parameters: [String: String]

    package init(_ text: String) {
        var fields: [String] = [""]
        var isQuoted = false
        var isEscaped = false
        for character in text {
            switch character {
            case _ where isEscaped:
                isEscaped = false
                fields[fields.count - 1].append(character)
            case "\\" where isQuoted: isEscaped = true
            case "\"": isQuoted.toggle()
            case ";" where !isQuoted: fields.append("")
            default: fields[fields.count - 1].append(character)
            }
        }
        value = fields[0].trimmingCharacters(in: .whitespaces).lowercased()
        parameters = fields.dropFirst().reduce(into: [:]) { parameters, field in
            guard let equals = field.firstIndex(of: "=") else { return }
            let name = field[..<equals].trimmingCharacters(in: .whitespaces).lowercased()
            parameters[name] = field[field.index(after: equals)...].trimmingCharacters(in: .whitespaces)
        }
    }
}
