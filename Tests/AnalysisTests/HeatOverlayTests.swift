import Analysis
import Testing
import Video

@Suite struct HeatOverlayTests {
    private let grey = RGBImage(width: 70, height: 70, pixels: [UInt8](repeating: 120, count: 70 * 70 * 3))

    private func pixel(_ image: RGBImage, _ x: Int, _ y: Int) -> [Int] {
        let at = (y * image.width + x) * 3
        return image.pixels[at..<at + 3].map(Int.init)
    }

    private func map(_ values: [Int: Float]) -> HeatMap {
        HeatMap(width: 7, height: 7, values: (0..<49).map { values[$0] ?? 0 })
    }

    @Test func nothingShowsAtZero() {
        #expect(HeatOverlay(low: -1, high: 2).draw(map([:]), over: grey) == grey)
        #expect(HeatOverlay(low: 0, high: 0).draw(map([3: 1]), over: grey) == grey)
        #expect(HeatOverlay(low: -.infinity, high: .nan).draw(map([3: 1]), over: grey) == grey)
    }

    @Test func signIsWarmOrCool() {
        let drawn = HeatOverlay(low: -1, high: 1).draw(map([8: 1, 40: -1]), over: grey)
        let (warm, cool) = (pixel(drawn, 15, 15), pixel(drawn, 55, 55))
        #expect(warm[0] > 150 && warm[0] > warm[2] + 80)
        #expect(cool[2] > 150 && cool[2] > cool[0] + 80)
        #expect(pixel(drawn, 15, 55) == [120, 120, 120])
    }

    /// The same value looks the same whatever else its own frame holds; twice the clip's range makes it fainter.
    @Test func oneScaleForTheClip() {
        let overlay = HeatOverlay(low: -0.5, high: 2)
        let alone = overlay.draw(map([24: 1]), over: grey)
        let besides = overlay.draw(map([24: 1, 0: 2]), over: grey)
        #expect(pixel(alone, 35, 35) == pixel(besides, 35, 35))
        let fainter = HeatOverlay(low: -4, high: 2).draw(map([24: 1]), over: grey)
        func distance(_ image: RGBImage) -> Int { zip(pixel(image, 35, 35), pixel(grey, 35, 35)).reduce(0) { $0 + abs($1.0 - $1.1) } }
        #expect(distance(fainter) < distance(alone))
        #expect(distance(fainter) > 0)
    }

    @Test func cellsSpreadFromTheirCentres() {
        let overlay = HeatOverlay(low: -1, high: 1)
        // Outside the outermost centres a value stays as it is there: the corner's square is of one colour.
        let corner = overlay.draw(map([0: 1]), over: grey)
        #expect(pixel(corner, 0, 0) == pixel(corner, 4, 4))
        #expect(pixel(corner, 15, 15) == [120, 120, 120])
        // Every pixel of an even map has the same colour, whatever the picture's shape.
        let wide = RGBImage(width: 33, height: 5, pixels: [UInt8](repeating: 120, count: 33 * 5 * 3))
        let even = overlay.draw(HeatMap(width: 7, height: 7, values: [Float](repeating: 0.5, count: 49)), over: wide)
        #expect(Set((0..<33 * 5).map { pixel(even, $0 % 33, $0 / 33) }).count == 1)
        let single = overlay.draw(HeatMap(width: 1, height: 1, values: [0.5]), over: wide)
        #expect(single == even)
    }
}
