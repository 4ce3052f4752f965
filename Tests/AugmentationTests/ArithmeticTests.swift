import Augmentation
import Foundation
import NeuralCore
import Testing

/// Picture arithmetic against OpenCV's (Fixtures/make_fixtures.py) and against definitions.
@Suite struct ArithmeticTests {
    struct Reference: Decodable {
        struct Resized: Decodable { let by: String, width: Int, height: Int, values: [Float] }
        struct Blurred: Decodable { let sigma: Double, values: [Float] }
        struct Warped: Decodable { let border: String, matrix: [Double], values: [Float] }
        struct HSV: Decodable { let hue: Double, saturation: Double, value: Double, values: [Float] }
        struct Sharpened: Decodable { let amount: Double, values: [Float] }
        struct Hull: Decodable { let points: [Double], corners: Int, area: Double, mask: [Float] }

        let height: Int
        let width: Int
        let picture: [Float]
        let resized: [Resized]
        let blurred: [Blurred]
        let warped: [Warped]
        let hsv: HSV
        let sharpened: Sharpened
        let hull: Hull
    }

    let reference: Reference
    let picture: FloatPicture

    init() throws {
        let url = Bundle.module.bundleURL.appendingPathComponent("Fixtures/opencv.json")
        reference = try JSONDecoder().decode(Reference.self, from: Data(contentsOf: url))
        picture = FloatPicture(width: reference.width, height: reference.height, channels: 3, values: reference.picture)
    }

    private func worst(_ picture: FloatPicture, _ values: [Float]) -> Float {
        guard picture.values.count == values.count else { return .infinity }
        return zip(picture.values, values).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }

