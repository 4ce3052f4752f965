import Foundation
import NeuralCore
import Testing
import Training


/// Against values that Fixtures/make_optimiser_values.py had PyTorch compute.
@Suite struct OptimiserTests {
    struct Values: Decodable {
        struct Run: Decodable {
            var kind: OptimiserSettings.Kind
            var radius, clip: Double
            var norms: [Double]
            var trace: [[String: [Float]]]
        }
        struct Loss: Decodable {
            var positive, loss: Double
            var labels: [Int]
            var logits, weights, gradient: [Double]
        }
        struct Average: Decodable {
            var values, trace: [[Float]]
        }
        var shapes: [String: [Int]]
        var start: [String: [Float]]
        var field: [String: [[Float]]]
        var runs: [Run]
        var schedules: [String: [Double]]
        var losses: [Loss]
        var average: Average
    }

    static let values: Result<Values, any Error> = Result {
        let url = try #require(Bundle.module.url(forResource: "optimiser-values", withExtension: "json", subdirectory: "Fixtures"))
        return try JSONDecoder().decode(Values.self, from: Data(contentsOf: url))
    }

    private func layout(_ values: Values) -> ParameterLayout {
        var layout = ParameterLayout()
        for name in ["body.weight", "body.bias", "fc.weight"] {
            layout.append(name, shape: values.shapes[name] ?? [], decays: name != "body.bias", isHead: name == "fc.weight")
        }
        return layout
    }

    private func fill(_ buffer: ParameterBuffer, _ content: [String: [Float]]) {
        for entry in buffer.layout.entries { _ = buffer.values(of: entry).update(fromContentsOf: content[entry.name] ?? []) }
    }

    /// g = a·p² + b·p + c in float, as the script has it.
    private func setGradients(_ gradients: ParameterBuffer, at parameters: ParameterBuffer, _ field: [String: [[Float]]]) {
        for entry in parameters.layout.entries {
            guard let c = field[entry.name] else { continue }
            let (p, g) = (parameters.values(of: entry), gradients.values(of: entry))
            for index in p.indices { g[index] = c[0][index] * p[index] * p[index] + c[1][index] * p[index] + c[2][index] }
        }
    }

