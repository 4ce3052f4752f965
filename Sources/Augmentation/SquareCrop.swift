import NeuralCore
import Video

/// An upright square of a picture as a network gets it, sampled as faces are in use.
struct SquareCrop: Sendable {
    let centerX: Double
    let centerY: Double
    let side: Double

    func axes(width: Int, height: Int, pixels: Int) -> (rows: ResamplingAxis, columns: ResamplingAxis) {
        (
            .crop(from: centerY - side / 2, side: side, count: pixels, limit: height),
            .crop(from: centerX - side / 2, side: side, count: pixels, limit: width)
        )
    }

    /// The square's pixels; beyond the picture its edge repeats.
    func cut(from picture: RGBImage, pixels: Int) -> RGBImage {
        let (rows, columns) = axes(width: picture.width, height: picture.height, pixels: pixels)
        return FloatPicture(picture, rows: rows, columns: columns).image
    }

    func cut(from picture: FloatPicture, pixels: Int) -> FloatPicture {
        let (rows, columns) = axes(width: picture.width, height: picture.height, pixels: pixels)
        return picture.resampled(rows: rows, columns: columns)
    }
}

/// Draws of a final crop that fit any face.
struct CropDraw: Sendable {
    private let margin: Double
    private let shift: SIMD2<Double>

    init(_ settings: BlendSettings.FinalCrop, random: inout SeededRandom) {
        margin = random.uniform(settings.margin)
        let jitter = -settings.jitter...settings.jitter
        shift = SIMD2(random.uniform(jitter), random.uniform(jitter))
    }

    /// The square about a box, moved further by parts of its longer side.
    func square(about box: BlendSource.Box, shaken: SIMD2<Double> = .zero) -> SquareCrop {
        let center = box.center + (shift + shaken) * box.longer
        return SquareCrop(centerX: center.x, centerY: center.y, side: box.longer * (1 + 2 * margin))
    }
}
