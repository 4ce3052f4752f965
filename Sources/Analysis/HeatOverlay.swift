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

    /// The colour of one value; opacity grows in proportion to the value's magnitude, from nothing at 0.
    func paint(of value: Float) -> Paint {
        guard scale > 0, value.isFinite else { return Paint(color: .zero, opacity: 0) }
        let strength = min(abs(value) / scale, 1)
        let (faint, strong) = value > 0 ? (Self.faintWarm, Self.strongWarm) : (Self.faintCool, Self.strongCool)
        return Paint(color: faint + (strong - faint) * strength, opacity: strength * Self.fullOpacity)
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