    @Test(arguments: 0..<8, [1, 3]) func stepsArePyTorchs(index: Int, threads: Int) throws {
        let values = try Self.values.get()
        let run = values.runs[index]
        let layout = layout(values)
        let team = ThreadTeam(size: threads)
        let settings = OptimiserSettings(
            kind: run.kind, rate: 1e-2, headRate: 5e-2, weightDecay: 0.1, clipNorm: run.clip, sharpnessRadius: run.radius)
        let optimiser = Optimiser(settings, layout: layout, team: team)
        let sharpness = SharpnessPerturbation(radius: run.radius, layout: layout, team: team)
        let (parameters, gradients) = (ParameterBuffer(layout: layout), ParameterBuffer(layout: layout))
        fill(parameters, values.start)
        for step in 1...run.trace.count {
            setGradients(gradients, at: parameters, values.field)
            if run.radius > 0 {
                let before = Array(parameters.values)
                sharpness.climb(parameters, along: gradients, norm: optimiser.norm(of: gradients))
                #expect(Array(parameters.values) != before)
                setGradients(gradients, at: parameters, values.field)
                sharpness.comeBack(parameters)
                #expect(Array(parameters.values) == before)
            }
            let norm = optimiser.norm(of: gradients)
            if run.clip > 0 { #expect(abs(norm - run.norms[step - 1]) <= 2e-6 * norm) }
            optimiser.update(
                parameters, gradients: gradients, step: step, rates: .init(backbone: 1e-2, head: 5e-2),
                gradientScale: optimiser.clipFactor(norm: norm))
            for entry in layout.entries {
                for (ours, theirs) in zip(parameters.values(of: entry), run.trace[step - 1][entry.name] ?? []) {
                    // A few roundings a step: PyTorch fuses some of its operations where the CPU can.
                    #expect(abs(ours - theirs) <= 4e-7 * max(1, abs(theirs)), "\(run.kind) step \(step) \(entry.name)")
                }
            }
        }
    }

    @Test func decaySparesNormsAndBiases() {
        var layout = ParameterLayout()
        layout.append("weight", shape: [3], decays: true)
        layout.append("bias", shape: [3], decays: false)
        for kind in OptimiserSettings.Kind.allCases {
            let optimiser = Optimiser(OptimiserSettings(kind: kind, weightDecay: 0.5), layout: layout, team: ThreadTeam(size: 1))
            let (parameters, gradients) = (ParameterBuffer(layout: layout), ParameterBuffer(layout: layout))
            parameters.values.update(repeating: 1)
            optimiser.update(parameters, gradients: gradients, step: 1, rates: .init(backbone: 0.1, head: 0.1))
            #expect(Array(parameters.values) == [0.95, 0.95, 0.95, 1, 1, 1])
        }
    }

    @Test func sameBitsOnAnyNumberOfThreads() {
        var layout = ParameterLayout()
        layout.append("large", shape: [200_003], decays: true)
        layout.append("small", shape: [5], decays: false, isHead: true)
        func run(_ threads: Int) -> (norm: Double, values: [Float]) {
            var random = SeededRandom(seed: 5)
            let team = ThreadTeam(size: threads)
            let optimiser = Optimiser(OptimiserSettings(), layout: layout, team: team)
            let (parameters, gradients) = (ParameterBuffer(layout: layout), ParameterBuffer(layout: layout))
            for index in parameters.values.indices { parameters.values[index] = Float(random.normal()) }
            let average = MovingAverage(decay: 0.9, of: parameters, team: team)
            for index in gradients.values.indices { gradients.values[index] = Float(random.normal()) }
            var norm = 0.0
            for step in 1...3 {
                norm = optimiser.norm(of: gradients)
                optimiser.update(parameters, gradients: gradients, step: step, rates: .init(backbone: 1e-2, head: 1e-1))
                average.take(parameters, step: step - 1)
            }
            return (norm, Array(parameters.values) + Array(average.values.values))
        }
        let one = run(1)
        for threads in 2...4 {
            let more = run(threads)
            #expect(more.norm == one.norm && more.values == one.values)
        }
        // The law of large numbers knows the norm too.
        #expect(abs(one.norm - 200_008.0.squareRoot()) < 5)
    }

    @Test func anInfiniteGradientShowsInTheNorm() {
        var layout = ParameterLayout()
        layout.append("weight", shape: [40], decays: true)
        let optimiser = Optimiser(OptimiserSettings(), layout: layout, team: ThreadTeam(size: 1))
        let gradients = ParameterBuffer(layout: layout)
        for value in [Float.nan, .infinity, -.infinity] {
            gradients.values[37] = value
            #expect(!optimiser.norm(of: gradients).isFinite)
        }
        gradients.values[37] = .greatestFiniteMagnitude
        #expect(optimiser.norm(of: gradients).isFinite)
    }

    @Test func averageIsLerp() throws {
        let average = try Self.values.get().average
        var layout = ParameterLayout()
        layout.append("a", shape: [9], decays: true)
        let current = ParameterBuffer(layout: layout)
        _ = current.values.update(fromContentsOf: average.values[0])
        let ema = MovingAverage(decay: 0.98, of: current, team: ThreadTeam(size: 1))
        for (step, values) in average.values.dropFirst().enumerated() {
            _ = current.values.update(fromContentsOf: values)
            ema.take(current, step: step)
            for (ours, theirs) in zip(ema.values.values, average.trace[step]) { #expect(abs(ours - theirs) <= 2.5e-7) }
        }
        #expect(MovingAverage.kept(decay: 0.98, step: 0) == 0.1)
        #expect(MovingAverage.kept(decay: 0.98, step: 10_000) == 0.98)
        let none = MovingAverage(decay: 0, of: current, team: ThreadTeam(size: 1))
        current.values[0] = 77
        none.take(current, step: 3)
        #expect(none.values.values[0] == 77)
    }

    @Test func schedulesArePyTorchs() throws {
        let theirs = try Self.values.get().schedules
        let cosine = LearningRateSchedule(form: .cosine, warmUpSteps: 8, floor: 0.05)
        for step in 0..<8 { #expect(abs(cosine.factor(step: step, of: 32) - (theirs["warm_up"]?[step] ?? -1)) < 1e-12) }
        for step in 0..<24 { #expect(abs(cosine.factor(step: 8 + step, of: 32) - (theirs["cosine"]?[step] ?? -1)) < 1e-12) }
        let linear = LearningRateSchedule(form: .linear, warmUpSteps: 0, decayShare: 0.25, floor: 0.05)
        for step in 0..<36 { #expect(linear.factor(step: step, of: 48) == 1) }
        for step in 0..<12 { #expect(abs(linear.factor(step: 36 + step, of: 48) - (theirs["linear"]?[step] ?? -1)) < 1e-12) }
        #expect(LearningRateSchedule(form: .constant, warmUpSteps: 2).factor(step: 500, of: 9) == 1)
        // A run shorter than its warm-up, and one that goes past its end, have a rate all the same.
        #expect(cosine.factor(step: 3, of: 4) == 0.5)
        #expect(cosine.factor(step: 900, of: 32) == 0.05)
    }

    @Test func lossIsPyTorchs() throws {
        for theirs in try Self.values.get().losses {
            let ours = BinaryCrossEntropy(fakeWeight: theirs.positive)
                .evaluate(logits: theirs.logits, labels: theirs.labels.map { $0 == 1 }, weights: theirs.weights)
            #expect(abs(ours.loss - theirs.loss) <= 1e-12 * theirs.loss)
            for (a, b) in zip(ours.gradient, theirs.gradient) { #expect(abs(a - b) <= 1e-14) }
        }
        let weighted = BinaryCrossEntropy(realWeight: 3).evaluate(logits: [0, 0], labels: [false, true])
        #expect(abs(weighted.loss - 2 * log(2)) < 1e-12)
        #expect(weighted.gradient == [0.75, -0.25])
    }
}
