import Foundation
import Testing
import Video

/// Pictures written here read back elsewhere as they were.
@Suite struct PictureTests {
    static func gradient(width: Int, height: Int) -> RGBImage {
        var pixels: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width {
                let diagonal = UInt8((x + y) * 255 / (width + height))
                pixels += [UInt8(x * 255 / width), UInt8(y * 255 / height), diagonal]
            }
        }
        return RGBImage(width: width, height: height, pixels: pixels)
    }

    static func decode(_ bytes: [UInt8], name: String, format: String) throws -> [UInt8] {
        let media = try TestMedia()
        let path = try media.write(name, bytes)
        return try TestMedia.run(
            "/usr/bin/ffmpeg",
            [
                "-nostdin", "-v", "error", "-i", path, "-sws_flags", "accurate_rnd+full_chroma_int+bitexact", "-pix_fmt",
                format, "-f", "rawvideo", "-",
            ])
    }

    @Test(arguments: [(64, 48), (37, 23), (1, 1), (300, 2)]) func pngIsLossless(_ width: Int, _ height: Int) throws {
        let image = Self.gradient(width: width, height: height)
        let png = try PNGEncoder().encode(image)
        #expect(Array(png.prefix(4)) == [0x89, 0x50, 0x4E, 0x47])
        let isEqual = try Self.decode(png, name: "x.png", format: "rgb24") == image.pixels
        #expect(isEqual)
    }

    @Test func grayKeepsSixteenBits() throws {
        let values = (0..<33 * 21).map { UInt16(truncatingIfNeeded: $0 &* 2_654_435_761) }
        let png = try PNGEncoder(compressionLevel: 9).encode(GrayImage16(width: 33, height: 21, pixels: values))
        let decoded = try Self.decode(png, name: "g.png", format: "gray16le")
        let read = stride(from: 0, to: decoded.count, by: 2).map { UInt16(decoded[$0]) | UInt16(decoded[$0 + 1]) << 8 }
        #expect(read == values)
    }

    @Test(arguments: [JPEGEncoder.Chroma.full, .half]) func jpegIsClose(_ chroma: JPEGEncoder.Chroma) throws {
        let image = Self.gradient(width: 97, height: 61)
        let jpeg = try JPEGEncoder(quality: 95, chroma: chroma).encode(image)
        #expect(Array(jpeg.prefix(3)) == [0xFF, 0xD8, 0xFF])
        let decoded = try Self.decode(jpeg, name: "x.jpg", format: "rgb24")
        let worst = zip(decoded, image.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 255
        let mean = Double(zip(decoded, image.pixels).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }) / Double(decoded.count)
        #expect(mean < 2 && worst < 24, "mean \(mean), worst \(worst)")
    }

    /// White stays 255 and black 0: the range is JPEG's full one.
    @Test func jpegIsFullRange() throws {
        let pixels = (0..<32 * 32).flatMap { [UInt8](repeating: $0 % 32 < 16 ? 0 : 255, count: 3) }
        let jpeg = try JPEGEncoder(quality: 100).encode(RGBImage(width: 32, height: 32, pixels: pixels))
        let decoded = try Self.decode(jpeg, name: "x.jpg", format: "rgb24")
        #expect((decoded.min() ?? 9) <= 1 && (decoded.max() ?? 0) >= 254)
    }

    @Test func jpegQualityChangesSize() throws {
        let image = Self.gradient(width: 200, height: 160)
        let sizes = try [10, 50, 75, 90, 100].map { try JPEGEncoder(quality: $0).encode(image).count }
        #expect(sizes == sizes.sorted())
        #expect(sizes[0] < sizes[4])
    }

    @Test func encodersWorkOnManyThreads() async throws {
        let image = Self.gradient(width: 120, height: 90)
        let jpeg = try JPEGEncoder().encode(image), png = try PNGEncoder().encode(image)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<40 {
                group.addTask { index % 2 == 0 ? try JPEGEncoder().encode(image) == jpeg : try PNGEncoder().encode(image) == png }
            }
            for try await isSame in group { #expect(isSame) }
        }
    }

    @Test func resizeKeepsFlatColourAndMeans() {
        let flat = RGBImage(width: 13, height: 7, pixels: (0..<91).flatMap { _ in [10, 200, 77] as [UInt8] })
        let larger = flat.resized(width: 40, height: 3)
        #expect(larger.pixels == (0..<120).flatMap { _ in [10, 200, 77] as [UInt8] })
        let steps = RGBImage(width: 4, height: 1, pixels: [0, 0, 0, 100, 100, 100, 200, 200, 200, 250, 250, 250])
        // By hand: half-pixel centres, a triangle of half width 2: weights 3, 3 and 1 sevenths.
        #expect(steps.resized(width: 2, height: 1).pixels == [71, 71, 71, 207, 207, 207])
        #expect(steps.resized(width: 4, height: 1) == steps)
    }
}
