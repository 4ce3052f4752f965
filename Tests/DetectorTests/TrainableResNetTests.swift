import Detector
import NeuralCore
import Testing
import Training

/// The network in training against PyTorch's float64, every tensor of it.
@Suite("Training of ResNet18")
struct TrainableResNetTests {
    /// Two kernel families at most: the plain one takes minutes a step.
    static let selections: [KernelSelection] = KernelSet.available.filter { $0 == .avx2 || $0 == .avx512 }.compactMap {
        try? KernelSelection(precision: .float32, kernels: $0)
    }
    /// float32 against float64 through twenty layers and back; a wrong place or factor anywhere gives a good part of 1.
    static let gradientTolerance = 1e-3

    /// Of a tensor's update after five steps. AdamW's first steps go by the gradient's sign, so what is small in a gradient is as large as all
    /// else in an update; with batch statistics, where one ReLU that changes sides reaches every pixel of its channel, more of it is.
    static func updateTolerance(_ form: NormForm) -> Double { form == .batch ? 5e-2 : 1e-2 }

    private let values: GradientValues

    init() throws {
        values = try GradientValues.load()
    }

    private func forward(_ model: TrainableResNet, _ rgb: [UInt8]) -> [Double] {
        rgb.withUnsafeBytes { model.forward(rgb: $0, count: values.pictures) }
    }

    private var labels: [Bool] { (0..<values.pictures).map { $0 % 2 == 1 } }

    private func model(_ form: GradientValues.Form, _ selection: KernelSelection, threads: Int = 2) throws -> TrainableResNet {
        let form = try #require(NormForm(rawValue: form.form))
        return try TrainableResNet(
            SeededNetwork.checkpoint(), form: form, batch: values.pictures, selection: selection, threads: threads)
    }

    @Test("every tensor's gradient is PyTorch's", arguments: selections, NormForm.allCases)
    func gradients(selection: KernelSelection, norms: NormForm) throws {
        guard let form = values.forms.first(where: { $0.form == norms.rawValue }) else { return }
        let model = try model(form, selection)
        let logits = forward(model, values.rgb(form))
        for (logit, expected) in zip(logits, form.logits) { #expect(abs(logit - expected) <= 1e-4, "\(form.form)") }
        let loss = BinaryCrossEntropy().evaluate(logits: logits, labels: labels)
        #expect(abs(loss.loss - form.losses[0]) <= 1e-5, "\(form.form)")
        model.backward(logitGradients: loss.gradient)
        #expect(Set(form.gradients.map(\.name)) == Set(model.layout.entries.map(\.name)))
        for sample in form.gradients {
            let entry = try #require(model.layout[sample.name])
            let tensor = model.gradients.values(of: entry)
            let norm = tensor.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
            #expect(abs(norm - sample.norm) <= Self.gradientTolerance * sample.norm, "\(form.form) \(sample.name)")
            let distance = sample.distance { Double(tensor[$0]) }
            #expect(distance <= Self.gradientTolerance, "\(form.form) \(sample.name)")
        }
    }

    @Test("five steps of AdamW are PyTorch's", arguments: selections, NormForm.allCases)
    func steps(selection: KernelSelection, norms: NormForm) throws {
        guard let form = values.forms.first(where: { $0.form == norms.rawValue }) else { return }
        let model = try model(form, selection)
        let rgb = values.rgb(form)
        let start = ParameterBuffer(layout: model.layout)
        start.copy(from: model.parameters)
        let optimiser = Optimiser(
            OptimiserSettings(kind: .adamw, rate: 1e-4, headRate: 1e-3, weightDecay: 0.01, clipNorm: 0), layout: model.layout,
            team: ThreadTeam(size: 2))
        for (step, expected) in form.losses.enumerated() {
            let loss = BinaryCrossEntropy().evaluate(logits: forward(model, rgb), labels: labels)
            #expect(abs(loss.loss - expected) <= 1e-5, "\(form.form), step \(step)")
            model.backward(logitGradients: loss.gradient)
            optimiser.update(
                model.parameters, gradients: model.gradients, step: step + 1, rates: .init(backbone: 1e-4, head: 1e-3))
        }
        for sample in form.updates {
            let entry = try #require(model.layout[sample.name])
            let (after, before) = (model.parameters.values(of: entry), start.values(of: entry))
            let distance = sample.distance { Double(after[$0]) - Double(before[$0]) }
            #expect(distance <= Self.updateTolerance(norms), "\(form.form) \(sample.name)")
        }
        for sample in form.statistics ?? [] {
            let entry = try #require(model.statistics.layout[sample.name])
            #expect(sample.distance { Double(model.statistics.values(of: entry)[$0]) } <= 1e-3, "\(form.form) \(sample.name)")
        }
    }

    @Test("a step is the same to the bit at any number of threads")
    func threads() throws {
        let selection = KernelSelection.automaticFloat
        for form in values.forms {
            let rgb = values.rgb(form)
            let results = try [1, 2, 3].map { threads in
                let model = try model(form, selection, threads: threads)
                let logits = forward(model, rgb)
                model.backward(logitGradients: BinaryCrossEntropy().evaluate(logits: logits, labels: labels).gradient)
                return (logits, Array(model.gradients.values))
            }
            for other in results.dropFirst() {
                #expect(other.0 == results[0].0 && other.1 == results[0].1, "\(form.form)")
            }
        }
    }

    @Test("what was trained is judged as it was trained")
    func checkpointGivesTheSameLogits() throws {
        let model = try model(values.forms[0], .automaticFloat)
        let rgb = values.rgb(values.forms[0])
        let expected = forward(model, rgb)
        let checkpoint = try model.checkpoint(
            card: SeededNetwork.card(), parameters: model.parameters, statistics: model.statistics)
        let detector = try ResNetDetector(checkpoint: checkpoint, threads: 1, selection: .automaticFloat)
        let output = try rgb.withUnsafeBytes { try detector.evaluate(rgb: $0, frameCount: values.pictures) }
        for (logit, other) in zip(expected, output.frameLogits) { #expect(abs(logit - other) <= 1e-6) }
    }

    @Test("folded normalisations are not trained with batch statistics")
    func refusesBatchStatisticsOfFoldedWeights() throws {
        let folded = try TrainableResNet(
            SeededNetwork.checkpoint(), form: .folded, batch: 1, selection: .automaticFloat, threads: 1)
        let checkpoint = try folded.checkpoint(
            card: SeededNetwork.card(), parameters: folded.parameters, statistics: folded.statistics)
        #expect(throws: CheckpointError.self) {
            try TrainableResNet(checkpoint, form: .batch, batch: 1, selection: .automaticFloat, threads: 1)
        }
        let frozen = try TrainableResNet(checkpoint, form: .frozen, batch: values.pictures, selection: .automaticFloat, threads: 2)
        for (logit, expected) in zip(forward(frozen, values.rgb(values.forms[0])), values.forms[0].logits) { #expect(abs(logit - expected) <= 1e-4) }
    }
}

extension KernelSelection {
    /// The fastest float32 kernels of this CPU.
    fileprivate static var automaticFloat: KernelSelection {
        let order: [KernelSet] = [.avx512, .avx2, .openblas]
        for kernels in order where kernels.obstacle == nil {
            if let selection = try? KernelSelection(precision: .float32, kernels: kernels) { return selection }
        }
        return .automatic
    }
}