    @Test func resizingIsOpenCVs() throws {
        let scalings: [String: PictureScaling] = ["area": .area, "linear": .linear, "cubic": .cubic, "nearest": .nearest]
        #expect(reference.resized.count == 11)
        for expected in reference.resized {
            let result = picture.resized(width: expected.width, height: expected.height, by: try #require(scalings[expected.by]))
            let worst = worst(result, expected.values)
            #expect(worst < 0.01, "\(expected.by) to \(expected.width)×\(expected.height): \(worst)")
        }
    }

    @Test func blurringIsOpenCVs() {
        for expected in reference.blurred {
            let worst = worst(picture.blurred(sigma: expected.sigma), expected.values)
            #expect(worst < 0.01, "σ \(expected.sigma): \(worst)")
        }
    }

    /// The picture is smaller than the filter reaches: mirrors of mirrors.
    @Test(arguments: [(1, 1), (2, 3), (5, 1), (3, 40)]) func blurringSmallPicturesKeepsTheirMean(_ width: Int, _ height: Int) {
        let flat = FloatPicture(width: width, height: height, channels: 3, values: [Float](repeating: 77, count: width * height * 3))
        #expect(flat.blurred(sigma: 6).values.allSatisfy { abs($0 - 77) < 0.001 })
    }

    @Test func warpingIsBilinear() throws {
        let borders: [String: FloatPicture.Border] = ["replicate": .replicate, "reflect": .reflect, "constant": .constant]
        for expected in reference.warped {
            var map = AffineMap()
            (map.xx, map.xy, map.x) = (expected.matrix[0], expected.matrix[1], expected.matrix[2])
            (map.yx, map.yy, map.y) = (expected.matrix[3], expected.matrix[4], expected.matrix[5])
            let result = picture.warped(by: map, border: try #require(borders[expected.border]))
            let worst = worst(result, expected.values)
            #expect(worst < 0.01, "\(expected.border): \(worst)")
        }
    }

    @Test func warpingByNothingChangesNothing() {
        #expect(worst(picture.warped(by: AffineMap(), border: .constant), Array(picture.values)) == 0)
    }

    @Test func warpingFarAwayStaysInThePicture() {
        var map = AffineMap()
        (map.x, map.y) = (1e12, -1e300)
        let corner = picture.warped(by: map, border: .replicate).values.prefix(3)
        #expect(Array(corner) == Array(picture.values[(picture.width - 1) * 3..<picture.width * 3]))
        #expect(picture.warped(by: map, border: .constant).values.allSatisfy { $0 == 0 })
    }

    @Test func blendingIsWarpingByShares() {
        let map = AffineMap(angle: 0.1, about: [8, 8]), warped = picture.warped(by: map, border: .reflect)
        let region = PixelRegion(columns: 3..<9, rows: 4..<6)
        var shares = [Float](repeating: 0, count: picture.width * picture.height)
        for y in region.rows { for x in region.columns { shares[y * picture.width + x] = Float(x + y) / 20 } }
        let mask = FloatPicture(width: picture.width, height: picture.height, channels: 1, values: shares)
        var target = FloatPicture(
            width: picture.width, height: picture.height, channels: 3, values: picture.values.map { 255 - $0 })
        let before = target
        target.blend(picture, warpedBy: map, border: .reflect, mask: mask, region: region)
        for (place, share) in shares.enumerated() {
            for index in 3 * place..<3 * place + 3 {
                let expected = before.values[index] * (1 - share) + warped.values[index] * share
                #expect(share == 0 ? target.values[index] == before.values[index] : abs(target.values[index] - expected) < 0.001)
            }
        }
    }

    @Test func huesTurnAsOpenCVs() {
        var result = picture
        result.shiftHSV(hueDegrees: reference.hsv.hue, saturation: reference.hsv.saturation, value: reference.hsv.value)
        let worst = worst(result, reference.hsv.values)
        #expect(worst < 0.02, "\(worst)")
    }

    /// Black and grey have no hue to turn, and a whole turn leads back.
    @Test func huesOfGrayAndWholeTurns() {
        var gray = FloatPicture(width: 2, height: 1, channels: 3, values: [0, 0, 0, 90, 90, 90])
        gray.shiftHSV(hueDegrees: 40, saturation: 0, value: 0)
        #expect(Array(gray.values) == [0, 0, 0, 90, 90, 90])
        var turned = picture
        turned.shiftHSV(hueDegrees: 180, saturation: 0, value: 0)
        turned.shiftHSV(hueDegrees: -180, saturation: 0, value: 0)
        #expect(worst(turned, reference.picture) < 0.01)
    }

    @Test func sharpeningIsUnsharpMasking() {
        var result = picture
        result.sharpen(amount: reference.sharpened.amount, sigma: 1)
        #expect(worst(result, reference.sharpened.values) < 0.02)
    }

    @Test func gainsStayInRange() {
        var result = picture
        result.adjust(gain: [2, 1, 0], offset: [-100, 0.5, 300])
        for (index, value) in result.values.enumerated() {
            let source = reference.picture[index]
            let expected: Float = index % 3 == 0 ? source * 2 - 100 : index % 3 == 1 ? source + 0.5 : 300
            #expect(value == min(max(expected, 0), 255))
        }
    }

    @Test func coarseningKeepsSizeAndMean() {
        for down in PictureScaling.allCases {
            let result = picture.coarsened(by: 2.4, down: down, up: .cubic)
            #expect(result.width == picture.width && result.height == picture.height)
            #expect(result.values.allSatisfy { (0...255).contains($0) })
            let change = (result.values.reduce(0, +) - picture.values.reduce(0, +)) / Float(picture.values.count)
            #expect(abs(change) < 8, "\(down): \(change)")
        }
    }

    @Test func hullsAreOpenCVs() {
        let coordinates = reference.hull.points
        let hull = ConvexPolygon(
            around: stride(from: 0, to: coordinates.count, by: 2).map { SIMD2(coordinates[$0], coordinates[$0 + 1]) })
        #expect(hull.corners.count == reference.hull.corners)
        var area = 0.0
        for (a, b) in zip(hull.corners, hull.corners.dropFirst() + hull.corners.prefix(1)) { area += (a.x * b.y - a.y * b.x) / 2 }
        #expect(abs(area - reference.hull.area) < 0.01)
        var mask = FloatPicture(
            width: reference.width, height: reference.height, channels: 1,
            values: [Float](repeating: 0, count: reference.width * reference.height))
        hull.fill(&mask)
        #expect(Array(mask.values) == reference.hull.mask)
    }

    @Test func hullsOfFewPointsAndOutsideFillNothing() {
        var mask = FloatPicture(width: 5, height: 4, channels: 1, values: [Float](repeating: 0, count: 20))
        ConvexPolygon(around: []).fill(&mask)
        ConvexPolygon(around: [[1, 1], [3, 3], [2, 2]]).fill(&mask)
        ConvexPolygon(around: [[-9, -9], [-3, -9], [-5, -2]]).fill(&mask)
        ConvexPolygon(around: [[9, 1], [30, 1], [20, 3]]).fill(&mask)
        #expect(mask.values.allSatisfy { $0 == 0 })
        ConvexPolygon(around: [[-1e9, -1e9], [1e9, -1e9], [0, 1e9]]).fill(&mask)
        #expect(mask.values.allSatisfy { $0 == 1 })
    }

    @Test func displacedMasksMove() {
        var values = [Float](repeating: 0, count: 12)
        values[5] = 1
        let mask = FloatPicture(width: 4, height: 3, channels: 1, values: values)
        func field(_ value: Float) -> FloatPicture { FloatPicture(width: 4, height: 3, channels: 1, values: [Float](repeating: value, count: 12)) }
        let moved = mask.displaced(dx: field(1), dy: field(-0.5))
        var expected = [Float](repeating: 0, count: 12)
        expected[4] = 0.5
        expected[8] = 0.5
        #expect(Array(moved.values) == expected)
        #expect(mask.displaced(dx: field(1e20), dy: field(0)).values.allSatisfy { $0 == 0 })
    }

    @Test func mapsComposeAndInvert() {
        let map = AffineMap(angle: 0.3, scale: 1.2, about: [10, 4], shift: [3, -1])
        let point = SIMD2(7.5, -2.25)
        let back = map.then(map.inverse)(point)
        #expect(abs(back.x - point.x) < 1e-9 && abs(back.y - point.y) < 1e-9)
        let points: [SIMD2<Double>] = [[0, 0], [5, 1], [2, 8], [-3, 4]]
        let found = AffineMap(from: points, to: points.map { map($0) })
        #expect(abs((found?.xy ?? 9) - map.xy) < 1e-9 && abs((found?.x ?? 9) - map.x) < 1e-9)
        #expect(AffineMap(from: [[1, 1], [1, 1]], to: points.suffix(2)) == nil)
    }

    @Test func bytesRoundToTheNearest() {
        let picture = FloatPicture(width: 2, height: 1, channels: 3, values: [-3, 0.5, 1.5, 254.51, 300, 127.49])
        #expect(picture.image.pixels == [0, 0, 2, 255, 255, 127])
    }
}
