import Foundation
import GatewayApp
import Testing

@Suite struct MultipartParserTests {
    /// Parses a body cut into pieces of one size, and joins what belongs together.
    private func parse(_ body: String, pieces size: Int) throws -> [MultipartParser.Event] {
        var parser = try MultipartParser(boundary: "b")
        var events: [MultipartParser.Event] = []
        var rest = Array(body.utf8)[...]
        while !rest.isEmpty {
            for event in try parser.consume(rest.prefix(size)) {
                if case .partBytes(let more) = event, case .partBytes(let bytes)? = events.last {
                    events[events.count - 1] = .partBytes(bytes + more)
                } else {
                    events.append(event)
                }
            }
            rest = rest.dropFirst(size)
        }
        try parser.end()
        return events
    }

    private static let body = """
        preamble\r\n--b\r\nContent-Disposition: form-data; name="options"\r\n\r\n{}\r\n--b  \r\n\
        Content-Disposition: form-data; name="file"; filename="a;b.mp4"\r\nContent-Type: video/mp4\r\n\r\n\
        bytes\r\n--a\r\n--\r\n-\r\n--b\r\n\r\n\r\n--b--\r\nepilogue
        """

    @Test(arguments: [1, 2, 3, 5, 7, 64, 4096])
    func anyCutOfTheBodyGivesTheSameParts(size: Int) throws {
        let events = try parse(Self.body, pieces: size)
        #expect(events == [
            .partBegan(headers: ["content-disposition": "form-data; name=\"options\""]),
            .partBytes(Array("{}".utf8)), .partEnded,
            .partBegan(headers: [
                "content-disposition": "form-data; name=\"file\"; filename=\"a;b.mp4\"", "content-type": "video/mp4",
            ]),
            .partBytes(Array("bytes\r\n--a\r\n--\r\n-".utf8)), .partEnded,
            .partBegan(headers: [:]), .partEnded,
            .finished,
        ])
    }

    @Test(arguments: [
        ("", "ends before"), ("--b\r\n", "ends before"), ("--b\r\nA: b\r\n\r\nx", "ends before"),
        ("--b\r\nno colon\r\n\r\n", "no colon"), ("--bjunk", "line break"),
        (String(repeating: "--b\r\n\r\n\r\n", count: 40), "more than"),
        ("--b\r\nA: " + String(repeating: "x", count: 10_000), "longer than"),
    ])
    func aWrongBodySaysWhatIsWrong(body: String, expected: String) {
        let error = #expect(throws: MultipartParser.Malformed.self) { try parse(body, pieces: 100) }
        #expect(error?.reason.contains(expected) == true)
    }

    @Test func memoryStaysSmallHoweverLargeThePartIs() throws {
        var parser = try MultipartParser(boundary: "b")
        _ = try parser.consume(Array("--b\r\n\r\n".utf8))
        var bytes = 0
        for _ in 0..<100 {
            for case .partBytes(let piece) in try parser.consume([UInt8](repeating: 13, count: 10_000)) { bytes += piece.count }
        }
        // All but what may still begin a boundary has been passed on.
        #expect(bytes >= 1_000_000 - 5)
    }

    @Test(arguments: ["", String(repeating: "x", count: 71)])
    func aBoundaryOfWrongLengthIsRefused(boundary: String) {
        #expect(throws: MultipartParser.Malformed.self) { try MultipartParser(boundary: boundary) }
    }

    @Test func parametersMayBeQuoted() {
        let value = ParameterizedValue("Form-Data; name=\"a \\\"b\\\"; c\"; Other=x")
        #expect(value.value == "form-data")
        #expect(value.parameters == ["name": "a \"b\"; c", "other": "x"])
    }
}
