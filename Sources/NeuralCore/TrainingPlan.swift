import CKernels

/// The steps of a network's training, forward and back, on places in memory.
struct TrainingPlan {
    private(set) var layout = ParameterLayout()
    private(set) var statisticsLayout = ParameterLayout()
    private(set) var forwardSteps: [any TrainingStep] = []
    private(set) var backwardSteps: [any TrainingStep] = []
    private(set) var channelFloats = 0
    let valueBytes: Int
    let input: ValuePlace
    let inputChannels: Int
    let output: ValuePlace
    let outputChannels: Int
    let outputGradient: ValuePlace

    private let values: TrainingValues
    private let network: NetworkDescription
    private let batch: Int
    /// One layer's packed weights at a time.
    private let packedMemory: AlignedMemory

    init(
        _ network: NetworkDescription, form: NormForm, batch: Int, selection: KernelSelection,
        names: (String) -> TrainingNetwork.TensorNames
    ) {
        self.network = network
        self.batch = batch
        values = TrainingValues(network, form: form, batch: batch, selection: selection)
        valueBytes = values.byteCount
        input = values.places[network.input.index]
        inputChannels = network.dimensions[network.input.index].channels
        let last = network.dimensions.count - 1
        output = values.places[last]
        outputChannels = network.dimensions[last].channels
        outputGradient = TrainingPlan.gradient(of: last, values)
        packedMemory = AlignedMemory(byteCount: TrainingPlan.packedBytes(network, values))
        var backward: [[any TrainingStep]] = []
        for (index, layer) in network.layers.enumerated() {
            switch layer {
            case .maximumPool(let pool): backward.append(append(pool))
            case .convolution(let convolution): backward.append(append(convolution, at: index, names: names(convolution.name)))
            }
        }
        backwardSteps = backward.reversed().flatMap { $0 }
    }

    /// Adds the layer's steps forward and gives those back.
    private mutating func append(_ pool: NetworkDescription.MaximumPool) -> [any TrainingStep] {
        let (input, output) = (values.places[pool.input], values.places[pool.output])
        let step = PoolTraining(
            pooling: RowPooling(shape: pool.shape, kernels: values.floatKernels, input: input.layout, output: output.layout),
            kernels: values.kernels, input: input, output: output, outputGradient: TrainingPlan.gradient(of: pool.output, values),
            inputGradient: TrainingPlan.gradient(of: pool.input, values))
        forwardSteps.append(step)
        return [step]
    }

    private mutating func append(
        _ convolution: NetworkDescription.Convolution, at index: Int, names: TrainingNetwork.TensorNames
    ) -> [any TrainingStep] {
        precondition(convolution.slopes == nil, "\(convolution.name): parametric ReLUs are not trained")
        let shape = convolution.shape
        let isFolded = values.form == .folded
        let weights = layout.append(
            names.weight, shape: [shape.outChannels, shape.inChannels, shape.kernel, shape.kernel], decays: true)
        let (input, output) = (values.places[convolution.input], values.places[convolution.output])
        let residual = convolution.residual.map { values.places[$0] }
        let outputGradient = TrainingPlan.gradient(of: convolution.output, values)
        // A normalisation leaves the gradient of what it read in that one's place.
        let target = values.normalised[index] ?? output
        let targetGradient = values.normalised[index] ?? outputGradient
        let (packing, operation) = makeOperation(
            shape, input: input, output: target, residual: isFolded ? residual : nil, hasRelu: isFolded && convolution.hasRelu)
        let framesAtOnce = min(batch, network.stageFrames[convolution.stage])
        let bias = isFolded ? makeBias(convolution, names.bias, channels: output.layout.channels) : nil
        let step = ConvolutionTraining(
            shape: shape, framesAtOnce: framesAtOnce, kernels: values.kernels, weights: weights,
            ones: [Double](repeating: 1, count: max(shape.outChannels, shape.inChannels)), packing: packing, operation: operation,
            input: input, output: target, bias: bias, outputGradient: targetGradient,
            inputGradient: makeInputGradient(convolution, at: index, from: targetGradient),
            weightGradient: makeWeightGradient(shape, inChannels: input.layout.channels, outChannels: target.layout.channels))
        forwardSteps.append(step)
        var backward: [any TrainingStep] = [step]
        if !isFolded {
            let norm = makeNorm(convolution, names, input: target, residual: residual, output: output, outputGradient: outputGradient)
            forwardSteps.append(norm)
            backward.insert(norm, at: 0)
        }
        if let value = convolution.residual, values.addsToResidual.contains(index) {
            let target = TrainingPlan.gradient(of: value, values)
            backward.append(GradientAddition(kernels: values.kernels, source: outputGradient, target: target))
        }
        return backward
    }

    // MARK: Parts

    private static func gradient(of value: Int, _ values: TrainingValues) -> ValuePlace {
        guard let place = values.gradient(of: value) else { preconditionFailure("nothing reads value \(value)") }
        return place
    }

