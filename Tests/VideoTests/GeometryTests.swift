import Foundation
import JobModel
import Testing
import Video

/// What the viewer would see: turned, at display aspect, with the right times.
@Suite struct GeometryTests {
    static let x264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "12"]

    @Test(arguments: [0, 90, 180, 270]) func rotation(_ degrees: Int) async throws {
        let media = try TestMedia()
        let plain = try media.make("plain.mp4", TestMedia.source(frames: 10) + Self.x264)
        // ffmpeg's option counts counter-clockwise.
        let turned = try media.make(
            "turned.mp4", ["-i", plain, "-c", "copy", "-metadata:s:v:0", "rotate=\((360 - degrees) % 360)"])
        let reference = try TestMedia.referenceFrames(of: plain, width: 160, height: 120)
        let video = try await decoder().sample(path: turned, request: SamplingRequest(count: 4, picture: .source))
        #expect(video.info.rotationDegrees == degrees || video.info.rotationDegrees == (360 - degrees) % 360)
        #expect(!video.info.isMirrored)
        let isUpright = degrees % 180 == 0
        #expect(video.info.width == (isUpright ? 160 : 120) && video.info.height == (isUpright ? 120 : 160))
        for frame in video.frames {
            let expected = Self.turn(reference[frame.frameNumber], width: 160, height: 120, degrees: video.info.rotationDegrees)
            let isEqual = frame.picture.pixels == expected
            #expect(isEqual, "frame \(frame.frameNumber)")
        }
    }

    /// ffmpeg's own auto-rotation agrees about the direction: a small picture of its turned frame looks like ours.
    @Test(arguments: [90, 180, 270]) func rotationLooksLikeFFmpegs(_ degrees: Int) async throws {
        let media = try TestMedia()
        let plain = try media.make("plain.mp4", TestMedia.source(frames: 4) + Self.x264)
        let turned = try media.make("turned.mp4", ["-i", plain, "-c", "copy", "-metadata:s:v:0", "rotate=\(degrees)"])
        let video = try await decoder().sample(path: turned, request: SamplingRequest(count: 4, picture: .source))
        let upright = try media.make("upright.rgb", ["-i", turned, "-pix_fmt", "rgb24", "-f", "rawvideo"])
        let expected = Array(try Data(contentsOf: URL(fileURLWithPath: upright)).prefix(160 * 120 * 3))
        let difference = zip(video.frames[0].picture.pixels, expected).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
        #expect(Double(difference) / Double(expected.count) < 6)
    }

    @Test func mirrored() async throws {
        let media = try TestMedia()
        _ = try media.make("plain.mp4", TestMedia.source(frames: 10) + Self.x264)
        let reference = try TestMedia.referenceFrames(of: media.path("plain.mp4"), width: 160, height: 120)
        var bytes = try media.bytes("plain.mp4")
        // tkhd version 0: the matrix starts 40 bytes into its data, after the 4 letters and the version.
        let matrix = BadInputTests.offset(of: "tkhd", in: bytes) + 4 + 40
        bytes.replaceSubrange(matrix..<matrix + 4, with: [0xFF, 0xFF, 0, 0])
        let path = try media.write("mirrored.mp4", bytes)
        let video = try await decoder().sample(path: path, request: SamplingRequest(count: 2, picture: .source))
        #expect(video.info.isMirrored && video.info.rotationDegrees == 0)
        let source = reference[video.frames[0].frameNumber]
        var expected: [UInt8] = []
        for y in 0..<120 {
            for x in (0..<160).reversed() {
                let at = (y * 160 + x) * 3
                expected.append(contentsOf: source[at..<at + 3])
            }
        }
        let isEqual = video.frames[0].picture.pixels == expected
        #expect(isEqual)
    }

    @Test func sampleAspectRatio() async throws {
        let media = try TestMedia()
        let wide = try media.make("wide.mp4", TestMedia.source(size: "720x576", frames: 4) + Self.x264 + ["-aspect", "16:9"])
        let video = try await decoder().sample(path: wide)
        #expect(video.info.width == 720 && video.info.height == 576)
        #expect(video.info.sampleAspectRatio == AspectRatio(numerator: 64, denominator: 45))
        #expect(video.frames[0].picture.width == 480 && video.frames[0].picture.height == 270)
        let tall = try media.make("tall.mkv", TestMedia.source(size: "160x120", frames: 4) + Self.x264 + ["-aspect", "2:3"])
        let small = try await decoder().sample(path: tall).frames[0].picture
        #expect(small.width == 80 && small.height == 120, "never enlarged: the wider side shrinks")
        let turned = try media.make("turned.mp4", ["-i", wide, "-c", "copy", "-metadata:s:v:0", "rotate=90"])
        let upright = try await decoder().sample(path: turned)
        #expect(upright.info.sampleAspectRatio == AspectRatio(numerator: 45, denominator: 64))
        #expect(upright.frames[0].picture.width == 270 && upright.frames[0].picture.height == 480)
    }

    @Test func pictureFitsItsBox() async throws {
        let media = try TestMedia()
        let path = try media.make("hd.mp4", TestMedia.source(size: "1280x720", frames: 3) + Self.x264)
        let request = SamplingRequest(count: 2, inputWidth: 112, inputHeight: 96, picture: .fitted(maxWidth: 300, maxHeight: 300))
        let frame = try await decoder().sample(path: path, request: request).frames[0]
        #expect(frame.picture.width == 300 && frame.picture.height == 169)
        #expect(frame.input.width == 112 && frame.input.height == 96)
    }

    @Test func variableFrameRate() async throws {
        let media = try TestMedia()
        let filter = "select='lt(n,20)+not(mod(n,5))',setpts=PTS"
        let path = try media.make(
            "vfr.mkv", TestMedia.source(frames: 36) + ["-vf", filter, "-fps_mode", "passthrough"] + Self.x264)
        let times = try Self.referenceTimes(of: path)
        let video = try await decoder().sample(path: path)
        #expect(video.info.frameCount == times.count)
        for frame in video.frames { #expect(abs(frame.timestampSeconds - (times[frame.frameNumber] - times[0])) < 0.002) }
    }

    @Test func timestampsThatJumpBackGoOn() async throws {
        let media = try TestMedia()
        _ = try media.make("once.ts", TestMedia.source(frames: 40) + Self.x264)
        let once = try media.bytes("once.ts")
        let path = try media.write("twice.ts", once + once)
        let video = try await decoder().sample(path: path)
        #expect(video.info.frameCount == 80)
        #expect(abs(video.info.durationSeconds - 3.2) < 0.1)
        let times = video.frames.map(\.timestampSeconds)
        for (earlier, later) in zip(times, times.dropFirst()) { #expect(later > earlier) }
    }

    @Test func aSmallSideStreamRefusesNothing() async throws {
        let media = try TestMedia()
        let path = try media.make("two.mkv", [
            "-f", "lavfi", "-i", "testsrc2=size=320x240:duration=1", "-f", "lavfi", "-i", "testsrc2=size=8x8:duration=1",
            "-map", "0", "-map", "1", "-c:v", "ffv1",
        ])
        let video = try await decoder().sample(path: path)
        #expect(video.info.width == 320)
    }

    @Test func negativeTimestamps() async throws {
        let media = try TestMedia()
        let path = try media.make(
            "negative.mkv",
            TestMedia.source(frames: 30) + ["-vf", "setpts=PTS-1.5/TB", "-avoid_negative_ts", "disabled"] + Self.x264)
        let late = try media.make("late.ts", TestMedia.source(frames: 30) + ["-output_ts_offset", "500"] + Self.x264)
        for clip in [path, late] {
            let video = try await decoder().sample(path: clip, request: SamplingRequest(count: 30))
            #expect(video.frames[0].timestampSeconds == 0)
            #expect(abs((video.frames.last?.timestampSeconds ?? 0) - 29.0 / 25) < 0.01, "\(video.info)")
            #expect(abs(video.info.durationSeconds - 1.2) < 0.05)
        }
    }

    /// A raw stream has no times and no count; the average rate stands in.
    @Test func missingCountsAndTimes() async throws {
        let media = try TestMedia()
        let path = try media.make("raw.mjpeg", TestMedia.source(frames: 33) + ["-c:v", "mjpeg"])
        let video = try await decoder().sample(path: path, request: SamplingRequest(count: 33))
        #expect(video.info.frameCount == 33)
        let steps = zip(video.frames, video.frames.dropFirst()).map { $1.timestampSeconds - $0.timestampSeconds }
        #expect(steps.allSatisfy { abs($0 - 0.04) < 0.001 })
        let live = try media.make("live.mkv", TestMedia.source(frames: 33) + Self.x264 + ["-live", "1"])
        #expect(try await decoder().sample(path: live).info.frameCount == 33)
    }

    @Test func sizeChangesMidStream() async throws {
        let media = try TestMedia()
        _ = try media.make("a.ts", TestMedia.source(size: "160x120", frames: 20) + Self.x264)
        _ = try media.make("b.ts", TestMedia.source(size: "320x176", frames: 20) + Self.x264 + ["-output_ts_offset", "0.8"])
        let joined = try media.write("joined.ts", try media.bytes("a.ts") + media.bytes("b.ts"))
        let video = try await decoder().sample(path: joined)
        #expect(video.warnings.contains(.sizeChanged), "\(video.warnings)")
        #expect(video.info.width == 160)
        #expect(video.frames[0].picture.width == 160)
        #expect(video.frames[15].picture.width == 320)
    }

    @Test func videoBesideSoundAndCover() async throws {
        let media = try TestMedia()
        let cover = try media.make("cover.jpg", TestMedia.source(size: "640x640", frames: 1))
        let path = try media.make(
            "film.mp4",
            [
                "-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25:duration=1", "-f", "lavfi", "-i", "sine=duration=1",
                "-i", cover, "-map", "0", "-map", "1", "-map", "2", "-c:v:0", "libx264", "-c:v:1", "copy", "-c:a", "aac",
                "-disposition:v:1", "attached_pic",
            ])
        let video = try await decoder().sample(path: path)
        #expect(video.info.codec == "h264" && video.info.frameCount == 25 && video.info.width == 160)
    }

    /// The rule by hand: midpoints of equal shares, repeats when there are fewer frames than samples.
    @Test func samplingRule() {
        func numbers(_ count: Int, _ frames: Int) -> [Int] { SamplePlan.frameNumbers(Sampling(count: count), in: 0..<frames) }
        #expect(numbers(4, 100) == [12, 37, 62, 87])
        #expect(numbers(16, 16) == Array(0..<16))
        #expect(numbers(6, 3) == [0, 0, 1, 1, 2, 2])
        #expect(numbers(3, 1) == [0, 0, 0])
    }

    static func turn(_ pixels: [UInt8], width: Int, height: Int, degrees: Int) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(pixels.count)
        let isUpright = degrees % 180 == 0
        for y in 0..<(isUpright ? height : width) {
            for x in 0..<(isUpright ? width : height) {
                let (sourceX, sourceY) =
                    switch degrees {
                    case 90: (y, height - 1 - x)
                    case 180: (width - 1 - x, height - 1 - y)
                    case 270: (width - 1 - y, x)
                    default: (x, y)
                    }
                let at = (sourceY * width + sourceX) * 3
                result.append(contentsOf: pixels[at..<at + 3])
            }
        }
        return result
    }

    static func referenceTimes(of path: String) throws -> [Double] {
        let output = try TestMedia.run(
            "/usr/bin/ffprobe",
            ["-v", "error", "-select_streams", "v:0", "-show_entries", "frame=best_effort_timestamp_time", "-of", "csv=p=0", path])
        return String(decoding: output, as: UTF8.self).split(separator: "\n").compactMap { Double($0.prefix { $0 != "," }) }
    }
}
