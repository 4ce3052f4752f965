import Synchronization

/// A network compiled for one selection of kernels: methods chosen, weights folded and packed, every value's place in memory known.
///
/// Immutable and shared by any number of threads; each call works in a `PlanContext` of its own.
public struct NetworkPlan: Sendable {
    /// Most frames that one `run` takes.
    public static let maximumBatch = 16

    /// Most frames that one `run` of this plan takes, within `maximumBatch`.
    public let batch: Int
    /// What a plan shows of a layer.
    public struct LayerSummary: Sendable, Equatable {
        /// As the description calls it.
        public let name: String
        /// Its geometry.
        public let shape: ConvolutionShape
        /// How it is computed.
        public let method: ConvolutionMethod
        /// Products for one frame: the definition's, or with Winograd those of whole tiles. That `split` takes three for each is not counted.
        public let multiplications: Int
        /// Bytes of the packed weights.
        public let weightBytes: Int
    }

    struct Stage: Sendable {
        let framesAtOnce: Int
        /// True for the stage that begins with the network's input.
        let holdsInput: Bool
        /// Groups begin at multiples of this: frames that stand side by side are computed together.
        let frameMultiple: Int
        let operations: [any PlanOperation]
        /// The operations in turns of rows, where the description asks for that.
        let chain: RowChain?
        /// The stage's own values, whose borders are cleared for each group.
        let values: [ValuePlace]
        let names: [String]
        /// Where each operation's output is, for an observer.
        let outputs: [ValuePlace]
        let outputChannels: [Int]

        /// Most frames of a group.
        var capacity: Int { roundedUp(framesAtOnce, to: frameMultiple) }
    }

    /// The precision and the kernels that it was compiled for.
    public let selection: KernelSelection
    /// Every convolution in the order of the forward pass.
    public let layers: [LayerSummary]
    /// `[height, width, channels]` of the output of one frame.
    public let outputShape: [Int]

    let stages: [Stage]
    let input: ValuePlace
    let inputChannels: Int
    let output: ValuePlace
    let sharedBytes: Int

    /// Bytes of all packed weights.
    public var weightBytes: Int { layers.reduce(0) { $0 + $1.weightBytes } }

    /// Chooses, folds and packs, on as many threads as the team has. `batch`, 1…`maximumBatch`, bounds the frames of a run and with them the
    /// memory of a context; it changes nothing else.
    ///
    /// Throws if a folded or transformed weight is not finite.
    public init(
        _ network: NetworkDescription, selection: KernelSelection, batch: Int = NetworkPlan.maximumBatch, team: ThreadTeam
    ) throws(PlanError) {
        precondition((1...NetworkPlan.maximumBatch).contains(batch), "a plan for \(batch) frames")
        self.selection = selection
        self.batch = batch
        let compiler = PlanCompiler(network, selection: selection, batch: batch)
        let compiled = compiler.compile()
        let failed = Atomic<Int>(Int.max)
        let units = compiled.packings.indices.flatMap { layer in
            (0..<compiled.packings[layer].unitCount).map { (layer: layer, unit: $0) }
        }
        team.forEach(units.count) { _, index in
            let layer = units[index].layer
            if !compiled.packings[layer].pack(unit: units[index].unit, of: compiled.layers[layer].weights) {
                failed.min(layer, ordering: .relaxed)
            }
        }
        let failedLayer = failed.load(ordering: .relaxed)
        guard failedLayer == Int.max else { throw .weightsNotFinite(layer: compiled.layers[failedLayer].name) }
        for layer in compiled.layers where !layer.biasIsFinite { throw .weightsNotFinite(layer: layer.name) }
        layers = zip(compiled.layers, compiled.packings).map { layer, packing in
            LayerSummary(
                name: layer.name, shape: layer.shape, method: layer.method,
                multiplications: layer.method.multiplications(layer.shape), weightBytes: packing.packed.byteCount)
        }
        stages = compiled.stages
        input = compiled.input
        inputChannels = compiled.inputChannels
        output = compiled.output
        outputShape = [compiled.output.layout.height, compiled.output.layout.width, compiled.output.layout.channels]
        sharedBytes = compiled.sharedBytes
    }

    /// Most frames of a group of a stage when `threads` threads share a batch of `frames`.
    func groupFrames(_ stage: Stage, frames: Int, threads: Int) -> Int {
        let fair = frames < threads ? frames : ceilingDivision(frames, threads)
        return roundedUp(min(stage.framesAtOnce, fair), to: stage.frameMultiple)
    }

    /// Bytes of a thread's memory for one stage at a time.
    var arenaBytes: Int {
        stages.map { stage in
            stage.values.map { $0.offset + $0.layout.byteCount(frames: stage.capacity) }.max() ?? 0
        }.max() ?? 0
    }

    var scratchBytes: Int {
        stages.flatMap { stage in stage.operations.map { $0.scratchBytes(frames: stage.capacity) } }.max() ?? 0
    }
}

/// Why a network could not be compiled.
public enum PlanError: Error, Sendable, Equatable {
    /// Finite values may still fold or transform to something else. The model is broken; refuse for good.
    case weightsNotFinite(layer: String)
}
