import NeuralCore
import Testing

/// PReLU, every maximum, convolutions without padding and layers over whole pictures, against the definition.
@Suite("Chains of layers")
struct ChainTests {
    private static func network(_ random: inout TestRandom) -> ChainNetwork {
        let square = Bool.random(using: &random)
        let height = Int.random(in: 5...61, using: &random)
        return ChainNetwork(
            channels: [1, 3, 3, 4, 5, 18].randomElement(using: &random) ?? 3, height: height,
            width: square ? height : Int.random(in: 5...61, using: &random), depth: Int.random(in: 1...4, using: &random),
            endsWhole: square, random: &random)
    }

    private static func difference(_ computed: [Float], _ expected: [Double]) -> Double {
        guard computed.count == expected.count else { return .infinity }
        let largest = expected.reduce(1e-3) { max($0, abs($1)) }
        return zip(computed, expected).reduce(0) { worst, pair in
            let difference = abs(Double(pair.0) - pair.1) / largest
            return difference.isNaN ? .infinity : max(worst, difference)
        }
    }

    @Test("chains of odd shapes are what the definition says", arguments: KernelTests.selections, [UInt64(1), 20, 300])
    func equalsDefinition(selection: KernelSelection, seed: UInt64) throws {
        var random = TestRandom(seed: seed)
        for turn in 0..<16 {
            let network = Self.network(&random)
            let frameCount = Int.random(in: 1...4, using: &random)
            let threads = Int.random(in: 1...3, using: &random)
            let frames = random.floats(frameCount * network.inputCount)
            let plan = try network.plan(selection, depthFirst: turn % 2 == 0)
            let output = network.run(plan, PlanContext(plan: plan, threads: threads), frames: frames)
            let expected = (0..<frameCount).flatMap {
                network.reference(frames[$0 * network.inputCount..<($0 + 1) * network.inputCount])
            }
            #expect(
                Self.difference(output, expected) <= KernelTests.tolerance(selection.precision),
                "\(selection), seed \(seed), turn \(turn), \(frameCount) frames, \(threads) threads, \(network)")
        }
    }

    @Test("the comparison catches slopes that are wrong on purpose", arguments: KernelTests.selections)
    func canary(selection: KernelSelection) throws {
        var random = TestRandom(seed: 5)
        let network = ChainNetwork(channels: 3, height: 20, width: 20, depth: 2, endsWhole: false, random: &random)
        let plan = try network.plan(selection)
        let frames = random.floats(network.inputCount)
        let output = network.run(plan, PlanContext(plan: plan, threads: 1), frames: frames)
        let wrong = network.withOtherSlopes()
        #expect(Self.difference(output, wrong.reference(frames[...])) > KernelTests.tolerance(selection.precision))
        #expect(Self.difference(output, network.reference(frames[...])) <= KernelTests.tolerance(selection.precision))
    }

    @Test("the same bits by layers or by rows, in any batch, on any number of threads", arguments: KernelTests.selections)
    func bitEqual(selection: KernelSelection) throws {
        var random = TestRandom(seed: 8)
        for _ in 0..<6 {
            let network = Self.network(&random)
            let plans = try [false, true].map { try network.plan(selection, framesAtOnce: 3, depthFirst: $0) }
            let frames = random.floats(4 * network.inputCount)
            let expected = network.run(plans[0], PlanContext(plan: plans[0], threads: 1), frames: frames)
            let each = expected.count / 4
            for plan in plans {
                for (threads, range) in [(1, 0..<4), (2, 1..<4), (3, 2..<3), (2, 0..<1)] {
                    let some = Array(frames[range.lowerBound * network.inputCount..<range.upperBound * network.inputCount])
                    let output = network.run(plan, PlanContext(plan: plan, threads: threads), frames: some)
                    let wanted = expected[range.lowerBound * each..<range.upperBound * each]
                    #expect(output.map(\.bitPattern) == wanted.map(\.bitPattern), "\(selection), \(threads) threads, \(network)")
                }
            }
        }
    }

    @Test("contexts that share their memory do not disturb each other", arguments: KernelTests.selections)
    func sharedMemory(selection: KernelSelection) throws {
        var random = TestRandom(seed: 12)
        let networks = (0..<4).map { _ in Self.network(&random) }
        let plans = try networks.map { try $0.plan(selection, batch: 2) }
        let contexts = PlanContext.contexts(sharingMemoryFor: plans)
        let frames = networks.map { random.floats(2 * $0.inputCount) }
        let expected = networks.indices.map {
            networks[$0].run(plans[$0], PlanContext(plan: plans[$0], threads: 1), frames: frames[$0])
        }
        for turn in [0, 3, 1, 1, 2, 0, 3, 2] {
            let output = networks[turn].run(plans[turn], contexts[turn], frames: frames[turn])
            #expect(output.map(\.bitPattern) == expected[turn].map(\.bitPattern), "\(selection), network \(turn)")
        }
    }

    @Test("a NaN passes every layer", arguments: KernelTests.selections)
    func notANumber(selection: KernelSelection) throws {
        var random = TestRandom(seed: 21)
        for _ in 0..<4 {
            let network = Self.network(&random)
            var frame = random.floats(network.inputCount)
            frame[network.inputCount / 2] = .nan
            guard network.reference(frame[...]).contains(where: \.isNaN) else { continue }
            let plan = try network.plan(selection)
            let output = network.run(plan, PlanContext(plan: plan, threads: 1), frames: frame)
            #expect(output.contains { !$0.isFinite }, "\(selection), \(network)")
        }
    }
}
