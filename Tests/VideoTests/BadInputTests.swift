import Foundation
import Testing
import Video

/// Each kind of input that cannot be sampled is refused with its own code, and the worker is told that the clip is at fault.
@Suite struct BadInputTests {
    static let x264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p"]

    @Test func emptyFile() async throws {
        let media = try TestMedia()
        let error = await refusal(of: try media.write("empty.mp4", []))
        #expect(error?.code == .emptyFile)
        #expect(error?.isInputFault == true)
    }

    @Test func text() async throws {
        let media = try TestMedia()
        let lines = (0..<400).map { "line \($0): this is no video, it is prose.\n" }.joined()
        #expect(await refusal(of: try media.write("notes.mp4", lines.utf8))?.code == .notAVideo)
        #expect(await refusal(of: try media.write("page.html", "<html><body>hi</body></html>".utf8))?.code == .notAVideo)
        #expect(await refusal(of: try media.write("tiny", [0x41]))?.code == .notAVideo)
        let archive = [0x50, 0x4B, 3, 4] + [UInt8](repeating: 9, count: 500)
        #expect(await refusal(of: try media.write("zip", archive))?.code == .notAVideo)
    }

    @Test func noise() async throws {
        let media = try TestMedia()
        var generator = SeededGenerator(seed: 11)
        let bytes = (0..<200_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
        #expect(await refusal(of: try media.write("noise.bin", bytes))?.isInputFault == true)
    }

    /// A playlist or a script that names other files opens none of them.
    @Test func listsOfFiles() async throws {
        let media = try TestMedia()
        let clip = try media.make("clip.ts", TestMedia.source(frames: 10) + Self.x264)
        let lists = [
            "ffconcat version 1.0\nfile '\(clip)'\n",
            "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n\(clip)\n#EXT-X-ENDLIST\n",
            "<?xml version=\"1.0\"?><MPD><Period><BaseURL>\(clip)</BaseURL></Period></MPD>",
        ]
        for (index, list) in lists.enumerated() {
            #expect(await refusal(of: try media.write("list\(index).mp4", list.utf8))?.code == .notAVideo)
        }
    }

    @Test(arguments: ["sound.mp4", "sound.mkv", "sound.mp3", "sound.wav", "sound.ogg", "sound.ts"])
    func audioOnly(_ name: String) async throws {
        let media = try TestMedia()
        var arguments = ["-f", "lavfi", "-i", "sine=duration=1"]
        if name.hasSuffix("ogg") { arguments += ["-c:a", "libvorbis"] }
        if name.hasSuffix("mp3") { arguments += ["-c:a", "libmp3lame"] }
        #expect(await refusal(of: try media.make(name, arguments))?.code == .audioOnly)
    }

    @Test func coverArtIsNoVideo() async throws {
        let media = try TestMedia()
        let cover = try media.make("cover.jpg", TestMedia.source(frames: 1))
        let song = try media.make(
            "song.m4a",
            [
                "-f", "lavfi", "-i", "sine=duration=1", "-i", cover, "-map", "0", "-map", "1", "-c:v", "copy", "-f", "mp4",
                "-disposition:v:0", "attached_pic",
            ])
        #expect(await refusal(of: song)?.code == .audioOnly)
    }

    @Test(arguments: ["one.jpg", "one.png", "one.bmp", "one.webp", "one.tiff", "one.gif"])
    func pictureOnly(_ name: String) async throws {
        let media = try TestMedia()
        let error = await refusal(of: try media.make(name, TestMedia.source(frames: 1)))
        #expect(error?.code == .pictureOnly, "\(String(describing: error?.debugDescription))")
    }

    @Test func truncatedBeforeTheIndex() async throws {
        let media = try TestMedia()
        _ = try media.make("whole.mp4", TestMedia.source(frames: 50) + Self.x264)
        let whole = try media.bytes("whole.mp4")
        for share in [2, 50, 95] {
            let error = await refusal(of: try media.write("cut\(share).mp4", whole.prefix(whole.count * share / 100)))
            #expect(error?.code == .truncated, "\(share) %: \(String(describing: error?.debugDescription))")
        }
    }

    @Test func truncatedAfterTheIndex() async throws {
        let media = try TestMedia()
        _ = try media.make("fast.mp4", TestMedia.source(frames: 75) + Self.x264 + ["-movflags", "+faststart"])
        let whole = try media.bytes("fast.mp4")
        let cut = try media.write("cut.mp4", whole.prefix(whole.count * 6 / 10))
        let video = try await decoder().sample(path: cut)
        #expect(video.warnings.contains(.truncatedTail))
        #expect((1..<75).contains(video.info.frameCount))
        #expect(video.frames.count == 16)
        let headerOnly = try media.write("head.mp4", whole.prefix(Self.offset(of: "mdat", in: whole) + 20))
        #expect(await refusal(of: headerOnly)?.code == .truncated)
    }

    @Test(arguments: ["cut.mkv", "cut.avi", "cut.ts", "cut.mpg", "cut.gif", "cut.webm"])
    func truncatedElsewhere(_ name: String) async throws {
        let media = try TestMedia()
        _ = try media.make("whole-\(name)", TestMedia.source(frames: 60))
        let whole = try media.bytes("whole-\(name)")
        let video = try await decoder().sample(path: try media.write(name, whole.prefix(whole.count * 2 / 3)))
        #expect((1..<60).contains(video.info.frameCount), "\(video.info)")
        if name.hasSuffix("mkv") || name.hasSuffix("avi") || name.hasSuffix("webm") {
            #expect(video.warnings.contains(.truncatedTail), "\(video.warnings)")
        }
    }

    /// Each field of the index is overwritten with nonsense; the answer is frames or an error, within seconds.
    @Test(arguments: [
        "stsz", "stco", "stsc", "stts", "ctts", "stss", "mvhd", "mdhd", "tkhd", "avcC", "stsd", "trak", "mdia", "elst",
    ])
    func indexThatLies(_ box: String) async throws {
        let media = try TestMedia()
        _ = try media.make("whole.mp4", TestMedia.source(frames: 40) + Self.x264 + ["-bf", "2"])
        let whole = try media.bytes("whole.mp4")
        let at = Self.offset(of: box, in: whole)
        try #require(at > 0)
        for (variant, value) in [[0xFF, 0xFF, 0xFF, 0xFF], [0x7F, 0xFF, 0xFF, 0xF0], [0, 0, 0, 0]].enumerated() {
            for shift in [-4, 4, 8, 12, 16] {
                var bytes = whole
                for (index, byte) in value.enumerated() where at + shift + index < bytes.count {
                    bytes[at + shift + index] = UInt8(byte)
                }
                let path = try media.write("lie.mp4", bytes)
                var limits = DecoderLimits()
                limits.wallClockSeconds = 20
                do throws(VideoError) {
                    let video = try await decoder(limits: limits).sample(path: path, request: SamplingRequest(count: 4))
                    #expect(video.frames.count == 4)
                } catch {
                    let isClear = error.isInputFault && error.code != .decoderCrashed && error.code != .decodeTimeout
                    #expect(isClear, "\(box) variant \(variant) shift \(shift): \(error.debugDescription)")
                }
            }
        }
    }

    @Test func noFrames() async throws {
        let media = try TestMedia()
        let path = try media.make(
            "none.mp4",
            ["-f", "lavfi", "-i", "testsrc2=size=160x120", "-frames:v", "0"] + Self.x264 + ["-movflags", "empty_moov"])
        let error = await refusal(of: path)
        #expect(error?.code == .noFrames, "\(String(describing: error?.debugDescription))")
    }

    @Test func onePixel() async throws {
        let media = try TestMedia()
        let tiny = try media.make("one.mkv", TestMedia.source(size: "64x64", frames: 5) + ["-vf", "scale=1:1", "-c:v", "ffv1"])
        let error = await refusal(of: tiny)
        #expect(error?.code == .dimensionsTooSmall)
        #expect(error?.subject?.contains("1×1") == true)
    }

    /// The header alone is refused, before a frame of it is decoded.
    @Test func hugePictureInTheHeader() async throws {
        let media = try TestMedia()
        _ = try media.make("small.avi", TestMedia.source(frames: 5) + ["-c:v", "mpeg4"])
        var bytes = try media.bytes("small.avi")
        let format = Self.offset(of: "strf", in: bytes) + 8
        bytes.replaceSubrange(format + 4..<format + 12, with: [0, 0x40, 0, 0, 0, 0x40, 0, 0])
        let error = await refusal(of: try media.write("huge.avi", bytes))
        #expect(error?.code == .dimensionsTooLarge, "\(String(describing: error?.debugDescription))")
        #expect(error?.subject?.contains("16384×16384") == true)
    }

    /// The size stands in the coded stream alone; libav's own limit stops it.
    @Test func impossiblePictureInTheStream() async throws {
        let media = try TestMedia()
        _ = try media.make("small.mjpeg", TestMedia.source(frames: 3) + ["-c:v", "mjpeg", "-pix_fmt", "yuvj420p"])
        var bytes = try media.bytes("small.mjpeg")
        for index in 0..<bytes.count - 9 where bytes[index] == 0xFF && bytes[index + 1] == 0xC0 {
            bytes.replaceSubrange(index + 5..<index + 9, with: [0x40, 0, 0x40, 0])
        }
        let error = await refusal(of: try media.write("huge.mjpeg", bytes))
        #expect(error?.code == .dimensionsTooLarge, "\(String(describing: error?.debugDescription))")
        #expect(error?.subject?.contains("16384") == true)
    }

    /// libav could decode it; the product's number of pixels stops it.
    @Test func hugePictureInTheStream() async throws {
        let media = try TestMedia()
        let source = ["-f", "lavfi", "-i", "color=gray:size=7000x5200:rate=1", "-frames:v", "2"]
        let path = try media.make("huge.mjpeg", source + ["-c:v", "mjpeg", "-pix_fmt", "yuvj420p"])
        let error = await refusal(of: path)
        #expect(error?.code == .dimensionsTooLarge, "\(String(describing: error?.debugDescription))")
        #expect(error?.subject?.contains("7000") == true)
    }

    @Test func unknownCodec() async throws {
        let media = try TestMedia()
        _ = try media.make("known.avi", TestMedia.source(frames: 5) + ["-c:v", "mpeg4", "-vtag", "FMP4"])
        var bytes = try media.bytes("known.avi")
        for index in 0..<bytes.count - 4 where bytes[index..<index + 4].elementsEqual("FMP4".utf8) {
            bytes.replaceSubrange(index..<index + 4, with: "Q0Q0".utf8)
        }
        let error = await refusal(of: try media.write("unknown.avi", bytes))
        #expect(error?.code == .unsupportedCodec)
        #expect(error?.subject == "tag Q0Q0")
    }

    /// libav knows it, the product's list does not.
    @Test func codecThatIsNotOnTheList() async throws {
        let media = try TestMedia()
        let path = try media.make("snow.mkv", TestMedia.source(frames: 5) + ["-c:v", "snow", "-strict", "experimental"])
        let error = await refusal(of: path)
        #expect(error?.code == .unsupportedCodec)
        #expect(error?.subject == "snow")
    }

    @Test func containerThatIsNotOnTheList() async throws {
        let media = try TestMedia()
        let path = try media.make("clip.flv", TestMedia.source(frames: 5) + Self.x264)
        let error = await refusal(of: path)
        #expect(error?.code == .unsupportedContainer)
        #expect(error?.subject == "flv")
    }

    @Test func tooLong() async throws {
        let media = try TestMedia()
        let path = try media.make("long.mp4", TestMedia.source(size: "64x64", frames: 60) + Self.x264)
        var limits = DecoderLimits()
        limits.maxFrames = 50
        #expect(await refusal(of: path, limits: limits)?.code == .tooLong)
        limits.maxFrames = 60
        #expect(try await decoder(limits: limits).sample(path: path).info.frameCount == 60)
    }

    @Test(arguments: ["mp4", "mkv"]) func damagedMiddleIsSampledWithAWarning(_ container: String) async throws {
        let media = try TestMedia()
        _ = try media.make("whole.\(container)", TestMedia.source(frames: 50) + ["-c:v", "mpeg4", "-g", "10"])
        var bytes = try media.bytes("whole.\(container)")
        var generator = SeededGenerator(seed: 3)
        for index in bytes.count / 3..<bytes.count / 3 + 6_000 { bytes[index] = UInt8.random(in: 0...255, using: &generator) }
        let video = try await decoder().sample(path: try media.write("damaged.\(container)", bytes))
        #expect(video.warnings.contains(.damagedFrames), "\(video.warnings) \(video.info)")
    }

    @Test func filesThatCannotBeRead() async throws {
        let media = try TestMedia()
        let missing = await refusal(of: media.path("missing.mp4"))
        #expect(missing?.code == .unreadableInput)
        #expect(missing?.description.contains("No such file") == true)
        #expect(await refusal(of: media.folder)?.code == .unreadableInput)
        #expect(await refusal(of: "/dev/zero")?.code == .unreadableInput)
    }

    @Test func requestsThatMakeNoSense() async throws {
        let media = try TestMedia()
        let path = try media.make("clip.mp4", TestMedia.source(frames: 5) + Self.x264)
        for request in [
            SamplingRequest(pictures: []), SamplingRequest(pictures: Array(repeating: .source, count: 5)),
            SamplingRequest(inputWidth: 0), SamplingRequest(inputHeight: 1 << 40),
            SamplingRequest(picture: .fitted(maxWidth: -3, maxHeight: 5)),
        ] {
            do throws(VideoError) {
                _ = try await decoder().sample(path: path, request: request)
                Issue.record("accepted: \(request)")
            } catch {
                #expect(error.code == .invalidRequest)
            }
        }
    }

    @Test func everyCodeHasWordsForAClient() {
        for code in VideoError.Code.allCases {
            let error = VideoError(code, subject: "x", detail: "secret \u{1B}[31m detail\n")
            #expect(!error.description.contains("secret"))
            #expect(error.description.count > 20)
            #expect(error.debugDescription.hasPrefix(code.rawValue))
            #expect(!error.debugDescription.unicodeScalars.contains { $0.value < 32 })
        }
    }

    /// Where the box's name starts.
    static func offset(of box: String, in bytes: [UInt8]) -> Int {
        let name = Array(box.utf8)
        return (0..<max(0, bytes.count - 4)).first { bytes[$0..<$0 + 4].elementsEqual(name) } ?? -1
    }
}

/// SplitMix64: small, and the same everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
