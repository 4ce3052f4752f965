/// The part of a picture that the face mesh's network sees: a square about a face's middle, turned so that the eyes are level, as `extent` ×
/// `extent` pixels.
struct LevelSquare: Sendable {
    /// The square's side by the longer one of the face's box, as MediaPipe has it.
    private static let sideByBox: Float = 1.5
    /// Samples of a pixel along either axis: enough for each pixel of a picture 16 times as fine, and a bound to the work.
    private static let mostSamples: Float = 16

    /// In pixels of the picture, whose upper left pixel covers 0…1.
    private let centre: SIMD2<Float>
    /// What one pixel to the right and one down are in the picture.
    private let right: SIMD2<Float>
    private let down: SIMD2<Float>
    private let extent: Int
    /// Along either axis of a pixel.
    private let samples: Int

    /// Nil if no pixel of the picture lies in the face's box, or the box is no box.
    ///
    /// A face of which no two eyes are known, or both at one place, counts as upright.
    init?(of face: DetectedFace, width: Int, height: Int, extent: Int) {
        let side = LevelSquare.sideByBox * max(face.width, face.height)
        guard side.isFinite, face.x.isFinite, face.y.isFinite, face.width > 0, face.height > 0,
            face.x < Float(width), face.y < Float(height), face.x + face.width > 0, face.y + face.height > 0
        else { return nil }
        centre = SIMD2(face.x + face.width / 2, face.y + face.height / 2)
        let pixel = side / Float(extent)
        right = pixel * LevelSquare.eyeDirection(face.landmarks)
        down = SIMD2(-right.y, right.x)
        self.extent = extent
        samples = Int(max(1, min(LevelSquare.mostSamples, pixel.rounded(.up))))
    }

    /// From the left eye to the right one, of length 1.
    private static func eyeDirection(_ landmarks: [SIMD2<Float>]) -> SIMD2<Float> {
        guard landmarks.count >= 2 else { return SIMD2(1, 0) }
        let between = landmarks[1] - landmarks[0]
        let length = (between * between).sum().squareRoot()
        return length.isFinite && length > 0 ? between / length : SIMD2(1, 0)
    }

    /// Where a point of the square, in its pixels, lies in the picture.
    func picturePoint(_ point: SIMD2<Float>) -> SIMD2<Float> {
        let offset = point - Float(extent) / 2
        return centre + offset.x * right + offset.y * down
    }

    /// Writes a row, `[extent, 3]` values in 0…1.
    ///
    /// A pixel of the square is the mean over a grid of samples within it, which are at most one pixel of the picture apart: that is an average
    /// over its area where the picture is finer, and a single sample where it is not. What lies beyond the picture is its nearest pixel.
    func writeRow(_ row: Int, of picture: FacePicture, into destination: UnsafeMutablePointer<Float>) {
        let step = 1 / Float(samples)
        let factor = 1 / Float(255 * samples * samples)
        for column in 0..<extent {
            var sum = SIMD3<Float>.zero
            for y in 0..<samples {
                for x in 0..<samples {
                    let within = (SIMD2(Float(x), Float(y)) + 0.5) * step
                    sum += LevelSquare.sample(picture, at: picturePoint(SIMD2(Float(column), Float(row)) + within))
                }
            }
            let mean = sum * factor
            for channel in 0..<3 { destination[3 * column + channel] = mean[channel] }
        }
    }

    /// 0…255, between the four pixels whose middles are nearest.
    private static func sample(_ picture: FacePicture, at point: SIMD2<Float>) -> SIMD3<Float> {
        let last = SIMD2(Float(picture.width - 1), Float(picture.height - 1))
        let place = (point - 0.5).clamped(lowerBound: .zero, upperBound: last)
        let (x, y) = (Int(place.x), Int(place.y))
        let share = place - SIMD2(Float(x), Float(y))
        func pixel(_ place: UnsafePointer<UInt8>) -> SIMD3<Float> { SIMD3(Float(place[0]), Float(place[1]), Float(place[2])) }
        let upper = picture.pixels + y * picture.rowBytes + 3 * x
        let lower = y + 1 < picture.height ? upper + picture.rowBytes : upper
        let aside = x + 1 < picture.width ? 3 : 0
        let (above, below) = (pixel(upper), pixel(lower))
        let left = above + (below - above) * share.y
        let (aboveAside, belowAside) = (pixel(upper + aside), pixel(lower + aside))
        return left + (aboveAside + (belowAside - aboveAside) * share.y - left) * share.x
    }
}