    private static func packedBytes(_ network: NetworkDescription, _ values: TrainingValues) -> Int {
        func bytes(_ shape: ConvolutionShape, input: ActivationLayout) -> Int {
            WeightPacking.byteCount(
                shape: shape, method: values.method(shape), input: input,
                outChannels: roundedUp(shape.outChannels, to: values.floatKernels.panel))
        }
        return network.layers.enumerated().map { index, layer in
            guard case .convolution(let convolution) = layer else { return 0 }
            let turned = TrainingValues.turned(convolution.shape)
            let source = values.spread[index] ?? values.normalised[index] ?? gradient(of: convolution.output, values)
            return max(
                bytes(convolution.shape, input: values.places[convolution.input].layout), bytes(turned, input: source.layout))
        }.max() ?? 0
    }

    private func makeOperation(
        _ shape: ConvolutionShape, input: ValuePlace, output: ValuePlace, residual: ValuePlace?, hasRelu: Bool
    ) -> (WeightPacking, any PlanOperation) {
        let method = values.method(shape)
        let packing = WeightPacking(
            bias: [], slopes: nil, shape: shape, method: method, kernels: values.floatKernels, input: input.layout,
            outChannels: output.layout.channels, memory: packedMemory)
        if case .winograd(let tile) = method {
            return (
                packing,
                WinogradOperation(
                    shape: shape, tile: tile, kernels: values.floatKernels, weights: packing.packed, hasRelu: hasRelu, input: input,
                    output: output, residual: residual))
        }
        let float = FloatConvolution(
            shape: shape, method: method, kernels: values.floatKernels, weights: packing.packed, input: input.layout,
            output: output.layout, residual: residual?.layout, hasRelu: hasRelu)
        return (packing, FloatConvolutionOperation(convolution: float, input: input, output: output, residual: residual))
    }

    private mutating func makeBias(
        _ convolution: NetworkDescription.Convolution, _ name: String, channels: Int
    ) -> ConvolutionTraining.Bias {
        let sums = channelFloats
        channelFloats += batch * channels
        return ConvolutionTraining.Bias(
            parameters: layout.append(name, shape: [convolution.shape.outChannels], decays: false), hasRelu: convolution.hasRelu,
            sums: sums)
    }

    private func makeInputGradient(
        _ convolution: NetworkDescription.Convolution, at index: Int, from gradient: ValuePlace
    ) -> ConvolutionTraining.InputGradient? {
        guard convolution.input != network.input.index else { return nil }
        let shape = TrainingValues.turned(convolution.shape)
        let target = TrainingPlan.gradient(of: convolution.input, values)
        let adds = values.addsToInput.contains(index)
        let spread = values.spread[index]
        let (packing, operation) = makeOperation(
            shape, input: spread ?? gradient, output: target, residual: adds ? target : nil, hasRelu: false)
        return ConvolutionTraining.InputGradient(
            packing: packing, operation: operation, spread: spread)
    }

    private func makeWeightGradient(_ shape: ConvolutionShape, inChannels: Int, outChannels: Int) -> WeightGradient {
        let tile: Int? = if case .winograd(let tile) = values.method(shape) { tile } else { nil }
        return WeightGradient(
            shape: shape, tile: tile, floatKernels: values.floatKernels, kernels: values.kernels, inChannels: inChannels,
            outChannels: outChannels)
    }

    private mutating func makeNorm(
        _ convolution: NetworkDescription.Convolution, _ names: TrainingNetwork.TensorNames, input: ValuePlace, residual: ValuePlace?,
        output: ValuePlace, outputGradient: ValuePlace
    ) -> NormTraining {
        let extent = [convolution.shape.outChannels]
        let place = channelFloats
        channelFloats += (NormTraining.runs + 2 * batch) * input.layout.channels
        return NormTraining(
            form: values.form, kernels: values.kernels, channels: convolution.shape.outChannels, hasRelu: convolution.hasRelu,
            gamma: layout.append(names.gamma, shape: extent, decays: false),
            beta: layout.append(names.beta, shape: extent, decays: false),
            mean: statisticsLayout.append(names.mean, shape: extent, decays: false),
            variance: statisticsLayout.append(names.variance, shape: extent, decays: false),
            input: input, residual: residual, output: output, outputGradient: outputGradient, place: place)
    }
}

/// Adds a gradient to another reader's part of it.
struct GradientAddition: TrainingStep {
    let kernels: gradient_kernels
    let source: ValuePlace
    let target: ValuePlace

    func scratchBytes(frames: Int) -> Int { 0 }
    func sharedBytes(frames: Int) -> Int { 0 }
    func forward(_ memory: TrainingMemory) {}

    func backward(_ memory: TrainingMemory) {
        memory.eachRow(of: target) { frame, y in
            kernels.add(
                memory.row(source, frame: frame, y), memory.row(target, frame: frame, y), target.layout.width * target.layout.channels)
        }
        memory.synchronize()
    }
}
