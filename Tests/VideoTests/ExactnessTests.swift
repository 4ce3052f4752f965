import Foundation
import Testing
import Video

/// The sampled frames are, bit for bit, those of ffmpeg's own full sequential decode.
@Suite struct ExactnessTests {
    struct Clip: Sendable, CustomTestStringConvertible {
        var name: String
        var arguments: [String]
        var container: String
        var codec: String
        var width = 160
        var height = 120
        var frames = 45
        var count = 16
        var range = "limited"
        var matrix = "bt601"

        var testDescription: String { name }
    }

    static let x264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "12"]

    static let clips: [Clip] = [
        Clip(name: "b-frames.mp4", arguments: x264 + ["-bf", "3"], container: "mp4", codec: "h264"),
        Clip(
            name: "fragmented.mp4", arguments: x264 + ["-movflags", "frag_keyframe+empty_moov"], container: "mp4",
            codec: "h264"),
        Clip(
            name: "open-gop.mp4", arguments: x264 + ["-bf", "3", "-x264-params", "open-gop=1"], container: "mp4",
            codec: "h264"),
        Clip(name: "plain.mov", arguments: x264 + ["-bf", "2"], container: "mov", codec: "h264"),
        Clip(name: "plain.mkv", arguments: x264, container: "matroska", codec: "h264"),
        Clip(name: "hevc.mp4", arguments: ["-c:v", "libx265", "-x265-params", "log-level=none"], container: "mp4", codec: "hevc"),
        Clip(
            name: "vp8.webm", arguments: ["-c:v", "libvpx", "-auto-alt-ref", "1", "-lag-in-frames", "10", "-b:v", "300k"],
            container: "webm", codec: "vp8"),
        Clip(
            name: "vp9.webm", arguments: ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"],
            container: "webm", codec: "vp9"),
        Clip(name: "mpeg4.avi", arguments: ["-c:v", "mpeg4", "-bf", "2"], container: "avi", codec: "mpeg4"),
        Clip(
            name: "mjpeg.avi", arguments: ["-c:v", "mjpeg", "-pix_fmt", "yuvj420p"], container: "avi", codec: "mjpeg",
            range: "full"),
        Clip(name: "mpeg1.mpg", arguments: ["-c:v", "mpeg1video"], container: "mpeg", codec: "mpeg1video"),
        Clip(name: "mpeg2.mpg", arguments: ["-c:v", "mpeg2video", "-bf", "2"], container: "mpeg", codec: "mpeg2video"),
        Clip(name: "plain.ts", arguments: x264, container: "mpegts", codec: "h264"),
        Clip(name: "plain.gif", arguments: [], container: "gif", codec: "gif"),
        Clip(name: "plain.ogv", arguments: ["-c:v", "libtheora"], container: "ogg", codec: "theora"),
        Clip(
            name: "plain.mjpeg", arguments: ["-c:v", "mjpeg", "-pix_fmt", "yuvj420p"], container: "mjpeg", codec: "mjpeg",
            range: "full"),
        Clip(
            name: "prores.mov", arguments: ["-c:v", "prores_ks", "-pix_fmt", "yuv422p10le"], container: "mov",
            codec: "prores"),
        Clip(
            name: "odd.mkv", arguments: ["-vf", "scale=77:51", "-c:v", "ffv1", "-pix_fmt", "yuv420p"], container: "matroska", codec: "ffv1",
            width: 77, height: 51),
        Clip(name: "short.mp4", arguments: x264, container: "mp4", codec: "h264", frames: 5),
        Clip(name: "single.mp4", arguments: x264, container: "mp4", codec: "h264", frames: 1),
        Clip(
            name: "interlaced.mp4", arguments: x264 + ["-flags", "+ildct+ilme", "-x264-params", "tff=1"],
            container: "mp4", codec: "h264"),
        Clip(
            name: "full-range.mp4", arguments: x264 + ["-vf", "scale=out_range=full", "-color_range", "pc"],
            container: "mp4", codec: "h264", range: "full"),
        Clip(
            name: "bt709.mp4", arguments: x264 + ["-colorspace", "bt709"], container: "mp4", codec: "h264",
            matrix: "bt709"),
        Clip(
            name: "hd.mp4", arguments: x264 + ["-preset", "ultrafast"], container: "mp4", codec: "h264", width: 1280,
            height: 720, frames: 20, matrix: "bt709"),
    ]

    @Test(arguments: clips) func equalsSequentialDecode(_ clip: Clip) async throws {
        let media = try TestMedia()
        let source = TestMedia.source(size: "\(clip.width)x\(clip.height)", frames: clip.frames)
        let path = try media.make(clip.name, source + clip.arguments)
        let reference = try TestMedia.referenceFrames(
            of: path, width: clip.width, height: clip.height, matrix: clip.matrix, range: clip.range)
        let video = try await decoder().sample(path: path, request: SamplingRequest(count: clip.count, picture: .source))

        #expect(video.info.frameCount == reference.count)
        #expect(video.info.container == clip.container)
        #expect(video.info.codec == clip.codec)
        #expect(video.info.width == clip.width && video.info.height == clip.height)
        #expect(video.frames.map(\.frameNumber) == SamplePlan.frameNumbers(count: clip.count, frameCount: reference.count))
        #expect(video.warnings == (reference.count < clip.count ? [.shortClip] : []))
        for frame in video.frames where frame.frameNumber < reference.count {
            let isEqual = frame.picture.pixels == reference[frame.frameNumber]
            #expect(isEqual, "frame \(frame.frameNumber)")
        }
        let rate = Double(reference.count) / video.info.durationSeconds
        #expect(abs(rate - 25) < 1.5, "\(video.info)")
    }
}
