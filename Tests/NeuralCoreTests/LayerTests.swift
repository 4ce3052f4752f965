import CKernels
import NeuralCore
import Testing

@Suite("Layers")
struct LayerTests {
    @Test("3x3 pooling equals its definition over odd shapes", arguments: [UInt64(11), 12, 13])
    func maxPooling(seed: UInt64) {
        var random = TestRandom(seed: seed)
        // The last is wider than the kernel's chunk of columns.
        for (height, width) in [(1, 1), (1, 2), (2, 1), (2, 2), (3, 5), (7, 7), (8, 9), (112, 112), (4, 301), (3, 512)] {
            let channels = 3
            let input = random.floats(channels * height * width)
            let outHeight = Pooling.maxPooledExtent(height)
            let outWidth = Pooling.maxPooledExtent(width)
            var output = [Float](repeating: .nan, count: channels * outHeight * outWidth)
            Pooling.maximum3x3Stride2(input: input, channels: channels, height: height, width: width, output: &output)
            var expected: [Float] = []
            for c in 0..<channels {
                for oy in 0..<outHeight {
                    for ox in 0..<outWidth {
                        var best = -Float.infinity
                        for y in max(0, 2 * oy - 1)..<min(height, 2 * oy + 2) {
                            for x in max(0, 2 * ox - 1)..<min(width, 2 * ox + 2) {
                                best = max(best, input[(c * height + y) * width + x])
                            }
                        }
                        expected.append(best)
                    }
                }
            }
            #expect(output == expected, "seed \(seed), \(height)x\(width)")
        }
    }

    @Test("means and weighted sums of planes")
    func reductions() {
        let input: [Float] = [1, 2, 3, 6, -1, -2, -3, -4]
        var means: [Float] = [0, 0]
        Pooling.globalAverage(input: input, channels: 2, planeCount: 4, output: &means)
        #expect(means == [3, -2.5])
        #expect(Pooling.weightedSum(weights: [2, 10], input: input, planeCount: 4) == [-8, -16, -24, -28])
    }

    @Test("a linear layer and its gradient")
    func linear() {
        let layer = Linear(
            weights: Tensor(shape: [2, 5], elements: [1, 2, 3, 4, 5, -1, 0, 1, 0, 2]),
            bias: Tensor(shape: [2], elements: [0.5, -0.5]))
        #expect(layer.apply([1, 1, 1, 1, 2]) == [20.5, 3.5])
        #expect(layer.inputGradient(outputGradient: [2, 1]) == [1, 4, 7, 8, 12])
    }

    @Test("a folded normalisation does what convolution and normalisation do")
    func folding() {
        var random = TestRandom(seed: 3)
        let weights = Tensor(shape: [3, 4], elements: random.floats(12))
        func values(_ range: ClosedRange<Float>) -> Tensor { Tensor(shape: [3], elements: random.floats(3, in: range)) }
        let (gamma, beta, mean, variance) = (values(0.5...2), values(-1...1), values(-1...1), values(0.1...3))
        let folded = BatchNorm(gamma: gamma, beta: beta, mean: mean, variance: variance).folded(into: weights)
        let input = random.floats(4)
        let plain = Linear(weights: weights, bias: Tensor(shape: [3], elements: [0, 0, 0])).apply(input)
        let result = Linear(weights: folded.weights, bias: folded.bias).apply(input)
        for channel in 0..<3 {
            let scale = Double(gamma.elements[channel]) / (Double(variance.elements[channel]) + 1e-5).squareRoot()
            let expected = (plain[channel] - Double(mean.elements[channel])) * scale + Double(beta.elements[channel])
            #expect(abs(result[channel] - expected) < 1e-6)
        }
    }

    @Test("pixels are normalised as torchvision does it")
    func normalization() {
        let normalization = ImageNormalization(mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225])
        var output = [Float](repeating: .nan, count: 6)
        normalization.apply(rgb: [0, 128, 255, 255, 0, 1], pixelCount: 2, output: &output)
        let expected: [Float] = [
            (0 - 0.485) / 0.229, (1 - 0.485) / 0.229, (Float(128) / 255 - 0.456) / 0.224, (0 - 0.456) / 0.224,
            (1 - 0.406) / 0.225, (Float(1) / 255 - 0.406) / 0.225,
        ]
        for (value, wanted) in zip(output, expected) { #expect(abs(value - wanted) < 1e-6) }
    }

    @Test("finiteness", arguments: [Float.nan, .infinity, -.infinity])
    func finiteness(bad: Float) {
        var values = [Float](repeating: 3e38, count: 1000)
        #expect(Tensor(shape: [1000], elements: values).isFinite)
        values[777] = bad
        #expect(!Tensor(shape: [1000], elements: values).isFinite)
        #expect(Tensor(shape: [0], elements: []).isFinite)
    }

    @Test("every turn of a parallel loop runs once, each worker on one thread at a time")
    func parallelLoop() {
        for threads in [1, 2, 3, 8] {
            let count = 100
            let turns = Workspace(regionCounts: [count])
            let busy = Workspace(regionCounts: [threads])
            ParallelLoop.run(count: count, threads: threads) { worker, index in
                busy.region(0)[worker] += 1
                turns.region(0)[index] += 1
            }
            #expect(turns.region(0).allSatisfy { $0 == 1 })
            #expect(busy.region(0).reduce(0, +) == Float(count))
        }
    }
}
