import CKernels

/// A batch normalisation in training (Ioffe and Szegedy 2015, arXiv:1502.03167, algorithm 1), with the residual and the ReLU after it.
struct NormTraining: TrainingStep {
    /// PyTorch's default share of a batch in the running statistics.
    private static let momentum = 0.1

    let form: NormForm
    let kernels: gradient_kernels
    let channels: Int
    let hasRelu: Bool
    let gamma: Range<Int>
    let beta: Range<Int>
    let mean: Range<Int>
    let variance: Range<Int>
    /// What is normalised; the backward pass leaves its gradient there.
    let input: ValuePlace
    let residual: ValuePlace?
    let output: ValuePlace
    let outputGradient: ValuePlace
    /// This layer's place among the channel values: `runs` runs of padded channels, then two for each frame.
    let place: Int

    /// Runs of padded channels before those of the frames.
    static let runs = 6

    private var padded: Int { input.layout.channels }
    private var scale: Int { place }
    private var shift: Int { place + padded }
    private var center: Int { place + 2 * padded }
    private var inverse: Int { place + 3 * padded }
    private var slope: Int { place + 4 * padded }
    private var gradientShift: Int { place + 5 * padded }
    private func frameSums(_ frame: Int) -> Int { place + (NormTraining.runs + 2 * frame) * padded }

    func scratchBytes(frames: Int) -> Int { 0 }
    func sharedBytes(frames: Int) -> Int { 0 }

    func forward(_ memory: TrainingMemory) {
        memory.clearBorders(of: output)
        let usesBatch = form == .batch && memory.isTraining
        if usesBatch { takeStatistics(memory) }
        guard let statistics = memory.statistics else { preconditionFailure("a normalisation has statistics") }
        for channel in memory.share.range(of: channels) {
            if !usesBatch {
                memory.channels[center + channel] = statistics[mean.lowerBound + channel]
                memory.channels[inverse + channel] = inverseDeviation(Double(statistics[variance.lowerBound + channel]))
            }
            let factor = Double(memory.parameters[gamma.lowerBound + channel]) * Double(memory.channels[inverse + channel])
            memory.channels[scale + channel] = Float(factor)
            memory.channels[shift + channel] = Float(
                Double(memory.parameters[beta.lowerBound + channel]) - factor * Double(memory.channels[center + channel]))
        }
        memory.synchronize()
        memory.eachRow(of: output) { frame, y in
            kernels.scale_channels(
                memory.row(input, frame: frame, y), memory.channels + scale, memory.channels + shift,
                residual.map { UnsafePointer(memory.row($0, frame: frame, y)) }, hasRelu ? 1 : 0, output.layout.width, padded,
                memory.row(output, frame: frame, y))
        }
        memory.synchronize()
    }

    func backward(_ memory: TrainingMemory) {
        guard let gradients = memory.gradients else { preconditionFailure("a backward pass has somewhere to put its gradients") }
        if hasRelu {
            let count = output.layout.width * padded
            memory.eachRow(of: output) { frame, y in
                kernels.relu_gradient(memory.row(output, frame: frame, y), memory.row(outputGradient, frame: frame, y), count)
            }
            memory.synchronize()
        }
        for frame in memory.share.range(of: memory.frames) {
            let (sums, products) = clearedSums(frame, memory)
            for y in 0..<input.layout.height {
                let gradient = memory.row(outputGradient, frame: frame, y)
                kernels.add_channels(gradient, input.layout.width, padded, sums)
                kernels.add_centered_products(
                    memory.row(input, frame: frame, y), memory.channels + center, gradient, input.layout.width, padded, products)
            }
        }
        memory.synchronize()
        for channel in memory.share.range(of: channels) { finish(channel, memory, gradients) }
        memory.synchronize()
        var norm = norm_gradient_f32(
            scale: memory.channels + scale, shift: memory.channels + gradientShift, slope: memory.channels + slope)
        memory.eachRow(of: input) { frame, y in
            kernels.norm_gradient(
                &norm, memory.row(outputGradient, frame: frame, y), input.layout.width, padded, memory.row(input, frame: frame, y))
        }
        memory.synchronize()
    }

    // MARK: Sums

    private var pixels: Int { input.layout.height * input.layout.width }

    private func inverseDeviation(_ variance: Double) -> Float { Float(1 / (variance + BatchNorm.defaultEpsilon).squareRoot()) }

    private func clearedSums(_ frame: Int, _ memory: TrainingMemory) -> (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>) {
        let sums = memory.channels + frameSums(frame)
        sums.update(repeating: 0, count: 2 * padded)
        return (sums, sums + padded)
    }

    private func total(_ channel: Int, _ memory: TrainingMemory) -> Double {
        var sum = 0.0
        for frame in 0..<memory.frames { sum += Double(memory.channels[frameSums(frame) + channel]) }
        return sum
    }

    /// The batch's mean and variance; the second sum goes about the mean, or large means would drown the variance.
    private func takeStatistics(_ memory: TrainingMemory) {
        guard let statistics = memory.statistics else { preconditionFailure("a normalisation has statistics") }
        let count = Double(memory.frames * pixels)
        for frame in memory.share.range(of: memory.frames) {
            let (sums, _) = clearedSums(frame, memory)
            for y in 0..<input.layout.height {
                kernels.add_channels(memory.row(input, frame: frame, y), input.layout.width, padded, sums)
            }
        }
        memory.synchronize()
        for channel in memory.share.range(of: channels) {
            memory.channels[center + channel] = Float(total(channel, memory) / count)
        }
        memory.synchronize()
        for frame in memory.share.range(of: memory.frames) {
            let (sums, _) = clearedSums(frame, memory)
            for y in 0..<input.layout.height {
                let row = memory.row(input, frame: frame, y)
                kernels.add_centered_products(row, memory.channels + center, row, input.layout.width, padded, sums)
            }
        }
        memory.synchronize()
        for channel in memory.share.range(of: channels) {
            let spread = max(0, total(channel, memory) / count)
            memory.channels[inverse + channel] = inverseDeviation(spread)
            func keep(_ index: Int, _ value: Double) {
                statistics[index] = Float((1 - NormTraining.momentum) * Double(statistics[index]) + NormTraining.momentum * value)
            }
            keep(mean.lowerBound + channel, Double(memory.channels[center + channel]))
            keep(variance.lowerBound + channel, spread * count / max(1, count - 1))
        }
    }

    /// A channel's gradients, and what its pixels' gradients are made with.
    private func finish(_ channel: Int, _ memory: TrainingMemory, _ gradients: UnsafeMutablePointer<Float>) {
        var products = 0.0
        for frame in 0..<memory.frames { products += Double(memory.channels[frameSums(frame) + padded + channel]) }
        let sum = total(channel, memory)
        let inverse = Double(memory.channels[inverse + channel])
        gradients[gamma.lowerBound + channel] = Float(products * inverse)
        gradients[beta.lowerBound + channel] = Float(sum)
        guard form == .batch else {
            memory.channels[slope + channel] = 0
            memory.channels[gradientShift + channel] = 0
            return
        }
        let factor = Double(memory.parameters[gamma.lowerBound + channel]) * inverse
        let count = Double(memory.frames * pixels)
        let slope = -factor * inverse * inverse * products / count
        memory.channels[self.slope + channel] = Float(slope)
        memory.channels[gradientShift + channel] = Float(-factor * sum / count - slope * Double(memory.channels[center + channel]))
    }
}
