import CKernels
import NeuralCore
import Testing

@Suite("Convolution")
struct ConvolutionTests {
    /// float32 sums of up to a few hundred products of values below 1 differ from the double ones by less.
    private static let tolerance: Float = 1e-5

    private struct Case {
        let plan: ConvolutionPlan
        let input: [Float]
        let weights: [Float]
        let bias: [Float]
        let residual: [Float]

        init(plan: ConvolutionPlan, random: inout TestRandom) {
            self.plan = plan
            input = random.floats(plan.inputCount)
            // Scaled so that outputs stay near 1 whatever the depth.
            let spread = 1 / Float(plan.depth).squareRoot()
            weights = random.floats(plan.weightCount, in: -spread...spread)
            bias = random.floats(plan.outChannels)
            residual = random.floats(plan.outputCount)
        }

        init(random: inout TestRandom) {
            let kernel = Int.random(in: 1...7, using: &random)
            let padding = Int.random(in: 0...3, using: &random)
            let least = max(1, kernel - 2 * padding)
            self.init(
                plan: ConvolutionPlan(
                    inChannels: Int.random(in: 1...19, using: &random),
                    height: Int.random(in: least...(least + 22), using: &random),
                    width: Int.random(in: least...(least + 22), using: &random),
                    outChannels: Int.random(in: 1...21, using: &random), kernel: kernel,
                    stride: Int.random(in: 1...3, using: &random), padding: padding),
                random: &random)
        }

        func fast(_ epilogue: (UnsafePointer<Float>) -> Convolution.Epilogue) -> [Float] {
            let weightShape = [plan.outChannels, plan.inChannels, plan.kernel, plan.kernel]
            let convolution = Convolution(
                plan: plan, weights: Tensor(shape: weightShape, elements: weights),
                bias: Tensor(shape: [plan.outChannels], elements: bias))
            let workspace = Workspace(regionCounts: [plan.scratchCount])
            var output = [Float](repeating: .nan, count: plan.outputCount)
            residual.withUnsafeBufferPointer { residual in
                guard let base = residual.baseAddress else { return }
                convolution.apply(
                    input: input, output: &output, scratch: workspace.region(0), epilogue: epilogue(base))
            }
            return output
        }

        func reference() -> [Float] {
            var shape = plan.kernelShape
            var output = [Float](repeating: .nan, count: plan.outputCount)
            conv2d_reference(&shape, input, weights, bias, &output)
            return output
        }
    }

    private func largestDifference(_ left: [Float], _ right: [Float]) -> Float {
        zip(left, right).reduce(0) { largest, pair in
            let difference = abs(pair.0 - pair.1)
            return difference.isNaN ? .infinity : max(largest, difference)
        }
    }

    @Test("im2col and GEMM equal the definition over odd shapes", arguments: [UInt64(1), 20, 300, 4_000])
    func equalsReference(seed: UInt64) {
        var random = TestRandom(seed: seed)
        for turn in 0..<40 {
            let item = Case(random: &random)
            let difference = largestDifference(item.fast { _ in .bias }, item.reference())
            #expect(difference <= Self.tolerance, "seed \(seed), turn \(turn), \(item.plan)")
        }
    }

    @Test("a shape cut into several tiles equals the definition")
    func tiles() {
        var random = TestRandom(seed: 5)
        let plan = ConvolutionPlan(
            inChannels: 32, height: 57, width: 61, outChannels: 5, kernel: 3, stride: 1, padding: 1)
        #expect(plan.rowsPerTile < plan.outHeight)
        let item = Case(plan: plan, random: &random)
        #expect(largestDifference(item.fast { _ in .bias }, item.reference()) <= Self.tolerance)
    }

    @Test("bias, ReLU and residual are fused rightly", arguments: [UInt64(7), 8])
    func epilogues(seed: UInt64) {
        var random = TestRandom(seed: seed)
        for turn in 0..<10 {
            let item = Case(random: &random)
            let plain = item.reference()
            let rectified = plain.map { max(0, $0) }
            let summed = zip(plain, item.residual).map { max(0, $0 + $1) }
            #expect(
                largestDifference(item.fast { _ in .biasRelu }, rectified) <= Self.tolerance, "seed \(seed), turn \(turn)")
            #expect(
                largestDifference(item.fast { .biasResidualRelu($0) }, summed) <= Self.tolerance,
                "seed \(seed), turn \(turn)")
        }
    }

    @Test("the comparison catches a kernel that is wrong on purpose", arguments: [UInt64(1), 20])
    func canary(seed: UInt64) {
        var random = TestRandom(seed: seed)
        for _ in 0..<20 {
            let item = Case(random: &random)
            var shape = item.plan.kernelShape
            var flipped = [Float](repeating: .nan, count: item.plan.outputCount)
            // Off by one column: the mistake an unrolling most easily makes.
            var shifted = item.input
            shifted.append(shifted.removeFirst())
            conv2d_reference(&shape, shifted, item.weights, item.bias, &flipped)
            guard item.input.count > 1 else { continue }
            #expect(largestDifference(flipped, item.reference()) > Self.tolerance, "seed \(seed), \(item.plan)")
        }
    }

    @Test("a NaN is not swallowed by ReLU or pooling")
    func keepsNaN() {
        var data: [Float] = [.nan, -1, 2]
        bias_relu_f32(&data, [0], 1, 3, 3)
        #expect(data[0].isNaN && data[1] == 0 && data[2] == 2)
        var pooled: [Float] = [0]
        max_pool_3x3s2_f32([1, .nan, 3, 4], 1, 2, 2, &pooled)
        #expect(pooled[0].isNaN)
    }
}
