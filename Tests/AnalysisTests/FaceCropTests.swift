import Analysis
import Detector
import Foundation
import Testing
import Video

/// The one transform between a picture with a face and the network's input.
@Suite struct FaceCropTests {
    /// Red grows to the right, green downwards, one step a pixel.
    private static let ramp = RGBImage(
        width: 200, height: 160,
        pixels: (0..<160).flatMap { y in (0..<200).flatMap { x in [UInt8(x), UInt8(y), 77] } })

    private static func cut(_ crop: FaceCrop, pixels: Int) -> RGBImage {
        ramp.withView { crop.cut(from: $0, pixels: pixels) }
    }

    private static func pixel(_ image: RGBImage, _ x: Int, _ y: Int) -> [Int] {
        let at = (y * image.width + x) * 3
        return image.pixels[at..<at + 3].map(Int.init)
    }

    @Test func aSquareOfPixelsIsCopied() {
        let image = Self.cut(FaceCrop(centerX: 60, centerY: 50, side: 20), pixels: 20)
        for y in 0..<20 {
            for x in 0..<20 { #expect(Self.pixel(image, x, y) == [50 + x, 40 + y, 77]) }
        }
    }

    /// Half a pixel to the right and down: each colour is the mean of two neighbours along either axis, rounded to even.
    @Test func betweenPixelsColoursAreMixed() {
        let image = Self.cut(FaceCrop(centerX: 60.25, centerY: 50, side: 20), pixels: 10)
        // Two samples a side, at 50.25 + ½·{0.5, 1.5} pixels, so 50.75 on average; red counts from the middle of pixel 0.
        #expect(abs(Self.pixel(image, 0, 0)[0] - 51) <= 1 && Self.pixel(image, 9, 0)[0] - Self.pixel(image, 0, 0)[0] == 18)
    }

    /// Shrinking averages: a fine pattern becomes grey and no moiré.
    @Test func shrinkingDoesNotAlias() {
        let stripes = RGBImage(
            width: 160, height: 160,
            pixels: (0..<160).flatMap { _ in (0..<160).flatMap { x in [UInt8](repeating: x % 2 == 0 ? 255 : 0, count: 3) } })
        let image = stripes.withView { FaceCrop(centerX: 80, centerY: 80, side: 160).cut(from: $0, pixels: 20) }
        #expect(image.pixels.allSatisfy { (110...145).contains($0) })
    }

    /// A quarter turn clockwise of the square shows the picture turned counter-clockwise.
    @Test func turns() {
        let image = Self.cut(FaceCrop(centerX: 60, centerY: 50, side: 20, angle: .pi / 2), pixels: 20)
        for y in 0..<20 {
            for x in 0..<20 { #expect(Self.pixel(image, x, y) == [50 + 19 - y, 40 + x, 77]) }
        }
    }

    /// Upright squares are computed by rows and columns, turned ones point by point: the same but for a rounding.
    @Test(arguments: [20.0, 61.3, 150, 301.7]) func uprightAndTurnedAgree(_ side: Double) {
        let upright = Self.cut(FaceCrop(centerX: 97.3, centerY: 81.9, side: side), pixels: 37)
        let turned = Self.cut(FaceCrop(centerX: 97.3, centerY: 81.9, side: side, angle: 1e-12), pixels: 37)
        #expect(zip(upright.pixels, turned.pixels).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
    }

    @Test func theEdgeRepeats() {
        let image = Self.cut(FaceCrop(centerX: 0, centerY: 0, side: 40), pixels: 40)
        #expect(Self.pixel(image, 0, 0) == [0, 0, 77] && Self.pixel(image, 39, 39) == [19, 19, 77])
    }

    @Test func followsTheModelsRule() {
        // Eyes on a slope of 3 in 4, the face's box twice as high as wide.
        let face = DetectedFace(
            x: 40, y: 20, width: 40, height: 80, score: 1,
            landmarks: [SIMD2(50, 40), SIMD2(66, 52), SIMD2(60, 60), SIMD2(50, 80), SIMD2(70, 80)])
        let plain = FaceCrop(face, rule: FaceCropRule(scale: 1.5))
        #expect(plain == FaceCrop(centerX: 60, centerY: 60, side: 120))
        let level = FaceCrop(face, rule: FaceCropRule(scale: 1.5, alignment: .eyes))
        #expect(abs(level.angle - atan2(12, 16)) < 1e-6 && level.side == 120)
        #expect(plain.scaled(by: 0.25) == FaceCrop(centerX: 15, centerY: 15, side: 30))
    }
}
