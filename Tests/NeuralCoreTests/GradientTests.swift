import CKernels
import NeuralCore
import Testing

/// The backward pass of every float32 family that this CPU has, against finite differences of the definitions in double.
@Suite("Gradients")
struct GradientTests {
    static let selections: [KernelSelection] = KernelSet.available.filter { $0 != .amx }.compactMap {
        try? KernelSelection(precision: .float32, kernels: $0)
    }
    static let plain = selections.filter { $0.kernels == .reference }
    static let others = selections.filter { $0.kernels != .reference }

    /// Of a tensor's largest derivative: the plain kernels sum in double and round to float32 once a layer, but what a normalisation takes out of
    /// a gradient is many times what it leaves.
    static let tolerance = 1e-3
    /// For central differences. Their own error goes with its square and their rounding with 10⁻¹⁶ over it; what bounds it from above is that no
    /// ReLU may change sides on the way.
    static let difference = 1e-7
    /// Between families, of a tensor's norm: sums of float32 over thousands of pixels, Winograd's transforms, and here and there a ReLU whose
    /// input is so near to zero that two families disagree about its sign; a batch's statistics hand that on to every pixel.
    static func familyTolerance(_ form: NormForm) -> Double { form == .batch ? 3e-2 : 2e-3 }

    private static func distance(_ computed: UnsafeMutableBufferPointer<Float>, _ expected: UnsafeMutableBufferPointer<Float>) -> Double {
        let difference = zip(computed, expected).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
        let size = expected.reduce(0.0) { $0 + Double($1) * Double($1) }
        return (difference / max(size, 1e-6)).squareRoot()
    }

    private static func coefficient(_ index: Int) -> Double { Double((index * 7_919) % 41 - 20) / 20 }

    @Test("gradients are what finite differences say", arguments: plain, NormForm.allCases)
    func finiteDifferences(selection: KernelSelection, form: NormForm) throws {
        for seed in [UInt64(3), 8_000] {
            var random = TestRandom(seed: seed)
            var sample = TrainingSample(form: form, random: &random)
            let network = sample.network(selection, threads: Int.random(in: 1...3, using: &random))
            let (output, gradients, _) = sample.run(network, outputGradient: Self.coefficient)
            let expected = sample.reference(coefficient: Self.coefficient).output
            let largest = expected.reduce(1e-3) { max($0, abs($1)) }
            #expect(zip(output, expected).allSatisfy { abs(Double($0) - $1) <= 2e-5 * largest }, "forward, seed \(seed), \(sample)")
            for entry in network.layout.entries {
                var worst = 0.0
                let scale = gradients.values(of: entry).reduce(1e-2) { max($0, Double(abs($1))) }
                for _ in 0..<3 {
                    let place = Int.random(in: 0..<entry.count, using: &random)
                    let middle = sample.parameters[entry.name]?[place] ?? 0
                    sample.parameters[entry.name]?[place] = middle + Self.difference
                    let above = sample.reference(coefficient: Self.coefficient).loss
                    sample.parameters[entry.name]?[place] = middle - Self.difference
                    let below = sample.reference(coefficient: Self.coefficient).loss
                    sample.parameters[entry.name]?[place] = middle
                    let derivative = (above - below) / (2 * Self.difference)
                    worst = max(worst, abs(derivative - Double(gradients.values(of: entry)[place])) / scale)
                }
                #expect(worst <= Self.tolerance, "\(entry.name) \(entry.shape), seed \(seed), \(sample), \(selection)")
            }
        }
    }

