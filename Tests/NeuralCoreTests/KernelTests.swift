import CKernels
import NeuralCore
import Testing

/// Every kernel family that this CPU has, against the definition.
@Suite("Kernels")
struct KernelTests {
    static let selections: [KernelSelection] = KernelSet.available.flatMap { kernels in
        kernels.precisions.compactMap { try? KernelSelection(precision: $0, kernels: kernels) }
    }

    /// Largest difference relative to the output's largest value, after six layers. float32: sums of some hundred products round to 10⁻⁶, and
    /// Winograd's F(4×4) to some times that. split: 2⁻¹⁶ a number. bfloat16: 2⁻⁹ a number; wrong places differ by a good part of 1.
    static func tolerance(_ precision: Precision) -> Double {
        switch precision {
        case .float32: 2e-5
        case .split: 3e-4
        case .bfloat16: 6e-2
        }
    }

    private static func difference(_ computed: [Float], _ expected: [Double]) -> Double {
        guard computed.count == expected.count else { return .infinity }
        let largest = expected.reduce(1e-3) { max($0, abs($1)) }
        return zip(computed, expected).reduce(0) { worst, pair in
            let difference = abs(Double(pair.0) - pair.1) / largest
            return difference.isNaN ? .infinity : max(worst, difference)
        }
    }

