import Foundation
import JobModel
import Testing
import Video

/// Single pictures: through the child where they are asked for, and our own PNG files in this process.
@Suite struct StillTests {
    private static let request = SamplingRequest(sampling: Sampling(count: 3), pictures: [.source], acceptsStills: true)

    private static func still(_ media: borrowing TestMedia, _ name: String, _ arguments: [String] = []) throws -> String {
        try media.make(name, TestMedia.source(frames: 1) + arguments)
    }

    @Test(arguments: [("png", "png"), ("jpg", "mjpeg"), ("webp", "webp"), ("bmp", "bmp"), ("gif", "gif")])
    func aStillIsAClipOfOneFrame(_ ending: String, _ container: String) async throws {
        let media = try TestMedia()
        let path = try Self.still(media, "still.\(ending)")
        let video = try await decoder().sample(path: path, request: Self.request)
        #expect(video.info.container == container && video.info.frameCount == 1 && video.warnings == [.shortClip])
        #expect(video.frames.map(\.frameNumber) == [0, 0, 0] && video.info.width == 160 && video.info.height == 120)
        // Whoever does not ask for stills is still refused them.
        #expect(await refusal(of: path)?.code == .pictureOnly)
    }

    @Test func aPNGsPixelsAreItsOwn() async throws {
        let media = try TestMedia()
        let image = PictureTests.gradient(width: 53, height: 31)
        let path = try media.write("x.png", try PNGEncoder().encode(image))
        #expect(try await decoder().sample(path: path, request: Self.request).frames[0].kept[0] == image)
    }

    @Test func clipsAreWhatTheyWere() async throws {
        let media = try TestMedia()
        let path = try media.make("clip.mp4", TestMedia.source(frames: 9))
        let request = SamplingRequest(sampling: Sampling(count: 3), pictures: [.source])
        let one = try await decoder().sample(path: path, request: request), other = try await decoder().sample(path: path, request: Self.request)
        #expect(one == other)
    }

    /// libav paints what is missing grey and says nothing.
    @Test(arguments: [1, 2, 3, 5, 9]) func aJPEGThatIsCutSaysSo(_ part: Int) async throws {
        let media = try TestMedia()
        let path = try Self.still(media, "still.jpg", ["-q:v", "2"])
        let whole = try media.bytes("still.jpg")
        let cut = try media.write("cut.jpg", whole.prefix(part == 1 ? whole.count - 2 : whole.count - whole.count / part))
        #expect(try await decoder().sample(path: path, request: Self.request).warnings == [.shortClip])
        #expect(try await decoder().sample(path: cut, request: Self.request).warnings.contains(.truncatedTail))
        // What follows a picture is no part of it, and an end marker in a segment is none.
        let comment: [UInt8] = [0xFF, 0xFE, 0, 6, 0xFF, 0xD9, 0xFF, 0xD9]
        let trailed = try media.write("trailed.jpg", whole[0..<2] + comment + whole[2...] + [1, 2, 3])
        #expect(!(try await decoder().sample(path: trailed, request: Self.request).warnings.contains(.truncatedTail)))
        let hidden = try media.write("hidden.jpg", whole[0..<2] + comment + whole[2..<whole.count / 2])
        #expect(try await decoder().sample(path: hidden, request: Self.request).warnings.contains(.truncatedTail))
    }

    @Test(arguments: ["png", "webp", "bmp", "gif"]) func otherStillsThatAreCutAreRefused(_ ending: String) async throws {
        let media = try TestMedia()
        _ = try Self.still(media, "still.\(ending)")
        let whole = try media.bytes("still.\(ending)")
        let cut = try media.write("cut.\(ending)", whole.prefix(whole.count / 2))
        do throws(VideoError) {
            let video = try await decoder().sample(path: cut, request: Self.request)
            #expect(video.warnings.contains { $0 != .shortClip })
        } catch {
            #expect(error.isInputFault)
        }
    }

    // MARK: Our own PNG files

    @Test(arguments: [PNGEncoder.Prediction.paeth, .up], [(64, 48), (37, 23), (1, 1), (300, 2)])
    func ourPNGsComeBack(_ prediction: PNGEncoder.Prediction, _ size: (Int, Int)) throws {
        let image = PictureTests.gradient(width: size.0, height: size.1)
        for level in [0, 1, 9] {
            let png = try PNGEncoder(compressionLevel: level, prediction: prediction).encode(image)
            #expect(try PictureDecoder().decode(png) == image)
            #expect(try PictureTests.decode(png, name: "x.png", format: "rgb24") == image.pixels)
        }
    }

    private static func isRefused(_ bytes: [UInt8]) -> Bool {
        do throws(VideoError) {
            _ = try PictureDecoder().decode(bytes)
            return false
        } catch {
            return error.code == .damaged
        }
    }

    @Test func whatIsNotOursIsRefused() throws {
        let image = PictureTests.gradient(width: 40, height: 30)
        let png = try PNGEncoder().encode(image)
        let gray = GrayImage16(width: 8, height: 8, pixels: [UInt16](repeating: 7, count: 64))
        let others = [[], Array("no picture".utf8), try JPEGEncoder().encode(image), try PNGEncoder().encode(gray)]
        for bytes in others { #expect(Self.isRefused(bytes), "\(bytes.prefix(4))") }
        for count in stride(from: 1, to: png.count - 12, by: 9) { #expect(Self.isRefused(Array(png.prefix(count))), "\(count) bytes") }
        for place in stride(from: 8, to: png.count - 12, by: 7) {
            var changed = png
            changed[place] ^= 0x20
            #expect(Self.isRefused(changed), "byte \(place)")
        }
    }
}
