import CKernels
import NeuralCore
import Testing

/// The backward pass of every float32 family that this CPU has, against finite differences of the definitions in double.
@Suite("Gradients")
struct GradientTests {
    static let selections: [KernelSelection] = KernelSet.available.filter { $0 != .amx }.compactMap {
        try? KernelSelection(precision: .float32, kernels: $0)
    }
    /// Of a tensor's largest derivative: sums over thousands of pixels of float32 round to some 10⁻⁶, Winograd's to some 10⁻⁵, and now and then
    /// a ReLU's input is so near to zero that float and double disagree about its sign.
    static let tolerance = 1e-3
    /// For central differences: their own error goes with its square, their rounding with 10⁻¹⁶ over it.
    static let difference = 1e-5

    private static func coefficient(_ index: Int) -> Double { Double((index * 7_919) % 41 - 20) / 20 }

    @Test("gradients are what finite differences say", arguments: selections, NormForm.allCases)
    func finiteDifferences(selection: KernelSelection, form: NormForm) throws {
        for seed in [UInt64(3), 50, 700, 8_000] {
            var random = TestRandom(seed: seed)
            var sample = TrainingSample(form: form, random: &random)
            let network = sample.network(selection, threads: Int.random(in: 1...3, using: &random))
            let (output, gradients, _) = sample.run(network, outputGradient: Self.coefficient)
            let expected = sample.reference(coefficient: Self.coefficient).output
            let largest = expected.reduce(1e-3) { max($0, abs($1)) }
            #expect(zip(output, expected).allSatisfy { abs(Double($0) - $1) <= 2e-5 * largest }, "forward, seed \(seed), \(sample)")
            for entry in network.layout.entries {
                let places = (0..<6).map { _ in Int.random(in: 0..<entry.count, using: &random) }
                var worst = 0.0
                let scale = gradients.values(of: entry).reduce(1e-3) { max($0, Double(abs($1))) }
                for place in places {
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
            let scale = a.reduce(1e-3) { max($0, abs($1)) }
            #expect(zip(a, b).contains { abs($0 - $1) > 10 * Float(Self.tolerance) * scale }, "\(entry.name)")
        }
    }
}