    @Test("a network of odd shapes is what the definition says", arguments: selections, [UInt64(1), 20, 300, 4_000])
    func equalsDefinition(selection: KernelSelection, seed: UInt64) throws {
        var random = TestRandom(seed: seed)
        for turn in 0..<4 {
            let network = SampleNetwork(random: &random)
            let frameCount = Int.random(in: 1...3, using: &random)
            let threads = Int.random(in: 1...3, using: &random)
            let frames = random.floats(frameCount * network.inputCount)
            let plan = try network.plan(selection)
            let output = network.run(plan, PlanContext(plan: plan, threads: threads), frames: frames)
            let expected = (0..<frameCount).flatMap {
                network.reference(frames[$0 * network.inputCount..<($0 + 1) * network.inputCount])
            }
            #expect(
                Self.difference(output, expected) <= Self.tolerance(selection.precision),
                "\(selection), seed \(seed), turn \(turn), \(frameCount) frames, \(threads) threads, \(network)")
        }
    }

    @Test("small pictures, side by side or not", arguments: selections, [1, 2, 3, 4, 5, 7, 8, 15, 16, 17])
    func smallExtents(selection: KernelSelection, extent: Int) throws {
        var random = TestRandom(seed: UInt64(extent))
        for (stride, frameCount) in [(1, 3), (2, 4)] {
            let network = SampleNetwork(
                channels: 3, height: extent, width: extent, stemKernel: 3, stemStride: 1, isPooled: false, innerChannels: 33,
                outChannels: 40, stride: stride, random: &random)
            let frames = random.floats(frameCount * network.inputCount)
            let plan = try network.plan(selection)
            let output = network.run(plan, PlanContext(plan: plan, threads: 2), frames: frames)
            let expected = (0..<frameCount).flatMap {
                network.reference(frames[$0 * network.inputCount..<($0 + 1) * network.inputCount])
            }
            #expect(
                Self.difference(output, expected) <= Self.tolerance(selection.precision),
                "\(selection), extent \(extent), stride \(stride)")
        }
    }

    @Test("the comparison catches kernels that are wrong on purpose", arguments: selections)
    func canary(selection: KernelSelection) throws {
        var random = TestRandom(seed: 77)
        let network = SampleNetwork(random: &random)
        let plan = try network.plan(selection)
        let frames = random.floats(network.inputCount)
        let expected = network.reference(frames[...])
        // Everything off by one pixel, and one value of one pixel wrong: the mistakes that kernels make.
        var shifted = frames
        shifted.append(shifted.removeFirst())
        let moved = network.run(plan, PlanContext(plan: plan, threads: 1), frames: shifted)
        #expect(Self.difference(moved, expected) > Self.tolerance(selection.precision))
        let output = network.run(plan, PlanContext(plan: plan, threads: 1), frames: frames)
        var swapped = output
        let first = swapped.firstIndex { abs($0) > 0.2 } ?? 0
        swapped[first] = -swapped[first] - 1
        #expect(Self.difference(swapped, expected) > Self.tolerance(selection.precision))
        #expect(Self.difference(output, expected) <= Self.tolerance(selection.precision))
    }

    @Test("a frame's output is the same to the bit in any batch, on any number of threads", arguments: selections)
    func bitEqual(selection: KernelSelection) throws {
        var random = TestRandom(seed: 5)
        let network = SampleNetwork(
            channels: 3, height: 30, width: 29, stemKernel: 7, stemStride: 2, isPooled: true, innerChannels: 20,
            outChannels: 50, stride: 1, random: &random)
        let plan = try network.plan(selection, framesAtOnce: 4)
        let most = NetworkPlan.maximumBatch
        let frames = random.floats(most * network.inputCount)
        let contexts = [1, 2, 3, 5].map { PlanContext(plan: plan, threads: $0) }
        let all = network.run(plan, contexts[0], frames: frames)
        let outputCount = all.count / most
        for (index, context) in contexts.enumerated() {
            for count in [1, 2, 3, 7, most] {
                let begin = (index * 3) % (most - count + 1)
                let some = network.run(
                    plan, context, frames: Array(frames[begin * network.inputCount..<(begin + count) * network.inputCount]))
                let expected = all[begin * outputCount..<(begin + count) * outputCount]
                #expect(some.map(\.bitPattern) == expected.map(\.bitPattern), "\(selection), \(count) frames from \(begin)")
            }
        }
    }

    @Test("full batches of small pictures, and an observed forward before a plain one", arguments: selections, [2, 3, 4, 5, 6, 7])
    func fullBatches(selection: KernelSelection, extent: Int) throws {
        var random = TestRandom(seed: 40 + UInt64(extent))
        // Between the stages the pictures are `extent` wide or half of that, so that different numbers of them stand side by side.
        for stride in [1, 2] {
            let network = SampleNetwork(
                channels: 3, height: extent + 2, width: extent, stemKernel: 3, stemStride: 1, isPooled: false, innerChannels: 33,
                outChannels: 20, stride: stride, random: &random)
            let plan = try network.plan(selection, framesAtOnce: 6)
            let frames = random.floats(NetworkPlan.maximumBatch * network.inputCount)
            let context = PlanContext(plan: plan, threads: 2)
            let before = network.run(plan, context, frames: frames)
            let expected = (0..<NetworkPlan.maximumBatch).flatMap {
                network.reference(frames[$0 * network.inputCount..<($0 + 1) * network.inputCount])
            }
            #expect(
                Self.difference(before, expected) <= Self.tolerance(selection.precision),
                "\(selection), extent \(extent), stride \(stride)")
            var seen = 0
            let observed = network.observe(plan, context, frames: frames) { seen += 1 }
            #expect(seen == 6 * NetworkPlan.maximumBatch)
            #expect(observed.map(\.bitPattern) == before.map(\.bitPattern))
            let after = network.run(plan, context, frames: frames)
            #expect(after.map(\.bitPattern) == before.map(\.bitPattern))
        }
    }

    @Test("two networks in one process, each on several threads at once", arguments: selections)
    func concurrent(selection: KernelSelection) throws {
        var random = TestRandom(seed: 9)
        let networks = (0..<2).map { _ in SampleNetwork(random: &random) }
        let plans = try networks.map { try $0.plan(selection) }
        let frames = networks.map { random.floats(3 * $0.inputCount) }
        let expected = (0..<2).map { networks[$0].run(plans[$0], PlanContext(plan: plans[$0], threads: 1), frames: frames[$0]) }
        let results = SharedFlags()
        ThreadTeam(size: 4).forEach(8) { _, index in
            let which = index % 2
            let context = PlanContext(plan: plans[which], threads: 1 + index % 3)
            for _ in 0..<3 where networks[which].run(plans[which], context, frames: frames[which]) != expected[which] {
                results.set(index)
            }
        }
        #expect(results.indices.isEmpty)
    }

    @Test("denormal numbers change nothing that can be seen; NaN and infinity come out as such", arguments: selections)
    func specialValues(selection: KernelSelection) throws {
        var random = TestRandom(seed: 31)
        let network = SampleNetwork(
            channels: 3, height: 20, width: 20, stemKernel: 7, stemStride: 2, isPooled: true, innerChannels: 16, outChannels: 16,
            stride: 1, random: &random)
        let plan = try network.plan(selection)
        let context = PlanContext(plan: plan, threads: 1)
        let zeros = [Float](repeating: 0, count: network.inputCount)
        let still = network.run(plan, context, frames: zeros)
        let denormal = zeros.map { _ in Float.leastNonzeroMagnitude * 1000 }
        let moved = network.run(plan, context, frames: denormal)
        let difference = zip(still, moved).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
        #expect(difference <= 1e-30)
        for bad in [Float.nan, .infinity, -.infinity] {
            var frame = random.floats(network.inputCount)
            frame[network.inputCount / 2] = bad
            let output = network.run(plan, context, frames: frame)
            let isBroken = output.contains { !$0.isFinite }
            #expect(isBroken, "\(selection) swallowed \(bad)")
        }
        // What a broken frame leaves behind must not reach the next.
        #expect(network.run(plan, context, frames: zeros).map(\.bitPattern) == still.map(\.bitPattern))
    }

    @Test("a maximum keeps a NaN wherever it stands", arguments: 0..<4)
    func poolingKeepsNaN(family: Int) throws {
        let tables = [float_kernels_reference(), float_kernels_avx2(), float_kernels_avx512(), float_kernels_avx512_narrow()]
        let needed: [KernelSet] = [.reference, .avx2, .avx512, .avx512]
        guard needed[family].obstacle == nil, let kernels = tables[family]?.pointee else { return }
        let channels = kernels.panel
        for place in 0..<15 {
            var rows = (0..<3).map { row in [Float](repeating: Float(row), count: 5 * channels) }
            rows[place / 5][place % 5 * channels] = .nan
            var output = [Float](repeating: 0, count: 3 * channels)
            rows[0].withUnsafeBufferPointer { first in
                rows[1].withUnsafeBufferPointer { second in
                    rows[2].withUnsafeBufferPointer { third in
                        var pool = max_pool_f32(kernel: 3, padding: 1, width: 5, channels: channels, out_width: 3)
                        kernels.max_pool_row(&pool, [first.baseAddress, second.baseAddress, third.baseAddress], 3, &output)
                    }
                }
            }
            for x in 0..<3 {
                let covers = abs(2 * x - place % 5) <= 1
                #expect(output[x * channels].isNaN == covers, "NaN at \(place), output \(x)")
            }
            #expect(output[1] == 2)
        }
    }
}
