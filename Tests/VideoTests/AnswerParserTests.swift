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
        info: VideoInfo = info, numbers: [Int] = [1, 4, 7], times: [Double] = [0.04, 0.16, 0.28], pictureWidth: Int = 6
    ) throws -> [UInt8] {
        var bytes = try DecoderRecord.encode(.progress, DecoderRecord.Progress(fraction: 0.5))
        bytes += try DecoderRecord.encode(.info, DecoderRecord.Info(info: info, warnings: [.shortClip]))
        for (index, number) in numbers.enumerated() {
            let frame = DecoderRecord.Frame(
                index: index, frameNumber: number, timestampSeconds: times[index], inputWidth: 4, inputHeight: 2,
                pictureWidth: pictureWidth, pictureHeight: 5)
            let pixelBytes = (4 * 2 + pictureWidth * 5) * 3
            bytes += try DecoderRecord.encode(.frame, frame, pixelBytes: pixelBytes)
            bytes += (0..<pixelBytes).map { UInt8(truncatingIfNeeded: $0 + index) }
        }
        return bytes + (try DecoderRecord.encode(.done, [String: Int]()))
    }

    static func parse(_ bytes: [UInt8], chunk: Int) throws(VideoError) -> Result<SampledVideo, VideoError>? {
        var parser = AnswerParser(request: request, limits: DecoderLimits())
        var at = 0
        while at < bytes.count {
            try parser.feed(bytes[at..<min(bytes.count, at + chunk)])
            at += chunk
        }
        return parser.outcome
    }

    @Test(arguments: [1, 7, 13, 100, 100_000]) func anyCutGivesTheSame(_ chunk: Int) throws {
        let video = try #require(try Self.parse(try Self.answer(), chunk: chunk)).get()
        #expect(video.info == Self.info)
        #expect(video.warnings == [.shortClip])
        #expect(video.frames.map(\.frameNumber) == [1, 4, 7])
        #expect(video.frames[2].input.pixels.first == 2 && video.frames[2].picture.pixels.first == 26)
    }

    @Test func refusesWhatCannotBeTrue() throws {
        var longInfo = Self.info
        longInfo.frameCount = 2_000_000
        var nameless = Self.info
        nameless.codec = String(repeating: "x", count: 5_000)
        let lies = [
            try Self.answer(numbers: [1, 4, 8]), try Self.answer(numbers: [4, 1, 7]), try Self.answer(numbers: [1, 4]),
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
        for size in [UInt32(json.utf8.count), 0] { withUnsafeBytes(of: size.littleEndian) { bytes += $0 } }
        guard case .failure(let error) = try Self.parse(bytes + Array(json.utf8), chunk: 4_096) else {
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
                if case .success(let video)? = try Self.parse(bytes, chunk: Int.random(in: 1...300, using: &generator)) {
                    #expect(video.frames.count == 3)
                }
            } catch {
                #expect(error.code == .decoderProtocolError)
            }
        }
    }
}
