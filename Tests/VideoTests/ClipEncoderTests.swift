import Foundation
import JobModel
import Testing
import Video

/// Clips of our own making, and every frame of any clip.
@Suite struct ClipEncoderTests {
    /// A picture that moves with its number.
    private static func picture(_ number: Int, width: Int = 96, height: Int = 64) -> RGBImage {
        var pixels: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width { pixels += [UInt8((x * 2 + number * 3) % 256), UInt8((y * 3) % 256), UInt8((x + y) % 256)] }
        }
        return RGBImage(width: width, height: height, pixels: pixels)
    }

    private static func encode(_ path: String, _ settings: ClipEncoder.Settings, frames: Int) throws {
        let encoder = try ClipEncoder(path: path, settings: settings)
        for number in 0..<frames { try encoder.append(picture(number)) }
        try encoder.finish()
    }

    @Test(arguments: [
        ClipEncoder.Settings(crf: 18, width: 96, height: 64, framesPerSecond: 25),
        ClipEncoder.Settings(crf: 40, width: 48, height: 32, framesPerSecond: 12.5),
        ClipEncoder.Settings(crf: 23, width: 96, height: 64, framesPerSecond: 30_000.0 / 1_001),
    ])
    func sizeRateAndFrames(_ settings: ClipEncoder.Settings) async throws {
        let media = try TestMedia()
        let path = media.path("clip.mp4")
        try Self.encode(path, settings, frames: 20)
        let video = try await decoder().sample(path: path, request: SamplingRequest(pictures: [.source]))
        #expect(video.info.codec == "h264" && video.info.frameCount == 20 && video.warnings.isEmpty)
        #expect(video.info.width == settings.width && video.info.height == settings.height)
        #expect(abs(video.info.averageFrameRate - settings.framesPerSecond) < 0.01)
        #expect(abs(video.info.durationSeconds - 20 / settings.framesPerSecond) < 0.01)
        #expect(try FileManager.default.contentsOfDirectory(atPath: media.folder) == ["clip.mp4"])
    }

    /// Pictures come back as they went in, up to what the rate factor loses; so colours and range are right both ways.
    @Test(arguments: [(96, 64), (1_280, 720)])
    func pixelsSurvive(width: Int, height: Int) async throws {
        let media = try TestMedia()
        let path = media.path("clip.mp4")
        // Flat colours: what chroma at half resolution would smear at edges says nothing about the matrix.
        let colors: [[UInt8]] = [[200, 30, 40], [30, 180, 60], [40, 60, 220], [128, 128, 128], [250, 250, 250], [5, 5, 5]]
        let encoder = try ClipEncoder(
            path: path, settings: .init(crf: 4, width: width, height: height, framesPerSecond: 10))
        for color in colors {
            try encoder.append(RGBImage(width: width, height: height, pixels: Array([[UInt8]](repeating: color, count: width * height).joined())))
        }
        try encoder.finish()
        var number = 0
        let info = try await decoder().everyFrame(path: path, picture: .source) { frame throws(VideoError) in
            let middle = ((height / 2) * width + width / 2) * 3
            for channel in 0..<3 {
                #expect(abs(Int(frame.kept.pixels[middle + channel]) - Int(colors[number][channel])) <= 4, "frame \(number)")
            }
            number += 1
        }
        #expect(number == 6 && info.frameCount == 6)
    }

    @Test func sameInputSameBytes() throws {
        let media = try TestMedia()
        let settings = ClipEncoder.Settings(crf: 28, width: 96, height: 64, framesPerSecond: 25)
        try Self.encode(media.path("a.mp4"), settings, frames: 12)
        try Self.encode(media.path("b.mp4"), settings, frames: 12)
        #expect(try media.bytes("a.mp4") == media.bytes("b.mp4"))
        try Self.encode(media.path("c.mp4"), .init(crf: 45, width: 96, height: 64, framesPerSecond: 25), frames: 12)
        #expect(try media.bytes("c.mp4").count < media.bytes("a.mp4").count)
    }

    @Test(arguments: [
        ClipEncoder.Settings(crf: 52, width: 96, height: 64, framesPerSecond: 25),
        ClipEncoder.Settings(crf: 23, width: 95, height: 64, framesPerSecond: 25),
        ClipEncoder.Settings(crf: 23, width: 96, height: 8, framesPerSecond: 25),
        ClipEncoder.Settings(crf: 23, width: 96, height: 64, framesPerSecond: 0),
        ClipEncoder.Settings(crf: 23, width: 96, height: 64, framesPerSecond: .nan),
    ])
    func settingsThatMakeNoClip(_ settings: ClipEncoder.Settings) throws {
        let media = try TestMedia()
        let error = #expect(throws: VideoError.self) { try ClipEncoder(path: media.path("clip.mp4"), settings: settings) }
        #expect(error?.code == .invalidRequest)
    }

    @Test func nothingHalfWrittenStays() throws {
        let media = try TestMedia()
        let settings = ClipEncoder.Settings(crf: 23, width: 96, height: 64, framesPerSecond: 25)
        // Let go of before its end.
        do {
            let encoder = try ClipEncoder(path: media.path("clip.mp4"), settings: settings)
            try encoder.append(Self.picture(0))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: media.folder).isEmpty)
        do {
            let encoder = try ClipEncoder(path: media.path("clip.mp4"), settings: settings)
            #expect(throws: VideoError.self) { try encoder.finish() }
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: media.folder).isEmpty)
        #expect(throws: VideoError.self) { try ClipEncoder(path: "\(media.folder)/none/clip.mp4", settings: settings) }
        // A disk that is full at the first byte.
        #expect(throws: VideoError.self) {
            try FileManager.default.createSymbolicLink(atPath: media.path("full.mp4.partial"), withDestinationPath: "/dev/full")
            let encoder = try ClipEncoder(path: media.path("full.mp4"), settings: settings)
            for number in 0..<40 { try encoder.append(Self.picture(number)) }
            try encoder.finish()
        }
        #expect(!FileManager.default.fileExists(atPath: media.path("full.mp4")))
    }

    /// Every frame once and in order, whatever the pieces: long clips, odd rates, packets without an index, frames that are missing.
    @Test(arguments: [
        ("long.mp4", ["-c:v", "libx264"]), ("slow.mkv", ["-vf", "fps=3", "-c:v", "libx264"]), ("old.avi", ["-c:v", "mpeg4", "-bf", "2"]),
        ("gaps.mp4", ["-vf", "select='lt(mod(n,40),7)'", "-fps_mode", "vfr", "-c:v", "libx264"]),
    ])
    func everyFrameInOrder(_ name: String, _ arguments: [String]) async throws {
        let media = try TestMedia()
        let path = try media.make(name, TestMedia.source(size: "64x48", frames: 150) + arguments)
        let reference = try TestMedia.referenceFrames(of: path, width: 64, height: 48)
        var seen: [Int] = []
        let info = try await decoder().everyFrame(path: path, picture: .source) { frame throws(VideoError) in
            #expect(frame.kept.pixels == reference[frame.frameNumber], "frame \(frame.frameNumber)")
            seen.append(frame.frameNumber)
        }
        #expect(seen == Array(0..<reference.count) && info.frameCount == reference.count)
        #expect(reference.count == 150)
        var few = 0
        _ = try await decoder().everyFrame(path: path, picture: .fitted(maxWidth: 32, maxHeight: 32), limit: 11) { _ throws(VideoError) in few += 1 }
        #expect(few == 11)
    }

    @Test func aBadClipHasNoFrames() async throws {
        let media = try TestMedia()
        let path = try media.write("noise.mp4", (0..<4_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        await #expect(throws: VideoError.self) {
            _ = try await decoder().everyFrame(path: path, picture: .source) { _ throws(VideoError) in }
        }
    }
}
