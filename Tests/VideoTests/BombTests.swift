import Foundation
import JobModel
import Testing
import Video

/// Small files that unfold into something huge end in bounded time and memory, with a reason.
@Suite struct BombTests {
    /// 36 MB of file, 130,000 frames at 10,000 a second.
    @Test func framesWithoutEnd() async throws {
        let media = try TestMedia()
        let source = ["-f", "lavfi", "-i", "color=size=16x16:rate=10000", "-frames:v", "130000"]
        let path = try media.make("many.avi", source + ["-c:v", "rawvideo", "-pix_fmt", "gray"])
        #expect(await refusal(of: path)?.code == .tooLong)
    }

    /// A rate that no camera has is no reason to refuse.
    @Test func tenThousandFramesASecond() async throws {
        let media = try TestMedia()
        let path = try media.make("fast.mp4", TestMedia.source(rate: "10000", frames: 3_000) + ["-c:v", "libx264", "-preset", "ultrafast"])
        let video = try await decoder().sample(path: path)
        #expect(video.info.frameCount == 3_000 && abs(video.info.durationSeconds - 0.3) < 0.001, "\(video.info)")
    }

    /// Boxes within boxes within boxes.
    @Test(arguments: ["moov", "trak", "udta", "moof"]) func nestedBoxes(_ name: String) async throws {
        let media = try TestMedia()
        let depth = 30_000
        var bytes = [UInt8]([0, 0, 0, 16] + Array("ftypisom".utf8) + [0, 0, 2, 0])
        for level in 0..<depth {
            withUnsafeBytes(of: UInt32((depth - level) * 8).bigEndian) { bytes += $0 }
            bytes += Array(name.utf8)
        }
        #expect(await refusal(of: try media.write("nested.mp4", bytes))?.isInputFault == true)
    }

    /// Matroska elements whose sizes are unknown may nest for ever.
    @Test func nestedElements() async throws {
        let media = try TestMedia()
        _ = try media.make("seed.mkv", TestMedia.source(frames: 2) + ["-c:v", "ffv1"])
        let head = try media.bytes("seed.mkv").prefix(48)
        let cluster: [UInt8] = [0x1F, 0x43, 0xB6, 0x75, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]
        let bytes = Array(head) + (0..<50_000).flatMap { _ in cluster }
        #expect(await refusal(of: try media.write("nested.mkv", bytes))?.isInputFault == true)
    }

    /// A picture of 4096 × 4096 pixels in a few kilobytes, a thousand times: each is allowed, together they hit the clock.
    @Test func pictureBombIsStoppedByTheClock() async throws {
        let media = try TestMedia()
        let path = try media.make(
            "flat.mp4",
            ["-f", "lavfi", "-i", "color=size=4096x4096:rate=25", "-frames:v", "200", "-c:v", "libx264", "-preset", "ultrafast"])
        var limits = DecoderLimits()
        limits.wallClockSeconds = 0.8
        #expect(await refusal(of: path, limits: limits)?.code == .decodeTimeout)
        limits = DecoderLimits()
        limits.addressSpaceMegabytes = 200
        let error = await refusal(of: path, limits: limits)
        #expect(error?.code == .outOfMemory, "\(String(describing: error?.debugDescription))")
    }
}