    @Test("every family's gradients are the plain one's", arguments: others, NormForm.allCases)
    func familiesAgree(selection: KernelSelection, form: NormForm) throws {
        let reference = try #require(Self.plain.first)
        for seed in [UInt64(3), 50, 700, 8_000, 90_000, 100_000] {
            var random = TestRandom(seed: seed)
            let sample = TrainingSample(form: form, random: &random)
            let expected = sample.run(sample.network(reference, threads: 1), outputGradient: Self.coefficient)
            let computed = sample.run(sample.network(selection, threads: 2), outputGradient: Self.coefficient)
            let largest = expected.output.reduce(1e-3) { max($0, abs($1)) }
            #expect(zip(computed.output, expected.output).allSatisfy { abs($0 - $1) <= 2e-5 * largest }, "seed \(seed), \(sample)")
            for entry in expected.gradients.layout.entries {
                let (a, b) = (computed.gradients.values(of: entry), expected.gradients.values(of: entry))
                let distance = Self.distance(a, b)
                #expect(distance <= Self.familyTolerance(form), "\(entry.name) \(entry.shape), seed \(seed), \(sample), \(selection)")
            }
            for (a, b) in zip(computed.statistics.values, expected.statistics.values) { #expect(abs(a - b) <= 1e-4) }
        }
    }

    @Test("the folded form's forward pass is that of a plan, to the bit", arguments: selections)
    func equalsPlan(selection: KernelSelection) throws {
        var random = TestRandom(seed: 12)
        let sample = SampleNetwork(random: &random)
        let frames = 3
        let pixels = random.floats(frames * sample.inputCount)
        let plan = try sample.plan(selection)
        let expected = sample.run(plan, PlanContext(plan: plan, threads: 1), frames: pixels)
        #expect(sample.train(selection, pixels: pixels, threads: 2) == expected)
    }

    @Test("values and gradients are the same to the bit at any number of threads", arguments: selections, NormForm.allCases)
    func sameAtAnyNumberOfThreads(selection: KernelSelection, form: NormForm) {
        for seed in [UInt64(9), 21] {
            var random = TestRandom(seed: seed)
            let sample = TrainingSample(form: form, random: &random)
            let alone = sample.run(sample.network(selection, threads: 1), outputGradient: Self.coefficient)
            for threads in [2, 3, 5] {
                let network = sample.network(selection, threads: threads)
                // Twice: what the first call leaves in memory must not matter.
                for _ in 0..<2 {
                    let together = sample.run(network, outputGradient: Self.coefficient)
                    #expect(together.output == alone.output, "seed \(seed), \(threads) threads")
                    #expect(together.gradients.values.elementsEqual(alone.gradients.values), "seed \(seed), \(threads) threads")
                    #expect(together.statistics.values.elementsEqual(alone.statistics.values), "seed \(seed), \(threads) threads")
                }
            }
        }
    }

    @Test("batch statistics follow the batch while training, and only then", arguments: selections)
    func runningStatistics(selection: KernelSelection) {
        var random = TestRandom(seed: 5)
        let sample = TrainingSample(form: .batch, random: &random)
        let network = sample.network(selection, threads: 2)
        let before = sample.run(network, isTraining: false, outputGradient: Self.coefficient)
        for entry in network.statisticsLayout.entries {
            let given = (sample.statistics[entry.name] ?? []).map { Float($0) }
            #expect(before.statistics.values(of: entry).elementsEqual(given), "\(entry.name)")
        }
        let expected = sample.reference(isTraining: false, coefficient: Self.coefficient).output
        let largest = expected.reduce(1e-3) { max($0, abs($1)) }
        #expect(zip(before.output, expected).allSatisfy { abs(Double($0) - $1) <= 2e-5 * largest })
        let after = sample.run(network, isTraining: true, outputGradient: Self.coefficient)
        for entry in network.statisticsLayout.entries {
            let given = (sample.statistics[entry.name] ?? []).map { Float($0) }
            #expect(!after.statistics.values(of: entry).elementsEqual(given), "\(entry.name)")
        }
    }

    @Test("the comparison catches a gradient that is wrong on purpose")
    func canary() throws {
        var random = TestRandom(seed: 31)
        let sample = TrainingSample(form: .folded, random: &random)
        let selection = try KernelSelection(precision: .float32, kernels: .reference)
        let right = sample.run(sample.network(selection, threads: 1), outputGradient: Self.coefficient)
        // The output's gradient one value on: as if a kernel had taken its neighbour.
        let wrong = sample.run(sample.network(selection, threads: 1)) { Self.coefficient($0 + 1) }
        for entry in right.gradients.layout.entries {
            let (a, b) = (right.gradients.values(of: entry), wrong.gradients.values(of: entry))
            #expect(Self.distance(b, a) > 10 * Self.familyTolerance(.folded), "\(entry.name)")
        }
    }
}
