import Foundation
import Testing
import Video

/// Pictures through a codec and back, in memory.
@Suite struct RoundTripTests {
    /// Waves of several lengths with grain, which codecs have to leave something of out.
    static func picture(width: Int, height: Int, phase: Double = 0) -> RGBImage {
        var state: UInt64 = 9
        var pixels: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width {
                for channel in 0..<3 {
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    let grain = Double(state >> 60) - 7.5
                    let wave = 60 * sin(0.05 * Double(x) + phase + Double(channel)) + 40 * cos(0.11 * Double(y) - 0.03 * Double(x))
                    pixels.append(UInt8(min(max(128 + wave + grain, 0), 255)))
                }
            }
        }
        return RGBImage(width: width, height: height, pixels: pixels)
    }

    static func distance(_ a: RGBImage, _ b: RGBImage) -> Double {
        Double(zip(a.pixels, b.pixels).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }) / Double(a.pixels.count)
    }

    @Test(arguments: [(64, 64), (97, 61), (2, 2), (1, 1), (401, 222), (16, 3)])
    func anySizeComesBack(_ width: Int, _ height: Int) throws {
        let picture = Self.picture(width: width, height: height)
        for result in [try H264RoundTrip(crf: 12).still(picture), try JPEGRoundTrip(quality: 97).still(picture)] {
            #expect(result.width == width && result.height == height)
            // 4:2:0 alone, of a grain that colours do not share, loses some.
            #expect(Self.distance(result, picture) < 6, "\(width)×\(height): \(Self.distance(result, picture))")
        }
    }

    @Test func coarserRatesLoseMore() throws {
        let picture = Self.picture(width: 150, height: 130)
        let losses = try [10, 18, 24, 30, 36, 42, 50].map { Self.distance(try H264RoundTrip(crf: $0).still(picture), picture) }
        #expect(losses == losses.sorted() && losses[6] > losses[0] + 1, "\(losses)")
        let jpegs = try [98, 85, 70, 50, 30, 10].map { Self.distance(try JPEGRoundTrip(quality: $0).still(picture), picture) }
        #expect(jpegs == jpegs.sorted() && jpegs[5] > jpegs[0] + 1, "\(jpegs)")
    }

    /// Black, white and pure colours come back as themselves: range and matrix are the same both ways.
    @Test func coloursStay() throws {
        for color: [UInt8] in [[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255], [127, 127, 127], [200, 150, 130]] {
            let picture = RGBImage(width: 48, height: 32, pixels: (0..<48 * 32).flatMap { _ in color })
            for result in [try H264RoundTrip(crf: 10).still(picture), try JPEGRoundTrip(quality: 98).still(picture)] {
                let worst = zip(result.pixels, picture.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 255
                #expect(worst <= 4, "\(color): \(worst)")
            }
        }
    }

    @Test func aPictureDoesNotDependOnItsNeighbours() throws {
        let pictures = [
            Self.picture(width: 120, height: 90), Self.picture(width: 120, height: 90, phase: 2), Self.picture(width: 55, height: 31),
        ]
        let h264 = H264RoundTrip(crf: 30), jpeg = JPEGRoundTrip(quality: 60)
        #expect(try h264.stills(pictures) == pictures.map { try h264.still($0) })
        #expect(try jpeg.stills(pictures) == pictures.map { try jpeg.still($0) })
        #expect(try h264.stills([]).isEmpty && jpeg.stills([]).isEmpty)
    }

    @Test func clipsKeepTheirOrder() throws {
        let frames = (0..<12).map { Self.picture(width: 101, height: 80, phase: 0.3 * Double($0)) }
        let clip = try H264RoundTrip(crf: 26).clip(frames)
        #expect(clip.count == frames.count)
        for (index, frame) in clip.enumerated() {
            let nearest = frames.indices.min { Self.distance(frames[$0], frame) < Self.distance(frames[$1], frame) }
            #expect(nearest == index)
        }
        // Frames are predicted from each other, which single pictures are not.
        #expect(try clip != H264RoundTrip(crf: 26).stills(frames))
        #expect(try H264RoundTrip(crf: 26).clip(frames) == clip)
        #expect(try H264RoundTrip(crf: 26).clip([frames[0]]).count == 1)
    }

    /// Cuts, several sizes, and memory that was used before with other contents: an encoder that reads what it has not written gives itself away.
    @Test func clipsAreTheSameInUsedMemory() throws {
        for (side, count) in [(96, 12), (64, 3), (120, 9), (150, 15)] {
            let scenes = (0..<4).map { Self.picture(width: side, height: side - 14, phase: 1.7 * Double($0)) }
            let frames = (0..<count).map { scenes[$0 % 4] }
            let first = try H264RoundTrip(crf: 26).clip(frames)
            for fill: UInt8 in [0, 85, 200, 255] {
                // Freed at once, for the encoder to find.
                let used = (4...22).map { [UInt8](repeating: fill, count: 1 << $0) }
                #expect(used.allSatisfy { $0.last == fill })
                #expect(try H264RoundTrip(crf: 26).clip(frames) == first)
            }
        }
    }

    @Test func clipsThatCannotBeAreRefused() {
        let round = H264RoundTrip(crf: 26), small = Self.picture(width: 8, height: 8)
        #expect(throws: VideoError.self) { try round.clip([]) }
        #expect(throws: VideoError.self) { try round.clip([small, Self.picture(width: 8, height: 10)]) }
        #expect(throws: VideoError.self) { try round.clip([RGBImage](repeating: small, count: 257)) }
        #expect(throws: VideoError.self) {
            try round.still(RGBImage(width: 5_000, height: 1, pixels: [UInt8](repeating: 0, count: 15_000)))
        }
    }

    @Test func numbersOutsideTheirRangeMoveToItsEnd() {
        #expect(H264RoundTrip(crf: 99) == H264RoundTrip(crf: 51) && H264RoundTrip(crf: -1) == H264RoundTrip(crf: 0))
        #expect(JPEGRoundTrip(quality: 0) == JPEGRoundTrip(quality: 1) && JPEGRoundTrip(quality: 400) == JPEGRoundTrip(quality: 100))
    }

    /// The file's tables are libjpeg's, but for the step of a block's mean: those of quality 50 are the standard's own.
    @Test func jpegTablesAreLibjpegs() throws {
        let bytes = try JPEGRoundTrip(quality: 50).encode(Self.picture(width: 32, height: 32))
        let start = try #require(bytes.indices.first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xDB })
        // In zigzag order.
        #expect(Array(bytes[start + 5..<start + 15]) == [8, 11, 12, 14, 12, 10, 16, 14, 13, 14])
        let decoded = try PictureTests.decode(bytes, name: "x.jpg", format: "rgb24")
        let ours = try JPEGRoundTrip(quality: 50).still(Self.picture(width: 32, height: 32))
        let mean = Double(zip(decoded, ours.pixels).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }) / Double(decoded.count)
        #expect(mean < 1, "\(mean)")
    }

    @Test func roundTripsWorkOnManyThreads() async throws {
        let picture = Self.picture(width: 130, height: 94)
        let expected = try H264RoundTrip(crf: 33).still(picture), jpeg = try JPEGRoundTrip(quality: 55).still(picture)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<24 {
                group.addTask {
                    index % 2 == 0 ? try H264RoundTrip(crf: 33).still(picture) == expected : try JPEGRoundTrip(quality: 55).still(picture) == jpeg
                }
            }
            for try await isSame in group { #expect(isSame) }
        }
    }
}
