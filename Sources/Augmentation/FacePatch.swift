import NeuralCore
import Video

/// The square of a picture that a pair is made in: where it lies, how large it becomes, and whether it is mirrored.
struct FacePatch: Sendable {
    /// Pixels of the patch a side.
    let pixels: Int
    /// Patch pixels for one of the picture.
    let scale: Double
    /// Its upper left corner in the picture.
    private let origin: SIMD2<Double>
    private let isMirrored: Bool

    /// Draws of a patch that fit any face.
    struct Draw: Sendable {
        /// Side over the box's longer side.
        let reach: Double
        let isMirrored: Bool
        /// 1 if it is not made smaller.
        let shrink: Double

        init(_ settings: BlendSettings.Patch, random: inout SeededRandom) {
            reach = random.uniform(settings.scale)
            isMirrored = random.chance(settings.flipChance)
            let isShrunk = random.chance(settings.shrinkChance), factor = random.uniform(settings.shrink)
            shrink = isShrunk ? factor : 1
        }

        /// The side, in pixels, of a patch about a face `longer` pixels long; even, since H.264 needs that.
        func pixels(longer: Double, limits: ClosedRange<Int>) -> Int {
            let side = Int(reach * longer * shrink) / 2 * 2
            return min(max(side, (limits.lowerBound + 1) / 2 * 2), limits.upperBound / 2 * 2)
        }

        /// Whether a patch of these pixels shows the picture's own: then it is cut out as it is, since sampling between pixels would soften it.
        func isUnscaled(pixels: Int, longer: Double) -> Bool {
            shrink == 1 && pixels == Int(reach * longer) / 2 * 2
        }
    }

    /// A patch of `pixels` a side about a box; `keepsPixels` cuts it out without scaling.
    init(about box: BlendSource.Box, draw: Draw, pixels: Int, keepsPixels: Bool) {
        self.pixels = pixels
        isMirrored = draw.isMirrored
        let side = keepsPixels ? Double(pixels) : draw.reach * box.longer
        let corner = box.center - side / 2
        origin = keepsPixels ? corner.rounded(.toNearestOrEven) : corner
        scale = Double(pixels) / side
    }

    /// The patch's pixels; beyond the picture its edge repeats.
    func cut(from picture: RGBImage) -> FloatPicture {
        func axis(_ start: Double, _ limit: Int) -> ResamplingAxis {
            scale == 1
                ? .pixels(from: Int(start), count: pixels, limit: limit)
                : .crop(from: start, side: Double(pixels) / scale, count: pixels, limit: limit)
        }
        let columns = axis(origin.x, picture.width)
        return FloatPicture(picture, rows: axis(origin.y, picture.height), columns: isMirrored ? columns.reversed() : columns)
    }

    /// A point of the picture in the patch.
    func place(_ point: SIMD2<Double>) -> SIMD2<Double> {
        let inside = (point - origin) * scale
        return isMirrored ? SIMD2(Double(pixels) - inside.x, inside.y) : inside
    }

    /// Points of the picture in the patch.
    func places(_ points: [SIMD2<Float>]) -> [SIMD2<Double>] {
        points.map { place(SIMD2<Double>($0)) }
    }

    /// The five landmarks in the patch: left stays what lies left.
    func landmarks(_ points: [SIMD2<Float>]) -> [SIMD2<Double>] {
        let places = places(points)
        return isMirrored ? [1, 0, 2, 4, 3].map { places[$0] } : places
    }

    /// The box in the patch.
    func box(_ box: BlendSource.Box) -> BlendSource.Box {
        let center = place(box.center), size = SIMD2(box.width, box.height) * scale
        return BlendSource.Box(x: center.x - size.x / 2, y: center.y - size.y / 2, width: size.x, height: size.y)
    }
}
