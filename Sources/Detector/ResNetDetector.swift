import NeuralCore
import Synchronization

/// The detector: ResNet18 on each frame, mean over time, binary head, and Grad-CAM of the result.
///
/// Safe to call from several threads at once: the packed weights are shared, each call has memory and threads of its own. A call blocks for
/// some tens of milliseconds, so it belongs on a thread of the caller's own, never on Swift's cooperative pool.
public final class ResNetDetector: Sendable {
    /// Most frames that one call takes.
    public static let maximumFrames = 64
    /// Width and height of a frame in pixels.
    public static let inputSize = ResNetArchitecture.inputSize

    /// The model's card, its `precision` being the one computed in.
    public let card: ModelCard
    /// The checkpoint's SHA-256 in hexadecimal.
    public let sha256: String
    /// Threads that one call uses at most.
    public let threads: Int
    /// The compiled network.
    public let plan: NetworkPlan

    private let head: ClassifierHead
    private let normalization: ImageNormalization
    /// Contexts that no call uses: as many in all as calls have ever overlapped, which the callers bound.
    private let idleContexts = Mutex<[PlanContext]>([])

    /// Compiles the checkpoint's network for a choice of kernels, and needs the checkpoint no longer.
    ///
    /// `threads` lies within `ThreadTeam.sizes`. Throws if the folded weights are not finite.
    public init(
        checkpoint: Checkpoint, threads: Int, selection: KernelSelection = .automatic
    ) throws(CheckpointError) {
        precondition(ThreadTeam.sizes.contains(threads), "a detector with \(threads) threads")
        OpenBLASCore.useOneThread()
        var card = checkpoint.card
        card.precision = selection.precision.rawValue
        self.card = card
        sha256 = checkpoint.sha256
        self.threads = threads
        do throws(PlanError) {
            plan = try NetworkPlan(
                ResNetBackbone.description(tensors: checkpoint.tensors), selection: selection, team: ThreadTeam(size: threads))
        } catch {
            switch error {
            case .weightsNotFinite(let layer): throw .notFinite(tensor: layer + " (folded)")
            }
        }
        head = ClassifierHead(kind: checkpoint.card.head, tensors: checkpoint.tensors)
        normalization = ImageNormalization(mean: card.mean.map { Float($0) }, std: card.std.map { Float($0) })
    }

    /// Judges 1…64 frames, each 224 × 224 × 3 bytes of RGB24.
    public func evaluate(frames: [[UInt8]]) throws(DetectorError) -> DetectorOutput {
        try checkFrameCount(frames.count)
        for frame in frames { try checkSize(bytes: frame.count, frames: 1) }
        return try evaluate(frameCount: frames.count, finiteness: Finiteness()) { frame, row, destination in
            frames[frame].withUnsafeBufferPointer { normalize($0, row: row, into: destination) }
        }
    }

    /// Judges `frameCount` (1…64) frames of RGB24 that lie one after the other, `[T, 224, 224, 3]`.
    public func evaluate(rgb: UnsafeRawBufferPointer, frameCount: Int) throws(DetectorError) -> DetectorOutput {
        try checkFrameCount(frameCount)
        try checkSize(bytes: rgb.count, frames: frameCount)
        let bytes = rgb.bindMemory(to: UInt8.self)
        return try evaluate(frameCount: frameCount, finiteness: Finiteness()) { frame, row, destination in
            let pixels = bytes[frame * ResNetBackbone.inputCount..<(frame + 1) * ResNetBackbone.inputCount]
            normalize(UnsafeBufferPointer(rebasing: pixels), row: row, into: destination)
        }
    }

    /// Judges normalised frames `[T, 3, 224, 224]`, T = 1…64.
    public func evaluate(input: Tensor) throws(DetectorError) -> DetectorOutput {
        try evaluate(input: input, observer: nil)
    }

