import Analysis
import Crops
import Detector
import Video

/// What is kept of a picture about a face: the face with room for what training does to it, or all of the picture.
struct ContextCrop {
    private enum Part {
        /// A square, in the picture's pixels.
        case square(FaceCrop)
        case whole
    }

    private let part: Part
    /// Its upper left corner in the picture.
    private let corner: SIMD2<Double>
    /// Of what is kept, in pixels.
    let width: Int
    let height: Int
    /// Pixels of the crop for one of the picture, at most 1.
    let scale: Double

    /// As `settings` have it: the whole picture, or the square of `contextScale` longer sides of the box about its centre; with at most `pixels` on
    /// the longer side.
    ///
    /// A square that need not be shrunk lies on whole pixels, so that it is the picture's own pixels, and no filter touches what a fake may show.
    init(_ face: DetectedFace, in picture: PictureView, settings: CropSettings) {
        guard !settings.wholeFrames else {
            part = .whole
            corner = .zero
            let ratio = min(1, Double(settings.pixels) / Double(max(picture.width, picture.height)))
            scale = ratio
            width = max(1, Int((Double(picture.width) * ratio).rounded()))
            height = max(1, Int((Double(picture.height) * ratio).rounded()))
            return
        }
        let side = settings.contextScale * Double(max(face.width, face.height))
        let center = (x: Double(face.x + face.width / 2), y: Double(face.y + face.height / 2))
        let pixels = max(1, Int(side.rounded()))
        let square: FaceCrop
        if pixels <= settings.pixels {
            width = pixels
            scale = 1
            let half = Double(pixels) / 2
            square = FaceCrop(
                centerX: (center.x - half).rounded() + half, centerY: (center.y - half).rounded() + half, side: Double(pixels))
        } else {
            width = settings.pixels
            scale = Double(settings.pixels) / side
            square = FaceCrop(centerX: center.x, centerY: center.y, side: side)
        }
        height = width
        corner = SIMD2(square.centerX, square.centerY) - square.side / 2
        part = .square(square)
    }

    /// What is kept; when shrunk, each pixel is the mean over its place. Beyond the picture its edge repeats.
    func cut(from picture: PictureView) -> RGBImage {
        switch part {
        case .square(let square): square.cut(from: picture, pixels: width)
        case .whole: picture.copied().resized(width: width, height: height)
        }
    }

    /// A point of the picture in the crop.
    func place(_ point: SIMD2<Float>) -> SIMD2<Float> { SIMD2<Float>((SIMD2<Double>(point) - corner) * scale) }

    /// The detector's box in the crop.
    func box(_ face: DetectedFace) -> Crop.Box {
        Crop.Box(
            x: (Double(face.x) - corner.x) * scale, y: (Double(face.y) - corner.y) * scale, width: Double(face.width) * scale,
            height: Double(face.height) * scale)
    }
}
