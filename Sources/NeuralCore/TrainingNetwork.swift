/// A network compiled for training: forward and backward over a batch, layer by layer, on the kernels of the forward pass.
///
/// Values and gradients are the same to the bit at any number of threads: each sum is taken in an order that depends on the geometry alone. Not
/// `Sendable`: it belongs to whoever trains.
public final class TrainingNetwork {
    /// What one layer's tensors are called.
    public struct TensorNames: Sendable {
        public let weight: String
        /// With `NormForm.folded`.
        public let bias: String
        public let gamma: String
        public let beta: String
        public let mean: String
        public let variance: String

        public init(weight: String, bias: String, gamma: String, beta: String, mean: String, variance: String) {
            self.weight = weight
            self.bias = bias
            self.gamma = gamma
            self.beta = beta
            self.mean = mean
            self.variance = variance
        }
    }

    /// Writes row `row` of frame `frame` as `[width, channels]` floats; called from any thread, each row once.
    public typealias RowLoader = (_ frame: Int, _ row: Int, _ destination: UnsafeMutablePointer<Float>) -> Void

    /// Weights, and biases or gammas and betas, in the order of the layers.
    public let layout: ParameterLayout
    /// Running means and variances; empty with `NormForm.folded`.
    public let statisticsLayout: ParameterLayout
    /// Most frames of a call.
    public let batch: Int
    /// `[height, width, channels]` of the output of one frame.
    public let outputShape: [Int]
    /// Floats from a pixel of the output to the next.
    public let outputPixelFloats: Int
    /// Bytes of everything it works in.
    public var memoryBytes: Int { values.byteCount + shared.byteCount + channels.byteCount + scratch.reduce(0) { $0 + $1.byteCount } }

    private let team: ThreadTeam
    private let plan: TrainingPlan
    private let values: AlignedMemory
    private let shared: AlignedMemory
    private let channels: AlignedMemory
    private let scratch: [AlignedMemory]
    private var framesAtHand = 0

    /// `names` gives a layer's tensors their names; layers have no parametric ReLUs.
    public init(
        _ network: NetworkDescription, form: NormForm, batch: Int, selection: KernelSelection, team: ThreadTeam,
        names: (_ layer: String) -> TensorNames
    ) {
        precondition(batch > 0, "a batch of \(batch)")
        precondition(selection.precision == .float32, "training computes in float32")
        let plan = TrainingPlan(network, form: form, batch: batch, selection: selection, names: names)
        self.plan = plan
        self.batch = batch
        self.team = team
        layout = plan.layout
        statisticsLayout = plan.statisticsLayout
        let output = plan.output
        outputShape = [output.layout.height, output.layout.width, plan.outputChannels]
        outputPixelFloats = output.layout.channels
        values = AlignedMemory(byteCount: plan.valueBytes)
        shared = AlignedMemory(byteCount: plan.forwardSteps.map { $0.sharedBytes(frames: batch) }.max() ?? 0)
        channels = AlignedMemory(byteCount: plan.channelFloats * MemoryLayout<Float>.size)
        let scratchBytes = plan.forwardSteps.map { $0.scratchBytes(frames: batch) }.max() ?? 0
        let rowBytes = plan.input.layout.width * plan.inputChannels * MemoryLayout<Float>.size
        scratch = (0..<team.size).map { _ in AlignedMemory(byteCount: max(scratchBytes, rowBytes + 256)) }
    }

    /// Computes 1…`batch` frames and keeps what `backward` needs.
    ///
    /// `parameters` begin with `layout`; what follows, a head's, is none of the network's business. `statistics` are used as they are, or, if
    /// `isTraining` and the form is `batch`, follow the batch's own.
    public func forward(
        frames: Int, parameters: ParameterBuffer, statistics: ParameterBuffer, isTraining: Bool, load: @escaping RowLoader
    ) {
        precondition((1...batch).contains(frames), "\(frames) frames in a batch")
        precondition(parameters.layout.begins(with: layout), "parameters of another network")
        precondition(statistics.layout == statisticsLayout, "statistics of another network")
        framesAtHand = frames
        team.run { [self] worker in
            let memory = memory(worker, parameters: parameters, gradients: nil, statistics: statistics, isTraining: isTraining)
            loadInput(memory, load)
            memory.synchronize()
            for step in plan.forwardSteps { step.forward(memory) }
        }
    }

    /// The last forward's output of a frame: `[height, width]` pixels, `outputPixelFloats` apart, row by row.
    public func withOutput<Result>(frame: Int, _ body: (_ row: (Int) -> UnsafePointer<Float>) -> Result) -> Result {
        precondition((0..<framesAtHand).contains(frame), "frame \(frame) of \(framesAtHand)")
        let place = plan.output
        return body { row in
            UnsafePointer((values.base + place.offset + place.layout.origin(frame: frame) + row * place.layout.rowBytes)
                .assumingMemoryBound(to: Float.self))
        }
    }

    /// The gradients with respect to all parameters, given those with respect to the last forward's output, which `load` writes as the output
    /// lies: `outputPixelFloats` a pixel, zeros beyond the real channels. Overwrites its part of `gradients`; can be called once a forward.
    public func backward(
        parameters: ParameterBuffer, statistics: ParameterBuffer, gradients: ParameterBuffer, isTraining: Bool, load: @escaping RowLoader
    ) {
        precondition(framesAtHand > 0, "a backward pass follows a forward pass")
        precondition(gradients.layout == parameters.layout, "gradients of another network")
        team.run { [self] worker in
            let memory = memory(worker, parameters: parameters, gradients: gradients, statistics: statistics, isTraining: isTraining)
            memory.eachRow(of: plan.outputGradient) { frame, y in load(frame, y, memory.row(plan.outputGradient, frame: frame, y)) }
            memory.synchronize()
            for step in plan.backwardSteps { step.backward(memory) }
        }
        framesAtHand = 0
    }

    private func memory(
        _ worker: Int, parameters: ParameterBuffer, gradients: ParameterBuffer?, statistics: ParameterBuffer, isTraining: Bool
    ) -> TrainingMemory {
        guard let values = parameters.values.baseAddress else { preconditionFailure("a network has parameters") }
        return TrainingMemory(
            values: self.values.base, scratch: scratch[worker].base, shared: shared.base, channels: channels.floats(),
            parameters: UnsafePointer(values), gradients: gradients?.values.baseAddress, statistics: statistics.values.baseAddress,
            frames: framesAtHand, isTraining: isTraining, share: Slice(index: worker, count: team.size),
            synchronize: { [team] in team.synchronize() })
    }

    private func loadInput(_ memory: TrainingMemory, _ load: RowLoader) {
        let place = plan.input
        memory.clearBorders(of: place)
        let row = memory.scratch.assumingMemoryBound(to: Float.self)
        memory.eachRow(of: place) { frame, y in
            let target = memory.row(place, frame: frame, y)
            if place.layout.channels == plan.inputChannels {
                load(frame, y, target)
            } else {
                load(frame, y, row)
                place.layout.store(row: row, channels: plan.inputChannels, at: target)
            }
        }
    }
}
