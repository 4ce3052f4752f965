import NeuralCore
import Testing

@Suite("Layers")
struct LayerTests {
    @Test("means and weighted sums over pixels, vector lengths and remainders alike")
    func reductions() {
        var random = TestRandom(seed: 11)
        for (pixels, channels) in [(1, 1), (4, 3), (49, 512), (7, 21)] {
            let input = random.floats(pixels * channels)
            let weights = random.floats(channels).map { Double($0) }
            var means = [Float](repeating: .nan, count: channels)
            Reductions.channelMeans(input, pixels: pixels, channels: channels, into: &means)
            var sums = [Double](repeating: .nan, count: pixels)
            Reductions.weightedSums(weights: weights, input, pixels: pixels, into: &sums)
            for c in 0..<channels {
                let expected = (0..<pixels).reduce(0.0) { $0 + Double(input[$1 * channels + c]) } / Double(pixels)
                #expect(abs(Double(means[c]) - expected) <= 1e-6)
            }
            for p in 0..<pixels {
                let expected = (0..<channels).reduce(0.0) { $0 + weights[$1] * Double(input[p * channels + $1]) }
                #expect(abs(sums[p] - expected) <= 1e-9)
            }
        }
    }

    @Test("planes are interleaved")
    func interleaving() {
        var output = [Float](repeating: .nan, count: 6)
        Reductions.interleavePlanes([1, 2, 9, 3, 4, 9, 5, 6, 9], planeDistance: 3, count: 2, into: &output)
        #expect(output == [1, 3, 5, 2, 4, 6])
    }

    @Test("a linear layer and its gradient")
    func linear() {
        let layer = Linear(
            weights: Tensor(shape: [2, 5], elements: [1, 2, 3, 4, 5, -1, 0, 1, 0, 2]),
            bias: Tensor(shape: [2], elements: [0.5, -0.5]))
        #expect(layer.apply([1, 1, 1, 1, 2]) == [20.5, 3.5])
        #expect(layer.inputGradient(outputGradient: [2, 1]) == [1, 4, 7, 8, 12])
    }

    @Test("a normalisation folds into factors and a bias")
    func folding() {
        var random = TestRandom(seed: 3)
        let weights = Tensor(shape: [3, 4], elements: random.floats(12))
        func values(_ range: ClosedRange<Float>) -> Tensor { Tensor(shape: [3], elements: random.floats(3, in: range)) }
        let (gamma, beta, mean, variance) = (values(0.5...2), values(-1...1), values(-1...1), values(0.1...3))
        let folded = BatchNorm(gamma: gamma, beta: beta, mean: mean, variance: variance).folded(into: weights)
        for channel in 0..<3 {
            let scale = Double(gamma.elements[channel]) / (Double(variance.elements[channel]) + 1e-5).squareRoot()
            #expect(abs(folded.factors[channel] - scale) < 1e-12)
            let shift = Double(beta.elements[channel]) - Double(mean.elements[channel]) * scale
            #expect(abs(Double(folded.bias[channel]) - shift) < 1e-6)
        }
        #expect(folded.values == weights)
    }

    @Test("pixels are normalised as torchvision does it")
    func normalization() {
        let normalization = ImageNormalization(mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225])
        var random = TestRandom(seed: 2)
        // More than one of the kernel's chunks, and a remainder.
        let bytes = (0..<3 * 37).map { _ in UInt8.random(in: 0...255, using: &random) }
        var output = [Float](repeating: .nan, count: bytes.count)
        normalization.apply(rgb: bytes, pixelCount: bytes.count / 3, output: &output)
        let (mean, std): ([Float], [Float]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
        for (index, byte) in bytes.enumerated() {
            #expect(output[index] == (Float(byte) / 255 - mean[index % 3]) / std[index % 3])
        }
    }

    @Test("finiteness", arguments: [Float.nan, .infinity, -.infinity])
    func finiteness(bad: Float) {
        var values = [Float](repeating: 3e38, count: 1000)
        #expect(Tensor(shape: [1000], elements: values).isFinite)
        values[777] = bad
        #expect(!Tensor(shape: [1000], elements: values).isFinite)
        #expect(Tensor(shape: [0], elements: []).isFinite)
    }
}
