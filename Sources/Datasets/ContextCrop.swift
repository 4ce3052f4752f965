import Analysis
import Crops
import Detector
import Video

/// The square about a face that is kept of a picture: the face with room for what training does to it.
struct ContextCrop {
    /// In the picture.
    let square: FaceCrop
    /// Of the square as it is kept.
    let pixels: Int
    /// Pixels of the crop for one of the picture, at most 1.
    let scale: Double

    /// The square of `contextScale` longer sides of the box about its centre, kept with at most `limit` pixels a side.
    ///
    /// One that need not be shrunk lies on whole pixels, so that it is the picture's own pixels, and no filter touches what a fake may show.
    init(_ face: DetectedFace, contextScale: Double, limit: Int) {
        let side = contextScale * Double(max(face.width, face.height))
        let center = (x: Double(face.x + face.width / 2), y: Double(face.y + face.height / 2))
        let whole = max(1, Int(side.rounded()))
        if whole <= limit {
            pixels = whole
            scale = 1
            let half = Double(whole) / 2
            square = FaceCrop(
                centerX: (center.x - half).rounded() + half, centerY: (center.y - half).rounded() + half, side: Double(whole))
        } else {
            pixels = limit
            scale = Double(limit) / side
            square = FaceCrop(centerX: center.x, centerY: center.y, side: side)
        }
    }

    /// What the square shows; when shrunk, each pixel is the mean over its place. Beyond the picture its edge repeats.
    func cut(from picture: PictureView) -> RGBImage { square.cut(from: picture, pixels: pixels) }

    /// A point of the picture in the crop.
    func place(_ point: SIMD2<Float>) -> SIMD2<Float> {
        let corner = SIMD2(square.centerX, square.centerY) - square.side / 2
        return SIMD2<Float>((SIMD2<Double>(point) - corner) * scale)
    }

    /// The detector's box in the crop.
    func box(_ face: DetectedFace) -> Crop.Box {
        let corner = SIMD2(square.centerX, square.centerY) - square.side / 2
        return Crop.Box(
            x: (Double(face.x) - corner.x) * scale, y: (Double(face.y) - corner.y) * scale, width: Double(face.width) * scale,
            height: Double(face.height) * scale)
    }
}
