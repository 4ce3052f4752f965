/// How well a face can be seen, whatever it shows: pure arithmetic on its pixels.
public struct FaceQuality: Sendable, Hashable {
    /// Width and height that a face is resampled to, so that a measure means the same for faces of any size.
    public static let extent = 64

    /// Mean luma of the box, 0…255 (BT.709's weights on the stored values).
    public var meanLuma: Float
    /// Variance of the Laplacian over the resampled box (Pech-Pacheco et al. 2000), in squared steps of luma: 0 for a flat picture, some tens for
    /// a soft one, hundreds and more for a sharp one.
    public var sharpness: Float

    /// Measures the part of a box that lies in the picture, `height` rows of `rowBytes` bytes of RGB24; nil if no pixel does.
    ///
    /// The box is in pixels, as `DetectedFace` has it, and is read up to whole pixels.
    public init?(
        pixels: UnsafeRawBufferPointer, width: Int, height: Int, rowBytes: Int, x: Float, y: Float, boxWidth: Float, boxHeight: Float
    ) {
        precondition(width > 0 && height > 0 && rowBytes >= 3 * width, "rows of \(rowBytes) bytes for \(width) × \(height) pixels")
        precondition(pixels.count >= (height - 1) * rowBytes + 3 * width, "\(pixels.count) bytes for \(height) rows of \(rowBytes)")
        guard let columns = FaceQuality.range(from: x, length: boxWidth, below: width),
            let rows = FaceQuality.range(from: y, length: boxHeight, below: height)
        else { return nil }
        let luma = FaceQuality.resampledLuma(pixels, rowBytes: rowBytes, columns: columns, rows: rows)
        meanLuma = luma.reduce(0, +) / Float(luma.count)
        sharpness = FaceQuality.laplacianVariance(luma)
    }

    /// Measures a face in the picture that it was found in.
    public init?(of face: DetectedFace, pixels: UnsafeRawBufferPointer, width: Int, height: Int, rowBytes: Int) {
        self.init(
            pixels: pixels, width: width, height: height, rowBytes: rowBytes, x: face.x, y: face.y, boxWidth: face.width,
            boxHeight: face.height)
    }

    private static func range(from start: Float, length: Float, below end: Int) -> Range<Int>? {
        guard start.isFinite && length.isFinite && length > 0 else { return nil }
        let first = max(0, min(Float(end), start.rounded(.down)))
        let last = max(0, min(Float(end), (start + length).rounded(.up)))
        return first < last ? Int(first)..<Int(last) : nil
    }

    /// `[extent, extent]` averages over areas; a box of fewer pixels repeats some.
    private static func resampledLuma(
        _ pixels: UnsafeRawBufferPointer, rowBytes: Int, columns: Range<Int>, rows: Range<Int>
    ) -> [Float] {
        func window(_ index: Int, _ range: Range<Int>) -> Range<Int> {
            let begin = range.lowerBound + index * range.count / extent
            return begin..<range.lowerBound + ((index + 1) * range.count + extent - 1) / extent
        }
        var luma: [Float] = []
        luma.reserveCapacity(extent * extent)
        for row in 0..<extent {
            let rowWindow = window(row, rows)
            for column in 0..<extent {
                let columnWindow = window(column, columns)
                var sums = SIMD3<Int>.zero
                for y in rowWindow {
                    for x in columnWindow {
                        let place = y * rowBytes + 3 * x
                        sums &+= SIMD3(Int(pixels[place]), Int(pixels[place + 1]), Int(pixels[place + 2]))
                    }
                }
                let mean = SIMD3<Float>(sums) / Float(rowWindow.count * columnWindow.count)
                luma.append((mean * SIMD3<Float>(0.2126, 0.7152, 0.0722)).sum())
            }
        }
        return luma
    }

    private static func laplacianVariance(_ luma: [Float]) -> Float {
        var (sum, squares, count) = (0.0, 0.0, 0.0)
        for y in 1..<extent - 1 {
            for x in 1..<extent - 1 {
                let place = y * extent + x
                let around = luma[place - 1] + luma[place + 1] + luma[place - extent] + luma[place + extent]
                let value = Double(around - 4 * luma[place])
                sum += value
                squares += value * value
                count += 1
            }
        }
        let mean = sum / count
        return Float(max(0, squares / count - mean * mean))
    }
}
