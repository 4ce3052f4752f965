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
        angle == 0 ? cutUpright(from: picture, pixels: count) : cutTurned(from: picture, pixels: count)
    }

    private func samples(of count: Int) -> Int { max(1, Int((side / Double(count)).rounded(.up))) }

    /// Rows and columns by themselves: the mean over a grid is a mean over rows of means over columns.
    private func cutUpright(from picture: PictureView, pixels count: Int) -> RGBImage {
        let columns = AxisTaps(from: centerX - side / 2, side: side, count: count, samples: samples(of: count), limit: picture.width)
        let rows = AxisTaps(from: centerY - side / 2, side: side, count: count, samples: samples(of: count), limit: picture.height)
        let values = columns.reach.count * 3
        var line = [Float](repeating: 0, count: values)
        guard let base = picture.pixels.bindMemory(to: UInt8.self).baseAddress else { preconditionFailure("a picture has pixels") }
        let bytes = [UInt8](unsafeUninitializedCapacity: count * count * 3) { buffer, filled in
            filled = count * count * 3
            line.withUnsafeMutableBufferPointer { buffered in
                // Plain pointers: their loops become vector instructions.
                guard let line = buffered.baseAddress else { return }
                for y in 0..<count {
                    line.update(repeating: 0, count: values)
                    for tap in rows.weights[y].indices {
                        let weight = rows.weights[y][tap]
                        let source = base + (rows.starts[y] + tap) * picture.rowBytes + columns.reach.lowerBound * 3
                        for index in 0..<values { line[index] += weight * Float(source[index]) }
                    }
                    for x in 0..<count {
                        var sum = SIMD4<Float>.zero
                        let first = line + (columns.starts[x] - columns.reach.lowerBound) * 3
                        for tap in columns.weights[x].indices {
                            sum += SIMD4(first[3 * tap], first[3 * tap + 1], first[3 * tap + 2], 0) * columns.weights[x][tap]
                        }
                        Self.store(sum, in: buffer, at: (y * count + x) * 3)
                    }
                }
            }
        }
        return RGBImage(width: count, height: count, pixels: bytes)
    }

    private func cutTurned(from picture: PictureView, pixels count: Int) -> RGBImage {
        let sampler = BilinearSampler(picture)
        let samples = samples(of: count)
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
                    Self.store(sum * share, in: buffer, at: (y * count + x) * 3)
                }
            }
        }
        return RGBImage(width: count, height: count, pixels: bytes)
    }

    private static func store(_ color: SIMD4<Float>, in buffer: UnsafeMutableBufferPointer<UInt8>, at place: Int) {
        // Weights add up to one but for their last digit, which must not carry white beyond 255.
        let rounded = color.rounded(.toNearestOrEven).clamped(lowerBound: .zero, upperBound: .init(repeating: 255))
        buffer[place] = UInt8(rounded.x)
        buffer[place + 1] = UInt8(rounded.y)
        buffer[place + 2] = UInt8(rounded.z)
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

/// Which pixels of an axis each pixel of a crop is made of, and how much of each.
private struct AxisTaps {
    /// The first picture pixel of each.
    private(set) var starts: [Int] = []
    /// Of the first and those after it; they add up to 1.
    private(set) var weights: [[Float]] = []
    /// All picture pixels that are needed.
    let reach: Range<Int>

    /// `count` pixels of `samples` bilinear samples each, over `side` pixels from `start` on an axis of `limit` pixels.
    init(from start: Double, side: Double, count: Int, samples: Int, limit: Int) {
        let step = side / Double(count * samples)
        for pixel in 0..<count {
            let places = (0..<samples).map { sample in
                min(max(start + (Double(pixel * samples + sample) + 0.5) * step - 0.5, 0), Double(limit - 1))
            }
            let first = Int(places[0]), last = min(Int(places[samples - 1]) + 1, limit - 1)
            var weights = [Double](repeating: 0, count: last - first + 1)
            for place in places {
                let left = Int(place), fraction = place - Double(Int(place))
                weights[left - first] += (1 - fraction) / Double(samples)
                weights[min(left + 1, limit - 1) - first] += fraction / Double(samples)
            }
            starts.append(first)
            self.weights.append(weights.map(Float.init))
        }
        reach = (starts.first ?? 0)..<(starts.last ?? 0) + (weights.last?.count ?? 1)
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
