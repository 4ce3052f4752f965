import Foundation
import Testing
import Video

/// The parent's reader of answers: right in any cut, and never fooled or crashed by a wrong one.
@Suite struct AnswerParserTests {
    static let request = SamplingRequest(count: 3, inputWidth: 4, inputHeight: 2, picture: .fitted(maxWidth: 6, maxHeight: 6))
    static let info = VideoInfo(
        container: "mp4", codec: "h264", width: 64, height: 48, durationSeconds: 0.36, frameCount: 9, averageFrameRate: 25,
        rotationDegrees: 0, isMirrored: false, sampleAspectRatio: .square)

    static func answer(
        info: VideoInfo = info, numbers: [Int] = [1, 4, 7], times: [Double] = [0.04, 0.16, 0.28], pictureWidth: Int = 6,
        buffer: Int = 1, sample: Int? = nil, restarts: Int = 0, range: Range<Int> = 0..<9
    ) throws -> [UInt8] {
        var bytes = try DecoderRecord.encode(.progress, DecoderRecord.Progress(fraction: 0.5))
        for attempt in 0...restarts {
            if attempt > 0 { bytes += try DecoderRecord.encode(.restart, [String: Int]()) }
            for (index, number) in numbers.enumerated() {
                let frame = DecoderRecord.Frame(
                    buffer: buffer, sample: sample ?? numbers.sorted().firstIndex(of: number) ?? index, frameNumber: number, timestampSeconds: times[index],
                    pictures: [.init(width: 4, height: 2), .init(width: pictureWidth, height: 5)])
                bytes += try DecoderRecord.encode(.frame, frame)
            }
        }
        let done = DecoderRecord.Done(
            info: info, warnings: [.shortClip], firstFrame: range.lowerBound, endFrame: range.upperBound,
            frameNumbers: numbers.sorted(),
            decoding: DecodingReport(packetCount: 9, packetsDecoded: 7, sequentialBecause: nil))
        return bytes + (try DecoderRecord.encode(.done, done))
    }

    /// All messages, up to the end.
    static func parse(
        _ bytes: [UInt8], chunk: Int, request: SamplingRequest = request
    ) throws(VideoError) -> [AnswerParser.Message] {
        var parser = AnswerParser(request: request, limits: DecoderLimits(), bufferCount: 2)
        var messages: [AnswerParser.Message] = []
        var at = 0
        while at < bytes.count {
            parser.feed(bytes[at..<min(bytes.count, at + chunk)])
            while let message = try parser.next() { messages.append(message) }
            at += chunk
        }
        return messages
    }

    static func done(_ messages: [AnswerParser.Message]) -> DecoderRecord.Done? {
        if case .done(let claim)? = messages.last { claim } else { nil }
    }

    @Test(arguments: [1, 7, 13, 100, 100_000]) func anyCutGivesTheSame(_ chunk: Int) throws {
        let messages = try Self.parse(try Self.answer(), chunk: chunk)
        let done = try #require(Self.done(messages))
        #expect(done.info == Self.info && done.warnings == [.shortClip] && done.frameNumbers == [1, 4, 7])
        #expect(messages.first == .progress(0.5))
        guard case .frame(let frame) = messages[3] else {
            Issue.record("\(messages[3])")
            return
        }
        #expect(frame.frameNumber == 7 && frame.buffer == 1 && frame.pictures[1].height == 5)
    }

    /// Frames come in the order in which they were decoded, which two decoders mix; their numbers tell.
    @Test func anyOrderOfFrames() throws {
        let answer = try Self.answer(numbers: [7, 1, 4], times: [0.28, 0.04, 0.16])
        #expect(Self.done(try Self.parse(answer, chunk: 50))?.frameNumbers == [1, 4, 7])
    }

    @Test func beginningAgainVoidsWhatCameBefore() throws {
        #expect(Self.done(try Self.parse(try Self.answer(restarts: 4), chunk: 50)) != nil)
        #expect(throws: VideoError.self) { try Self.parse(try Self.answer(restarts: 5), chunk: 50) }
    }

    /// In keyframe mode a child chooses, within one spacing of the exact frames and in order.
    @Test func keyframesAreTheChildsChoiceWithinTheTolerance() throws {
        var request = Self.request
        request.sampling.mode = .keyframe
        #expect(Self.done(try Self.parse(try Self.answer(numbers: [0, 3, 6]), chunk: 50, request: request)) != nil)
        #expect(Self.done(try Self.parse(try Self.answer(numbers: [4, 5, 8]), chunk: 50, request: request)) != nil)
        #expect(throws: VideoError.self) { try Self.parse(try Self.answer(numbers: [0, 3, 3]), chunk: 50, request: request) }
        #expect(throws: VideoError.self) { try Self.parse(try Self.answer(numbers: [5, 6, 8]), chunk: 50, request: request) }
    }

    @Test func refusesWhatCannotBeTrue() throws {
        var longInfo = Self.info
        longInfo.frameCount = 2_000_000
        var nameless = Self.info
        nameless.codec = String(repeating: "x", count: 5_000)
        let lies = [
            try Self.answer(numbers: [1, 4, 8]), try Self.answer(numbers: [1, 4, 4]), try Self.answer(numbers: [1, 4]),
            try Self.answer(sample: 1), try Self.answer(buffer: 2), try Self.answer(buffer: -1), try Self.answer(range: 0..<8), try Self.answer(range: 1..<9),
            try Self.answer(times: [0.2, 0.1, 0.3]), try Self.answer(times: [-1, 0.1, 0.3]), try Self.answer(pictureWidth: 7),
            try Self.answer(info: longInfo), try Self.answer(info: nameless), try Self.answer() + [0],
        ]
        for (index, lie) in lies.enumerated() {
            do throws(VideoError) {
                _ = try Self.parse(lie, chunk: 64)
                Issue.record("lie \(index) was believed")
            } catch {
                #expect(error.code == .decoderProtocolError)
            }
        }
    }

    /// A failure's texts are the child's, so they are bounded and hold no control characters.
    @Test func failureTextsAreTamed() throws {
        let json = "{\"code\":\"damaged\",\"subject\":\"\\u001b[31m\(String(repeating: "y", count: 30_000))\",\"detail\":\"a\\nb\"}"
        var bytes = Array("FAIL".utf8)
        withUnsafeBytes(of: UInt32(json.utf8.count).littleEndian) { bytes += $0 }
        guard case .failure(let error)? = try Self.parse(bytes + Array(json.utf8), chunk: 4_096).last else {
            Issue.record("no failure")
            return
        }
        #expect(error.code == .damaged)
        #expect((error.subject ?? "").count <= 200)
        #expect(!error.debugDescription.unicodeScalars.contains { $0.value < 32 })
    }

    @Test func mutationsNeverCrash() throws {
        let whole = try Self.answer()
        var generator = SeededGenerator(seed: 20_26)
        for _ in 0..<3_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            if Bool.random(using: &generator) { bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &generator))) }
            do throws(VideoError) {
                if let done = Self.done(try Self.parse(bytes, chunk: Int.random(in: 1...300, using: &generator))) {
                    #expect(done.frameNumbers.count == 3)
                }
            } catch {
                #expect(error.code == .decoderProtocolError)
            }
        }
    }
}
