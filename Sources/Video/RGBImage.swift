/// A picture of 8-bit RGB, `[height, width, 3]`, rows without padding.
public struct RGBImage: Sendable, Equatable {
    /// In pixels; positive.
    public let width: Int
    /// In pixels; positive.
    public let height: Int
    /// Red, green, blue of each pixel, row by row: width·height·3 bytes.
    public var pixels: [UInt8]

    /// Makes a picture; `pixels` must hold exactly width·height·3 bytes.
    public init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(width > 0 && height > 0, "a picture has at least one pixel")
        precondition(pixels.count == width * height * 3, "RGB24 needs three bytes a pixel")
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// The picture at another size, bilinear with half-pixel centres; when it shrinks, the filter widens with the ratio so
    /// that nothing aliases (the triangle filter of Pillow's and torchvision's antialiased BILINEAR).
    public func resized(width newWidth: Int, height newHeight: Int) -> RGBImage {
        precondition(newWidth > 0 && newHeight > 0, "a picture has at least one pixel")
        if newWidth == width && newHeight == height { return self }
        let columns = TriangleFilter(from: width, to: newWidth)
        let rows = TriangleFilter(from: height, to: newHeight)
        var narrowed = [Float](repeating: 0, count: height * newWidth * 3)
        pixels.withUnsafeBufferPointer { source in
            for y in 0..<height {
                for x in 0..<newWidth {
                    var sum = SIMD4<Float>.zero
                    for tap in 0..<columns.counts[x] {
                        let at = (y * width + columns.starts[x] + tap) * 3
                        let pixel = SIMD4(Float(source[at]), Float(source[at + 1]), Float(source[at + 2]), 0)
                        sum += pixel * columns.weights[x * columns.taps + tap]
                    }
                    let at = (y * newWidth + x) * 3
                    narrowed[at] = sum.x
                    narrowed[at + 1] = sum.y
                    narrowed[at + 2] = sum.z
                }
            }
        }
        var result = [UInt8](repeating: 0, count: newWidth * newHeight * 3)
        let rowLength = newWidth * 3
        for y in 0..<newHeight {
            var line = [Float](repeating: 0, count: rowLength)
            for tap in 0..<rows.counts[y] {
                let weight = rows.weights[y * rows.taps + tap]
                let base = (rows.starts[y] + tap) * rowLength
                for x in 0..<rowLength { line[x] += narrowed[base + x] * weight }
            }
            for x in 0..<rowLength { result[y * rowLength + x] = UInt8(max(0, min(255, (line[x]).rounded()))) }
        }
        return RGBImage(width: newWidth, height: newHeight, pixels: result)
    }
}

/// A picture of 16-bit grey, `[height, width]`, rows without padding.
public struct GrayImage16: Sendable, Equatable {
    /// In pixels; positive.
    public let width: Int
    /// In pixels; positive.
    public let height: Int
    /// Row by row: width·height values, in the machine's byte order.
    public var pixels: [UInt16]

    /// Makes a picture; `pixels` must hold exactly width·height values.
    public init(width: Int, height: Int, pixels: [UInt16]) {
        precondition(width > 0 && height > 0, "a picture has at least one pixel")
        precondition(pixels.count == width * height, "grey needs one value a pixel")
        self.width = width
        self.height = height
        self.pixels = pixels
    }
}

/// The taps of one resampled axis.
private struct TriangleFilter {
    var taps: Int
    var starts: [Int]
    var counts: [Int]
    var weights: [Float]

    init(from source: Int, to target: Int) {
        let ratio = Double(source) / Double(target)
        let support = max(1, ratio)
        taps = Int(support.rounded(.up)) * 2 + 1
        starts = []
        counts = []
        weights = [Float](repeating: 0, count: target * taps)
        for position in 0..<target {
            let center = (Double(position) + 0.5) * ratio
            let start = max(0, Int((center - support + 0.5).rounded(.down)))
            let end = min(source, Int((center + support + 0.5).rounded(.down)))
            let raw = (start..<end).map { max(0, 1 - abs((Double($0) + 0.5 - center) / support)) }
            let total = raw.reduce(0, +)
            for (tap, weight) in raw.enumerated() { weights[position * taps + tap] = Float(weight / total) }
            starts.append(start)
            counts.append(raw.count)
        }
    }
}
