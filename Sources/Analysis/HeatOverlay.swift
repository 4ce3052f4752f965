import Video

/// Lays a signed heat map over a picture: warm where it speaks for `fake`, cool where it speaks for `real`.
///
/// One scale serves every frame of a clip: full strength is the largest magnitude of the whole clip's range, since a
/// scale per frame would make the faintest evidence glow like the strongest.
public struct HeatOverlay: Sendable {
    /// A colour and how much of it covers what lies below, all 0…1.
    struct Paint: Sendable {
        var color: SIMD3<Float>
        var opacity: Float
    }

    /// Opacity of the strongest heat: the picture must stay recognisable under it.
    private static let fullOpacity: Float = 0.72
    private static let faintWarm = SIMD3<Float>(1, 0.86, 0.26)
    private static let strongWarm = SIMD3<Float>(0.93, 0.09, 0.06)
    private static let faintCool = SIMD3<Float>(0.36, 0.85, 1)
    private static let strongCool = SIMD3<Float>(0.1, 0.2, 0.94)

    /// The magnitude drawn at full strength; 0 when the clip's maps are all zero.
    let scale: Float

    /// An overlay for a clip whose maps range from `low` to `high`, in logits.
    public init(low: Double, high: Double) {
        let magnitude = Float(max(abs(low), abs(high)))
        scale = magnitude.isFinite ? magnitude : 0
    }

    /// The picture with the map's heat over it, the map spread over the whole of it.
    ///
    /// Between the centres of the map's cells values are bilinear; outside the outermost centres they stay as they are there.
    public func draw(_ map: HeatMap, over picture: RGBImage) -> RGBImage {
        guard scale > 0 else { return picture }
        let columns = Taps(from: map.width, to: picture.width)
        let rows = Taps(from: map.height, to: picture.height)
        var result = picture
        result.pixels.withUnsafeMutableBufferPointer { pixels in
            var line = [Float](repeating: 0, count: map.width)
            for y in 0..<picture.height {
                let upper = rows.lower[y] * map.width
                let lower = rows.upper[y] * map.width
                for cell in 0..<map.width {
                    let (a, b) = (map.values[upper + cell], map.values[lower + cell])
                    line[cell] = a + (b - a) * rows.share[y]
                }
                for x in 0..<picture.width {
                    let (a, b) = (line[columns.lower[x]], line[columns.upper[x]])
                    let paint = paint(of: a + (b - a) * columns.share[x])
                    let at = (y * picture.width + x) * 3
                    let below = SIMD3(Float(pixels[at]), Float(pixels[at + 1]), Float(pixels[at + 2]))
                    let mixed = (below + (paint.color * 255 - below) * paint.opacity).rounded(.toNearestOrEven)
                    pixels[at] = UInt8(mixed.x)
                    pixels[at + 1] = UInt8(mixed.y)
                    pixels[at + 2] = UInt8(mixed.z)
                }
            }
        }
        return result
    }

    /// The picture with the map's heat over the square that the network saw, and the square's edge; nothing elsewhere.
    public func draw(_ map: HeatMap, over picture: RGBImage, within crop: FaceCrop) -> RGBImage {
        var canvas = Canvas(picture)
        if scale > 0 {
            let reach = crop.corners
            let columns = Self.span(reach.map(\.x), limit: picture.width), rows = Self.span(reach.map(\.y), limit: picture.height)
            for y in rows {
                for x in columns {
                    let place = crop.place(ofX: Double(x) + 0.5, y: Double(y) + 0.5)
                    guard (0..<1).contains(place.u), (0..<1).contains(place.v) else { continue }
                    canvas.blend(paint(of: map.value(u: Float(place.u), v: Float(place.v))), x: x, y: y)
                }
            }
        }
        // Wide enough to be seen when the picture is shown small.
        let thickness = max(1, max(picture.width, picture.height) / 160)
        let corners = crop.corners
        for (ink, width) in [(Palette.background, 3 * thickness), (Palette.text, thickness)] {
            for (from, to) in zip(corners, corners.dropFirst() + corners.prefix(1)) {
                canvas.line(from: (from.x, from.y), to: (to.x, to.y), ink, thickness: width)
            }
        }
        return canvas.image
    }

    private static func span(_ values: [Double], limit: Int) -> Range<Int> {
        let low = max(0, Int((values.min() ?? 0).rounded(.down))), high = min(limit, Int((values.max() ?? 0).rounded(.up)))
        return low..<max(low, high)
    }

    /// The colour of one value; opacity grows in proportion to the value's magnitude, from nothing at 0.
    func paint(of value: Float) -> Paint {
        guard scale > 0, value.isFinite else { return Paint(color: .zero, opacity: 0) }
        let strength = min(abs(value) / scale, 1)
        let (faint, strong) = value > 0 ? (Self.faintWarm, Self.strongWarm) : (Self.faintCool, Self.strongCool)
        return Paint(color: faint + (strong - faint) * strength, opacity: strength * Self.fullOpacity)
    }
}

extension HeatMap {
    /// Bilinear between the centres of the cells at (u, v), each 0…1 over the map; outside the outermost centres as it is there.
    func value(u: Float, v: Float) -> Float {
        let x = min(max(u * Float(width) - 0.5, 0), Float(width - 1)), y = min(max(v * Float(height) - 0.5, 0), Float(height - 1))
        let left = Int(x), top = Int(y)
        let right = min(left + 1, width - 1), bottom = min(top + 1, height - 1)
        let (fx, fy) = (x - Float(left), y - Float(top))
        let above = values[top * width + left] * (1 - fx) + values[top * width + right] * fx
        let below = values[bottom * width + left] * (1 - fx) + values[bottom * width + right] * fx
        return above * (1 - fy) + below * fy
    }
}

/// Which two cells of a map each pixel of an axis lies between, and how far from the first.
private struct Taps {
    var lower: [Int] = []
    var upper: [Int] = []
    var share: [Float] = []

    init(from cells: Int, to pixels: Int) {
        for pixel in 0..<pixels {
            let place = (Float(pixel) + 0.5) * Float(cells) / Float(pixels) - 0.5
            let clamped = min(max(place, 0), Float(cells - 1))
            let first = min(Int(clamped), max(cells - 2, 0))
            lower.append(first)
            upper.append(min(first + 1, cells - 1))
            share.append(clamped - Float(first))
        }
    }
}