    /// As `evaluate(input:)`, on one thread, showing each layer's output `[height, width, channels]` on each frame as it is computed.
    package func evaluate(input: Tensor, observer: PlanContext.Observer?) throws(DetectorError) -> DetectorOutput {
        let extent = ResNetArchitecture.inputSize
        guard input.shape.count == 4, Array(input.shape.dropFirst()) == [3, extent, extent] else {
            throw .inputSize(expected: "[T, 3, \(extent), \(extent)]", found: "\(input.shape)")
        }
        let frameCount = input.shape[0]
        try checkFrameCount(frameCount)
        let finiteness = Finiteness()
        return try input.withUnsafeBuffer { values throws(DetectorError) in
            guard let base = values.baseAddress else { throw .frameCount(0) }
            return try evaluate(frameCount: frameCount, finiteness: finiteness, observer: observer) { frame, row, destination in
                Reductions.interleavePlanes(
                    base + frame * ResNetBackbone.inputCount + row * extent, planeDistance: extent * extent, count: extent,
                    into: destination)
                finiteness.check(UnsafeBufferPointer(start: destination, count: 3 * extent), frame: frame)
            }
        }
    }

    /// How long each operation of the network takes on one batch of normalised frames, on one thread: name and seconds, in order.
    package func profile(input: Tensor) -> [(operation: String, seconds: Double)] {
        precondition((1...NetworkPlan.maximumBatch).contains(input.shape[0]), "one batch is profiled")
        let context = takeContext()
        defer { giveBack(context) }
        let extent = ResNetArchitecture.inputSize
        var order: [String] = []
        var seconds: [String: Double] = [:]
        input.withUnsafeBuffer { values in
            guard let base = values.baseAddress else { return }
            context.profile(frames: input.shape[0]) { frame, row, destination in
                Reductions.interleavePlanes(
                    base + frame * ResNetBackbone.inputCount + row * extent, planeDistance: extent * extent, count: extent,
                    into: destination)
            } record: { operation, duration in
                if seconds[operation] == nil { order.append(operation) }
                let parts = duration.components
                seconds[operation, default: 0] += Double(parts.seconds) + Double(parts.attoseconds) * 1e-18
            }
        }
        return order.map { ($0, seconds[$0] ?? 0) }
    }

    private func evaluate(
        frameCount: Int, finiteness: Finiteness, observer: PlanContext.Observer? = nil, load: PlanContext.RowLoader
    ) throws(DetectorError) -> DetectorOutput {
        let context = takeContext()
        defer { giveBack(context) }
        let count = ResNetBackbone.activationCount
        func compute(_ batch: Range<Int>) -> UnsafeBufferPointer<Float> {
            // The context lets go of the loader before it returns.
            withoutActuallyEscaping(load) { load in
                let loadOfBatch: PlanContext.RowLoader = { load(batch.lowerBound + $0, $1, $2) }
                guard let observer else { return context.run(frames: batch.count, load: loadOfBatch) }
                return context.observe(frames: batch.count, load: loadOfBatch) { frame, layer, shape, values in
                    observer(batch.lowerBound + frame, layer, shape, values)
                }
            }
        }
        if frameCount <= NetworkPlan.maximumBatch {
            let activations = compute(0..<frameCount)
            try finiteness.require()
            return try explain(frameCount: frameCount, activations: activations)
        }
        var all = [Float](repeating: 0, count: frameCount * count)
        for begin in stride(from: 0, to: frameCount, by: NetworkPlan.maximumBatch) {
            let batch = begin..<min(begin + NetworkPlan.maximumBatch, frameCount)
            let activations = compute(batch)
            all.withUnsafeMutableBufferPointer { all in
                _ = UnsafeMutableBufferPointer(rebasing: all[batch.lowerBound * count..<batch.upperBound * count])
                    .update(fromContentsOf: activations)
            }
        }
        try finiteness.require()
        return try all.withUnsafeBufferPointer { all throws(DetectorError) in
            try explain(frameCount: frameCount, activations: all)
        }
    }

