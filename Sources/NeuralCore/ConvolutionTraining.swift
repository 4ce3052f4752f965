import CKernels

/// A convolution's forward pass, its bias, residual and ReLU, and the gradients with respect to all of them.
///
/// The gradient with respect to the input is a convolution with turned weights (of a picture with zeros between its pixels where the stride is
/// more than 1), so the forward pass's own operations compute it.
struct ConvolutionTraining: TrainingStep {
    /// What comes after the convolution where nothing normalises it.
    struct Bias: Sendable {
        let parameters: Range<Int>
        let hasRelu: Bool
        /// Floats of this layer's channel sums, one run of channels a frame.
        let sums: Int
    }

    /// How the gradient goes on to the input.
    struct InputGradient: Sendable {
        let packing: WeightPacking
        let operation: any PlanOperation
        /// Where the output's gradient is spread out with zeros between its pixels, if the stride asks for it.
        let spread: ValuePlace?
    }

    let shape: ConvolutionShape
    let framesAtOnce: Int
    let kernels: gradient_kernels
    let weights: Range<Int>
    let ones: [Double]
    let packing: WeightPacking
    let operation: any PlanOperation
    let input: ValuePlace
    let output: ValuePlace
    let bias: Bias?
    /// The gradient with respect to the convolution's own output.
    let outputGradient: ValuePlace
    /// Nil where the layer reads the network's input.
    let inputGradient: InputGradient?
    let weightGradient: WeightGradient

    func scratchBytes(frames: Int) -> Int {
        max(
            operation.scratchBytes(frames: framesAtOnce), inputGradient?.operation.scratchBytes(frames: framesAtOnce) ?? 0,
            weightGradient.scratchBytes)
    }

    func sharedBytes(frames: Int) -> Int {
        max(weightGradient.sharedBytes(frames: frames), inputGradient == nil ? 0 : shape.weightCount * MemoryLayout<Float>.size)
    }

    func forward(_ memory: TrainingMemory) {
        memory.clearBorders(of: output)
        pack(packing, memory.parameters + weights.lowerBound, memory)
        if let bias, memory.share.index == 0 {
            packing.packed.bias.update(from: memory.parameters + bias.parameters.lowerBound, count: bias.parameters.count)
        }
        memory.synchronize()
        run(operation, memory)
        memory.synchronize()
    }

    func backward(_ memory: TrainingMemory) {
        guard let gradients = memory.gradients else { preconditionFailure("a backward pass has somewhere to put its gradients") }
        if let bias {
            if bias.hasRelu { maskByRelu(memory) }
            sumChannels(memory, bias)
            memory.synchronize()
            combine(memory, bias, into: gradients + bias.parameters.lowerBound)
        }
        if let inputGradient { prepare(inputGradient, memory) }
        memory.synchronize()
        if let inputGradient {
            run(inputGradient.operation, memory)
            memory.synchronize()
        }
        weightGradient.compute(memory, input: input, gradient: outputGradient, into: gradients + weights.lowerBound)
    }

    // MARK: Parts

    private func pack(_ packing: WeightPacking, _ values: UnsafePointer<Float>, _ memory: TrainingMemory) {
        // A value that is not finite shows in the loss, which is looked at in every step.
        for unit in memory.share.range(of: packing.unitCount) { _ = packing.pack(unit: unit, values: values, factors: ones) }
    }

    private func run(_ operation: any PlanOperation, _ memory: TrainingMemory) {
        let size = min(framesAtOnce, ceilingDivision(memory.frames, memory.share.count))
        let groups = ceilingDivision(memory.frames, size)
        let isShared = groups < memory.share.count
        for group in (isShared ? .whole : memory.share).range(of: groups) {
            let first = group * size
            operation.run(
                frames: min(size, memory.frames - first), slice: isShared ? memory.share : .whole, memory: memory.group(from: first))
        }
    }

    private func maskByRelu(_ memory: TrainingMemory) {
        let count = output.layout.width * output.layout.channels
        memory.eachRow(of: output) { frame, y in
            kernels.relu_gradient(memory.row(output, frame: frame, y), memory.row(outputGradient, frame: frame, y), count)
        }
        // Channel sums go by frames.
        memory.synchronize()
    }

    private func sumChannels(_ memory: TrainingMemory, _ bias: Bias) {
        let channels = outputGradient.layout.channels
        for frame in memory.share.range(of: memory.frames) {
            let sums = memory.channels + bias.sums + frame * channels
            sums.update(repeating: 0, count: channels)
            for y in 0..<outputGradient.layout.height {
                kernels.add_channels(memory.row(outputGradient, frame: frame, y), outputGradient.layout.width, channels, sums)
            }
        }
    }

    private func combine(_ memory: TrainingMemory, _ bias: Bias, into gradient: UnsafeMutablePointer<Float>) {
        let channels = outputGradient.layout.channels
        for channel in memory.share.range(of: shape.outChannels) {
            var sum = 0.0
            for frame in 0..<memory.frames { sum += Double(memory.channels[bias.sums + frame * channels + channel]) }
            gradient[channel] = Float(sum)
        }
    }

    /// Turned weights, packed, and the output's gradient where the turned convolution reads it.
    private func prepare(_ inputGradient: InputGradient, _ memory: TrainingMemory) {
        let turned = memory.shared.assumingMemoryBound(to: Float.self)
        let inputs = memory.share.range(of: shape.inChannels)
        turn_weights_f32(
            memory.parameters + weights.lowerBound, shape.outChannels, shape.inChannels, shape.kernel * shape.kernel,
            inputs.lowerBound, inputs.upperBound, turned)
        if let spread = inputGradient.spread {
            memory.clear(spread)
            for frame in memory.share.range(of: memory.frames) { self.spread(frame, into: spread, memory) }
        } else {
            memory.clearBorders(of: outputGradient)
        }
        memory.synchronize()
        pack(inputGradient.packing, turned, memory)
    }

    private func spread(_ frame: Int, into spread: ValuePlace, _ memory: TrainingMemory) {
        let channels = outputGradient.layout.channels
        for y in 0..<outputGradient.layout.height {
            let source = memory.row(outputGradient, frame: frame, y)
            let target = memory.row(spread, frame: frame, y * shape.stride)
            for x in 0..<outputGradient.layout.width {
                (target + x * shape.stride * channels).update(from: source + x * channels, count: channels)
            }
        }
    }
}
