import Foundation
import JobModel
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
        /// Why all of it has to be decoded; nil when the index is enough.
        var sequential: String?

        var testDescription: String { name }
    }

    static let x264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "12"]

    static let openGroups = x264 + ["-bf", "3", "-x264-params", "open-gop=1:b-pyramid=2"]
    static let interlaced = x264 + ["-flags", "+ildct+ilme", "-x264-params", "tff=1"]

    static let clips: [Clip] = [
        Clip(name: "b-frames.mp4", arguments: x264 + ["-bf", "3"], container: "mp4", codec: "h264"),
        Clip(
            name: "fragmented.mp4", arguments: x264 + ["-movflags", "frag_keyframe+empty_moov"], container: "mp4",
            codec: "h264"),
        Clip(name: "open-gop.mp4", arguments: openGroups, container: "mp4", codec: "h264"),
        Clip(name: "open-gop.mkv", arguments: openGroups, container: "matroska", codec: "h264"),
        Clip(name: "open-gop.ts", arguments: openGroups, container: "mpegts", codec: "h264"),
        Clip(
            name: "intra-refresh.mp4", arguments: x264 + ["-x264-params", "intra-refresh=1"], container: "mp4", codec: "h264",
            sequential: "its frames were not"),
        Clip(
            name: "faststart.mp4", arguments: x264 + ["-bf", "2", "-movflags", "+faststart"], container: "mp4", codec: "h264"),
        Clip(
            name: "ten-bit.mp4", arguments: ["-c:v", "libx264", "-pix_fmt", "yuv420p10le", "-g", "12"], container: "mp4",
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
        Clip(
            name: "vp9-groups.mkv", arguments: ["-c:v", "libvpx-vp9", "-deadline", "good", "-cpu-used", "5", "-g", "12"],
            container: "matroska", codec: "vp9"),
        Clip(name: "av1.mp4", arguments: ["-c:v", "libaom-av1", "-cpu-used", "8", "-g", "12"], container: "mp4", codec: "av1"),
        Clip(
            name: "av1.webm", arguments: ["-c:v", "libaom-av1", "-cpu-used", "8", "-g", "12"], container: "webm", codec: "av1"),
        Clip(
            name: "hevc-open.ts", arguments: ["-c:v", "libx265", "-x265-params", "log-level=none:keyint=12:open-gop=1"],
            container: "mpegts", codec: "hevc"),
        Clip(
            name: "mpeg4.avi", arguments: ["-c:v", "mpeg4", "-bf", "2"], container: "avi", codec: "mpeg4",
            sequential: "packets lack a time"),
        Clip(name: "mpeg4.mp4", arguments: ["-c:v", "mpeg4", "-bf", "2"], container: "mp4", codec: "mpeg4"),
        Clip(name: "mpeg2.ts", arguments: ["-c:v", "mpeg2video", "-bf", "2"], container: "mpegts", codec: "mpeg2video"),
        Clip(
            name: "mjpeg.avi", arguments: ["-c:v", "mjpeg", "-pix_fmt", "yuvj420p"], container: "avi", codec: "mjpeg",
            range: "full"),
        Clip(name: "mpeg1.mpg", arguments: ["-c:v", "mpeg1video"], container: "mpeg", codec: "mpeg1video", sequential: "packets lack a time"),
        Clip(name: "mpeg2.mpg", arguments: ["-c:v", "mpeg2video", "-bf", "2"], container: "mpeg", codec: "mpeg2video",
            sequential: "it does not begin"),
        Clip(name: "plain.ts", arguments: x264, container: "mpegts", codec: "h264"),
        Clip(name: "plain.gif", arguments: [], container: "gif", codec: "gif", sequential: "gif does not tell"),
        Clip(name: "plain.ogv", arguments: ["-c:v", "libtheora"], container: "ogg", codec: "theora", sequential: "theora does not"),
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
        // MBAFF: pairs of macroblocks are frames or fields as they like.
        Clip(name: "mbaff.mp4", arguments: interlaced, container: "mp4", codec: "h264"),
        Clip(name: "mbaff.ts", arguments: interlaced, container: "mpegts", codec: "h264", sequential: "packets may be fields"),
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

        if let reason = clip.sequential {
            #expect(video.decoding.sequentialBecause?.hasPrefix(reason) == true, "\(video.decoding)")
        } else {
            #expect(video.decoding.sequentialBecause == nil, "\(video.decoding)")
        }
        #expect(video.info.frameCount == reference.count)
        #expect(video.info.container == clip.container)
        #expect(video.info.codec == clip.codec)
        #expect(video.info.width == clip.width && video.info.height == clip.height)
        #expect(video.frames.map(\.frameNumber) == SamplePlan.frameNumbers(Sampling(count: clip.count), in: 0..<reference.count))
        #expect(video.warnings == (reference.count < clip.count ? [.shortClip] : []))
        for frame in video.frames where frame.frameNumber < reference.count {
            let isEqual = frame.picture.pixels == reference[frame.frameNumber]
            #expect(isEqual, "frame \(frame.frameNumber)")
        }
        let rate = Double(reference.count) / video.info.durationSeconds
        #expect(abs(rate - 25) < 1.5, "\(video.info)")
    }

    /// Any choice of frames is exact: single ones, runs of consecutive ones, part of the clip, times snapped to keyframes.
    @Test(arguments: clips.filter { $0.frames > 20 && $0.width < 1_000 }) func everyChoiceIsExact(_ clip: Clip) async throws {
        let media = try TestMedia()
        let source = TestMedia.source(size: "\(clip.width)x\(clip.height)", frames: clip.frames)
        let path = try media.make(clip.name, source + clip.arguments)
        let reference = try TestMedia.referenceFrames(
            of: path, width: clip.width, height: clip.height, matrix: clip.matrix, range: clip.range)
        let samplings = [
            Sampling(count: 1), Sampling(count: 3), Sampling(count: reference.count),
            try Sampling(checking: .exact, windows: .init(count: 3, frames: 5)),
            try Sampling(checking: .exact, count: 6, startSeconds: 0.5, endSeconds: 1.1),
            Sampling(mode: .keyframe, count: 5),
            try Sampling(checking: .keyframe, windows: .init(count: 2, frames: 4)),
        ]
        for sampling in samplings {
            for threads in [1, 2] {
                var limits = DecoderLimits()
                limits.threads = threads
                let request = SamplingRequest(sampling: sampling, pictures: [.source])
                let video = try await decoder(limits: limits).sample(path: path, request: request)
                #expect(video.frames.count == sampling.count)
                for frame in video.frames {
                    let isEqual = frame.kept[0].pixels == reference[frame.frameNumber]
                    #expect(isEqual, "frame \(frame.frameNumber) of \(sampling), \(threads) threads")
                }
            }
        }
    }

    /// A keyframe every 50 frames: what lies between the wanted frames and is not needed for them is never decoded.
    @Test func decodesOnlyWhatIsNeeded() async throws {
        let media = try TestMedia()
        let path = try media.make(
            "groups.mp4", TestMedia.source(frames: 400) + ["-c:v", "libx264", "-g", "50", "-keyint_min", "50", "-sc_threshold", "0", "-bf", "2"])
        let four = try await decoder().sample(path: path, request: SamplingRequest(sampling: Sampling(count: 4), pictures: [.source]))
        // Frames 50, 150, 250 and 350 are keyframes; 16 of them fall anywhere.
        #expect(four.frames.map(\.frameNumber) == [50, 150, 250, 350] && four.decoding.packetsDecoded == 4)
        let exact = try await decoder().sample(path: path, request: SamplingRequest(sampling: Sampling(count: 16), pictures: [.source]))
        let cheap = try await decoder().sample(
            path: path, request: SamplingRequest(sampling: Sampling(mode: .keyframe, count: 16), pictures: [.source]))
        #expect(exact.decoding.packetCount == 400 && exact.decoding.packetsDecoded < 330)
        #expect(cheap.decoding.packetsDecoded * 4 < exact.decoding.packetsDecoded, "\(cheap.decoding)")
        #expect(exact.toleranceSeconds == 0 && abs(cheap.toleranceSeconds - 1) < 0.001)
        let times = zip(exact.frames, cheap.frames).map { abs($0.timestampSeconds - $1.timestampSeconds) }
        #expect(times.allSatisfy { $0 <= cheap.toleranceSeconds + 0.001 })
        #expect(Set(cheap.frames.map(\.frameNumber)).count == 16)
    }

    /// A cut without re-encoding: the edit list hides the frames before the cut, which are decoded all the same.
    @Test func editListsHideFrames() async throws {
        let media = try TestMedia()
        let whole = try media.make("whole.mp4", TestMedia.source(frames: 100) + Self.x264 + ["-g", "40", "-bf", "2"])
        let path = try media.make("cut.mp4", ["-ss", "1.1", "-i", whole, "-t", "2", "-c", "copy"])
        let reference = try TestMedia.referenceFrames(of: path, width: 160, height: 120)
        let video = try await decoder().sample(path: path, request: SamplingRequest(picture: .source))
        #expect(video.info.frameCount == reference.count && video.decoding.packetCount > reference.count)
        for frame in video.frames {
            let isEqual = frame.picture.pixels == reference[frame.frameNumber]
            #expect(isEqual, "frame \(frame.frameNumber)")
        }
    }

    @Test func timesThatHoldNoFrame() async throws {
        let media = try TestMedia()
        for name in ["clip.mp4", "clip.gif"] {
            let path = try media.make(name, TestMedia.source(frames: 25))
            let sampling = try Sampling(checking: .exact, startSeconds: 2)
            do throws(VideoError) {
                _ = try await decoder().sample(path: path, request: SamplingRequest(sampling: sampling, pictures: [.source]))
                Issue.record("\(name) was sampled")
            } catch {
                #expect(error.code == .emptyRange && error.isInputFault, "\(error.debugDescription)")
            }
        }
    }
}