    /// Head, shares of the frames and maps from layer4 `[T, 7, 7, 512]`; see `DetectorOutput` for the equations.
    private func explain(
        frameCount: Int, activations: UnsafeBufferPointer<Float>
    ) throws(DetectorError) -> DetectorOutput {
        guard let activations = activations.baseAddress else { throw .frameCount(0) }
        let (featureCount, mapCount) = (ResNetArchitecture.featureCount, ResNetBackbone.mapCount)
        func frame(_ index: Int) -> UnsafePointer<Float> { activations + index * ResNetBackbone.activationCount }

        let rows = (0..<frameCount).map { index in
            [Float](unsafeUninitializedCapacity: featureCount) { row, initialized in
                if let base = row.baseAddress {
                    Reductions.channelMeans(frame(index), pixels: mapCount, channels: featureCount, into: base)
                }
                initialized = featureCount
            }
        }
        var sums = [Double](repeating: 0, count: featureCount)
        for row in rows {
            for k in 0..<featureCount { sums[k] += Double(row[k]) }
        }
        let mean = sums.map { Float($0 / Double(frameCount)) }
        let frameLogits = rows.map(head.logit)
        let gradient = head.gradient(at: mean)
        let scale = 1 / Double(frameCount)

        let logit: Double
        let headBias: Double
        let contributions: [Double]
        switch head {
        case .linear(let layer):
            contributions = frameLogits.map { $0 * scale }
            logit = contributions.reduce(0, +)
            headBias = layer.apply([Float](repeating: 0, count: layer.inputCount))[0]
        case .mlp:
            logit = head.logit(of: mean)
            headBias = logit - dot(gradient, mean)
            contributions = rows.map { (dot(gradient, $0) + headBias) * scale }
        }
        guard logit.isFinite else { throw .outputNotFinite(what: "logit") }
        guard frameLogits.allSatisfy(\.isFinite) else { throw .outputNotFinite(what: "logit of a frame") }

        let alphas = gradient.map { $0 * scale / Double(mapCount) }
        let maps = Tensor(shape: [frameCount, ResNetArchitecture.mapSize, ResNetArchitecture.mapSize]) { values in
            withUnsafeTemporaryAllocation(of: Double.self, capacity: mapCount) { map in
                guard let base = map.baseAddress else { return }
                for index in 0..<frameCount {
                    Reductions.weightedSums(weights: alphas, frame(index), pixels: mapCount, into: base)
                    for place in 0..<mapCount { values[index * mapCount + place] = Float(map[place]) }
                }
            }
        }
        guard maps.isFinite else { throw .outputNotFinite(what: "Grad-CAM map") }
        return DetectorOutput(
            logit: logit, frameLogits: frameLogits, contributions: contributions, headBias: headBias,
            features: Tensor(shape: [frameCount, featureCount], elements: rows.flatMap { $0 }), maps: maps)
    }

    private func dot(_ left: [Double], _ right: [Float]) -> Double {
        zip(left, right).reduce(0) { $0 + $1.0 * Double($1.1) }
    }

    private func normalize(_ frame: UnsafeBufferPointer<UInt8>, row: Int, into destination: UnsafeMutablePointer<Float>) {
        guard let base = frame.baseAddress else { preconditionFailure("a frame of a checked size cannot be empty") }
        let width = ResNetArchitecture.inputSize
        normalization.apply(rgb: base + row * 3 * width, pixelCount: width, output: destination)
    }

    private func checkFrameCount(_ count: Int) throws(DetectorError) {
        guard (1...ResNetDetector.maximumFrames).contains(count) else { throw .frameCount(count) }
    }

    private func checkSize(bytes: Int, frames: Int) throws(DetectorError) {
        guard bytes == frames * ResNetBackbone.inputCount else {
            throw .inputSize(expected: "\(frames * ResNetBackbone.inputCount) bytes", found: "\(bytes) bytes")
        }
    }

    private func takeContext() -> PlanContext {
        idleContexts.withLock { $0.popLast() } ?? PlanContext(plan: plan, threads: threads)
    }

    private func giveBack(_ context: PlanContext) {
        idleContexts.withLock { $0.append(context) }
    }
}

/// Remembers the first frame that holds a NaN or an infinity.
private final class Finiteness: Sendable {
    private let brokenFrame = Atomic<Int>(Int.max)

    func check(_ values: UnsafeBufferPointer<Float>, frame: Int) {
        if !Reductions.isFinite(values) { brokenFrame.min(frame, ordering: .relaxed) }
    }

    func require() throws(DetectorError) {
        let frame = brokenFrame.load(ordering: .relaxed)
        guard frame == Int.max else { throw .inputNotFinite(frame: frame) }
    }
}
