import Detector
import Foundation
import Video

/// A square of a picture, perhaps turned: the one transform between a picture with a face and a network's input, in training as in use.
///
/// The point (u, v) of the square, each 0…1, lies in the picture at centre + side · R(angle) · (u − ½, v − ½), R turning clockwise as seen.
public struct FaceCrop: Sendable, Hashable {
    /// Pixels of the picture, from its left edge.
    public var centerX: Double
    /// Pixels of the picture, from its upper edge.
    public var centerY: Double
    /// Pixels of the picture.
    public var side: Double
    /// Radians, clockwise.
    public var angle: Double

    /// A square as given.
    public init(centerX: Double, centerY: Double, side: Double, angle: Double = 0) {
        self.centerX = centerX
        self.centerY = centerY
        self.side = side
        self.angle = angle
    }

    /// The square about a face's box that a model's rule asks for.
    public init(_ face: DetectedFace, rule: FaceCropRule) {
        centerX = Double(face.x + face.width / 2)
        centerY = Double(face.y + face.height / 2)
        side = rule.scale * Double(max(face.width, face.height))
        angle = 0
        if rule.alignment == .eyes, face.landmarks.count >= 2 {
            let line = face.landmarks[1] - face.landmarks[0]
            angle = atan2(Double(line.y), Double(line.x))
        }
    }

    /// The same square in a picture that is `factor` times as large.
    public func scaled(by factor: Double) -> FaceCrop {
        FaceCrop(centerX: centerX * factor, centerY: centerY * factor, side: side * factor, angle: angle)
    }

    /// What the square shows, as `pixels` × `pixels` of RGB.
    ///
    /// Each pixel is the mean of k × k bilinear samples spread evenly over its place, k being the whole number of picture pixels that a side of it
    /// covers, rounded up: so nothing aliases when the face is large. Beyond the picture its edge repeats.
    public func cut(from picture: PictureView, pixels count: Int) -> RGBImage {
        let sampler = BilinearSampler(picture)
        let samples = max(1, Int((side / Double(count)).rounded(.up)))
        let step = side / Double(count * samples)
        let (across, down) = (SIMD2(cos(angle), sin(angle)) * step, SIMD2(-sin(angle), cos(angle)) * step)
        // The middle of the first sample; pixel (x, y) of the picture has its middle at (x + ½, y + ½).
        let half = Double(count * samples - 1) / 2
        let corner = SIMD2(centerX - 0.5, centerY - 0.5) - across * half - down * half
        let share = 1 / Float(samples * samples)
        let bytes = [UInt8](unsafeUninitializedCapacity: count * count * 3) { buffer, filled in
            filled = count * count * 3
            for y in 0..<count {
                for x in 0..<count {
                    var sum = SIMD4<Float>.zero
                    for j in 0..<samples {
                        let row = corner + down * Double(y * samples + j) + across * Double(x * samples)
                        for i in 0..<samples { sum += sampler.color(row + across * Double(i)) }
                    }
                    let color = (sum * share).rounded(.toNearestOrEven)
                    let at = (y * count + x) * 3
                    buffer[at] = UInt8(color.x)
                    buffer[at + 1] = UInt8(color.y)
                    buffer[at + 2] = UInt8(color.z)
                }
            }
        }
        return RGBImage(width: count, height: count, pixels: bytes)
    }

    /// Where in the square a point of the picture lies, each part 0…1 inside.
    func place(ofX x: Double, y: Double) -> (u: Double, v: Double) {
        let (dx, dy) = (x - centerX, y - centerY)
        return (
            (dx * cos(angle) + dy * sin(angle)) / side + 0.5, (dy * cos(angle) - dx * sin(angle)) / side + 0.5
        )
    }

    /// The corners in the picture, in order around the square.
    var corners: [SIMD2<Double>] {
        [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)].map { u, v in
            SIMD2(
                centerX + side * (u * cos(angle) - v * sin(angle)), centerY + side * (u * sin(angle) + v * cos(angle)))
        }
    }
}

/// Colours between the pixels of a picture.
private struct BilinearSampler {
    private let pixels: UnsafePointer<UInt8>
    private let width: Int
    private let height: Int
    private let rowBytes: Int

    init(_ picture: PictureView) {
        guard let base = picture.pixels.bindMemory(to: UInt8.self).baseAddress else { preconditionFailure("a picture has pixels") }
        pixels = base
        width = picture.width
        height = picture.height
        rowBytes = picture.rowBytes
    }

    /// At a point whose whole numbers are the middles of pixels.
    @inline(__always)
    func color(_ point: SIMD2<Double>) -> SIMD4<Float> {
        let x = min(max(point.x, 0), Double(width - 1)), y = min(max(point.y, 0), Double(height - 1))
        let left = Int(x), top = Int(y)
        let right = min(left + 1, width - 1), bottom = min(top + 1, height - 1)
        let (fx, fy) = (Float(x - Double(left)), Float(y - Double(top)))
        let upper = pixels + top * rowBytes, lower = pixels + bottom * rowBytes
        let a = load(upper, left), b = load(upper, right), c = load(lower, left), d = load(lower, right)
        let above = a + (b - a) * fx
        return above + (c + (d - c) * fx - above) * fy
    }

    @inline(__always)
    private func load(_ row: UnsafePointer<UInt8>, _ x: Int) -> SIMD4<Float> {
        SIMD4(Float(row[3 * x]), Float(row[3 * x + 1]), Float(row[3 * x + 2]), 0)
    }
}
