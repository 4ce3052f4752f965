import NeuralCore
import Testing

/// Kernels on pixels and boxes, each family against the definition.
@Suite("Pixels and boxes")
struct PixelTests {
    @Test("area resampling is the mean over each window, to the same bits in every family")
    func areaResampling() throws {
        var random = TestRandom(seed: 17)
        var sizes = [(1, 1, 1, 1), (5, 7, 24, 24), (300, 11, 1, 3), (700, 40, 2, 13), (37, 131, 24, 24), (64, 64, 48, 48)]
        for _ in 0..<12 {
            sizes.append(
                (
                    Int.random(in: 1...90, using: &random), Int.random(in: 1...400, using: &random),
                    Int.random(in: 1...60, using: &random), Int.random(in: 1...90, using: &random)
                ))
        }
        for (height, width, outHeight, outWidth) in sizes {
            let rowBytes = 3 * width + Int.random(in: 0...9, using: &random)
            let pixels = (0..<height * rowBytes).map { _ in UInt8.random(in: 0...255, using: &random) }
            let rows = AreaResampling.Windows(length: height, count: outHeight)
            let columns = AreaResampling.Windows(length: width, count: outWidth)
            var first: [Float] = []
            for selection in KernelTests.selections {
                let resampling = AreaResampling(selection: selection, scale: 0.25, offset: -3)
                var scratch = [UInt32](repeating: 0, count: AreaResampling.scratchBytes(width: width) / 4)
                var output = [Float](repeating: .nan, count: outHeight * outWidth * 3 + 1)
                for row in 0..<outHeight {
                    output.withUnsafeMutableBufferPointer { output in
                        guard let base = output.baseAddress else { return }
                        resampling.writeRow(
                            row, of: rows, columns: columns, pixels: pixels, rowBytes: rowBytes, scratch: &scratch,
                            into: base + row * outWidth * 3)
                    }
                }
                #expect(output.removeLast().isNaN, "a value too many")
                for row in 0..<outHeight {
                    let window = (row * height / outHeight)..<(((row + 1) * height + outHeight - 1) / outHeight)
                    #expect(rows[row] == window)
                    for column in 0..<outWidth {
                        for c in 0..<3 {
                            var sum = 0.0
                            for y in window { for x in columns[column] { sum += Double(pixels[y * rowBytes + 3 * x + c]) } }
                            let expected = sum / Double(window.count * columns[column].count) * 0.25 - 3
                            let value = Double(output[(row * outWidth + column) * 3 + c])
                            #expect(abs(value - expected) <= 1e-4, "\(selection), \(width) × \(height) to \(outWidth) × \(outHeight)")
                        }
                    }
                }
                if first.isEmpty { first = output }
                #expect(first.map(\.bitPattern) == output.map(\.bitPattern), "\(selection)")
            }
        }
    }

    @Test("boxes that overlap a better one go, the best stay in order; the same in every family")
    func suppression() {
        var random = TestRandom(seed: 23)
        for count in [0, 1, 2, 17, 200] {
            let boxes = (0..<count).map { _ in
                let (x, y) = (Float.random(in: 0...50, using: &random).rounded(), Float.random(in: 0...50, using: &random).rounded())
                let side = Float.random(in: 0...30, using: &random).rounded()
                return SIMD4(x, y, x + side, y + side)
            }
            // Few different scores, so that many are equal.
            let scores = (0..<count).map { _ in Float(Int.random(in: 0...20, using: &random)) / 20 }
            var expected: [Int] = []
            for index in boxes.indices.sorted(by: { (-scores[$0], $0) < (-scores[$1], $1) }) {
                let isDropped = expected.contains { other in
                    let (a, b) = (boxes[other], boxes[index])
                    let shared = max(0, min(a.z, b.z) - max(a.x, b.x)) * max(0, min(a.w, b.w) - max(a.y, b.y))
                    return shared / ((a.z - a.x) * (a.w - a.y) + (b.z - b.x) * (b.w - b.y) - shared) > 0.4
                }
                if !isDropped { expected.append(index) }
            }
            for selection in KernelTests.selections {
                #expect(BoxSuppression(selection: selection).kept(boxes, scores: scores, threshold: 0.4) == expected, "\(selection)")
            }
        }
    }

    @Test("one number a pixel is the weighted sum of its channels")
    func projection() {
        var random = TestRandom(seed: 29)
        for (channels, pixelFloats, count) in [(6, 16, 1), (32, 32, 3), (32, 32, 4), (40, 48, 29)] {
            let weights = random.floats(channels)
            let pixels = random.floats(count * pixelFloats)
            for selection in KernelTests.selections {
                let projection = PixelProjection(weights: weights, bias: 0.5, pixelFloats: pixelFloats, selection: selection)
                var output = [Float](repeating: .nan, count: count)
                projection.apply(pixels, pixelCount: count, into: &output)
                for pixel in 0..<count {
                    let expected = (0..<channels).reduce(0.5) { $0 + Double(weights[$1]) * Double(pixels[pixel * pixelFloats + $1]) }
                    #expect(abs(Double(output[pixel]) - expected) <= 1e-5, "\(selection)")
                }
            }
        }
    }
}
