import Detector
import Testing

@Suite("Face quality")
struct FaceQualityTests {
    private static func quality(
        _ pixels: [UInt8], width: Int, height: Int, box: (x: Float, y: Float, width: Float, height: Float)
    ) -> FaceQuality? {
        pixels.withUnsafeBytes {
            FaceQuality(
                pixels: $0, width: width, height: height, rowBytes: 3 * width, x: box.x, y: box.y, boxWidth: box.width,
                boxHeight: box.height)
        }
    }

    @Test("a flat box has its luma and no sharpness; the weights are BT.709's")
    func flat() throws {
        for (colour, luma) in [([UInt8(255), 0, 0], Float(54.213)), ([0, 255, 0], 182.376), ([0, 0, 255], 18.411), ([90, 90, 90], 90)] {
            let pixels = (0..<100 * 80).flatMap { _ in colour }
            let quality = try #require(Self.quality(pixels, width: 100, height: 80, box: (10, 10, 50, 60)))
            #expect(abs(quality.meanLuma - luma) <= 0.01)
            #expect(quality.sharpness <= 1e-3)
        }
    }

    @Test("softening a picture lowers its sharpness, darkening its luma; its size matters little")
    func order() throws {
        let values = try FaceValues.load()
        func measure(_ name: String) throws -> FaceQuality {
            let picture = try #require(values.pictures.first { $0.name == name })
            let box = try #require(picture.faces.first).box
            return try #require(
                Self.quality(
                    try values.pixels(of: picture), width: picture.width, height: picture.height,
                    box: (box[0], box[1], box[2] - box[0], box[3] - box[1])))
        }
        let (plain, dark, large) = (try measure("one"), try measure("dark"), try measure("large"))
        #expect(dark.meanLuma < 0.3 * plain.meanLuma && plain.meanLuma > 80 && plain.meanLuma < 200)
        #expect(large.sharpness < 3 * plain.sharpness && large.sharpness > 0.3 * plain.sharpness)
        #expect(abs(large.meanLuma - plain.meanLuma) < 6)
    }

    @Test("checks of one pixel: the Laplacian by hand")
    func laplacian() throws {
        // 64 × 64 so that nothing is resampled: every inner pixel's Laplacian is ±8 · 10.
        let extent = FaceQuality.extent
        let pixels = (0..<extent * extent).flatMap { place -> [UInt8] in
            let value: UInt8 = (place % extent + place / extent) % 2 == 0 ? 100 : 110
            return [value, value, value]
        }
        let quality = try #require(Self.quality(pixels, width: extent, height: extent, box: (0, 0, Float(extent), Float(extent))))
        #expect(abs(quality.sharpness - 1600) <= 0.1)
        #expect(abs(quality.meanLuma - 105) <= 1e-3)
    }

    @Test("a box over the edge counts its part inside, one outside or without size nothing")
    func edges() throws {
        var pixels = [UInt8](repeating: 0, count: 3 * 20 * 10)
        for row in 0..<10 { for byte in 0..<30 { pixels[row * 60 + byte] = 200 } }
        let inside = try #require(Self.quality(pixels, width: 20, height: 10, box: (-30, -5, 40, 40)))
        #expect(abs(inside.meanLuma - 200) <= 1e-3)
        for box: (x: Float, y: Float, width: Float, height: Float) in [
            (20, 0, 5, 5), (-9, 0, 9, 5), (0, 10, 5, 5), (3, 3, 0, 5), (3, 3, -4, 5), (.nan, 0, 5, 5), (0, 0, .infinity, 5),
        ] {
            #expect(Self.quality(pixels, width: 20, height: 10, box: box) == nil, "\(box)")
        }
        #expect(Self.quality(pixels, width: 20, height: 10, box: (4.2, 4.2, 0.1, 0.1)) != nil)
    }
}
