import NeuralCore
import Synchronization

/// The detector: ResNet18 on each frame, mean over time, binary head, and Grad-CAM of the result.
///
/// Safe to call from several threads at once. A call blocks for some hundred milliseconds, so it belongs on a thread of
/// the caller's own, never on Swift's cooperative pool.
public final class ResNetDetector: Sendable {
    /// Most frames that one call takes.
    public static let maximumFrames = 64

    /// The model's card.
    public let card: ModelCard
    /// The checkpoint's SHA-256 in hexadecimal.
    public let sha256: String
    /// Threads that one call uses at most.
    public let threads: Int

    private let backbone: ResNetBackbone
    private let head: ClassifierHead
    private let normalization: ImageNormalization
    /// Idle workspaces, at most `threads` of them; more exist only while calls overlap.
    private let idleWorkspaces = Mutex<[Workspace]>([])

    /// Copies the weights out of the checkpoint, normalisation folded, and sets OpenBLAS to one thread.
    ///
    /// Throws if the folded weights are not finite. `threads` is at least 1.
    public init(checkpoint: Checkpoint, threads: Int) throws(CheckpointError) {
        precondition(threads >= 1, "a detector needs a thread")
        OpenBLASCore.useOneThread()
        card = checkpoint.card
        sha256 = checkpoint.sha256
        self.threads = threads
        backbone = try ResNetBackbone(tensors: checkpoint.tensors)
        head = ClassifierHead(kind: checkpoint.card.head, tensors: checkpoint.tensors)
        normalization = ImageNormalization(mean: card.mean.map { Float($0) }, std: card.std.map { Float($0) })
    }

    /// Judges 1…64 frames, each 224 × 224 × 3 bytes of RGB24.
    public func evaluate(frames: [[UInt8]]) throws(DetectorError) -> DetectorOutput {
        try checkFrameCount(frames.count)
        for frame in frames { try checkSize(bytes: frame.count, frames: 1) }
        return try evaluate(frameCount: frames.count) { index, input in
            frames[index].withUnsafeBufferPointer { normalize($0, into: input) }
            return true
        }
    }

    /// Judges `frameCount` (1…64) frames of RGB24 that lie one after the other, `[T, 224, 224, 3]`.
    public func evaluate(rgb: UnsafeRawBufferPointer, frameCount: Int) throws(DetectorError) -> DetectorOutput {
        try checkFrameCount(frameCount)
        try checkSize(bytes: rgb.count, frames: frameCount)
        // Only read, and only until this call returns.
        nonisolated(unsafe) let bytes = rgb.bindMemory(to: UInt8.self)
        return try evaluate(frameCount: frameCount) { index, input in
            let frame = bytes[index * ResNetBackbone.inputCount..<(index + 1) * ResNetBackbone.inputCount]
            normalize(UnsafeBufferPointer(rebasing: frame), into: input)
            return true
        }
    }

    /// Judges normalised frames `[T, 3, 224, 224]`, T = 1…64.
    public func evaluate(input: Tensor) throws(DetectorError) -> DetectorOutput {
        try evaluate(input: input, observer: nil)
    }

    /// As `evaluate(input:)`, on one thread, showing each layer's output on each frame as it is computed.
    package func evaluate(
        input: Tensor,
        observer: ((_ frame: Int, _ layer: String, _ shape: [Int], _ values: UnsafeBufferPointer<Float>) -> Void)?
    ) throws(DetectorError) -> DetectorOutput {
        let extent = ResNetArchitecture.inputSize
        guard input.shape.count == 4, Array(input.shape.dropFirst()) == [3, extent, extent] else {
            throw .inputSize(expected: "[T, 3, \(extent), \(extent)]", found: "\(input.shape)")
        }
        let frameCount = input.shape[0]
        try checkFrameCount(frameCount)
        return try input.withUnsafeBuffer { values throws(DetectorError) in
            // Only read, and only until this call returns.
            nonisolated(unsafe) let values = values
            return try evaluate(frameCount: frameCount, observer: observer) { index, destination in
                let frame = values[index * destination.count..<(index + 1) * destination.count]
                _ = destination.update(fromContentsOf: frame)
                return Pooling.isFinite(UnsafeBufferPointer(destination))
            }
        }
    }

    private typealias FrameObserver = (Int, String, [Int], UnsafeBufferPointer<Float>) -> Void

    /// `load` writes one frame, normalised, and says whether it is finite.
    private func evaluate(
        frameCount: Int, observer: FrameObserver? = nil,
        load: @Sendable (_ index: Int, _ input: UnsafeMutableBufferPointer<Float>) -> Bool
    ) throws(DetectorError) -> DetectorOutput {
        let workspaces = takeWorkspaces(observer == nil ? min(threads, frameCount) : 1)
        defer { giveBack(workspaces) }
        let activations = Workspace(regionCounts: [Int](repeating: ResNetBackbone.activationCount, count: frameCount))
        let features = Workspace(
            regionCounts: [Int](repeating: ResNetArchitecture.featureCount, count: frameCount))
        let brokenFrame = Atomic<Int>(-1)

        if let observer {
            for frame in 0..<frameCount {
                guard load(frame, backbone.input(of: workspaces[0])) else { throw .inputNotFinite(frame: frame) }
                run(frame, workspaces[0], activations, features) { observer(frame, $0, $1, $2) }
            }
        } else {
            ParallelLoop.run(count: frameCount, threads: workspaces.count) { worker, frame in
                if load(frame, backbone.input(of: workspaces[worker])) {
                    run(frame, workspaces[worker], activations, features, observer: nil)
                } else {
                    brokenFrame.store(frame, ordering: .relaxed)
                }
            }
        }
        let broken = brokenFrame.load(ordering: .relaxed)
        guard broken < 0 else { throw .inputNotFinite(frame: broken) }
        return try explain(frameCount: frameCount, activations: activations, features: features)
    }

    private func run(
        _ frame: Int, _ workspace: Workspace, _ activations: Workspace, _ features: Workspace,
        observer: ResNetBackbone.Observer?
    ) {
        // Each frame writes a region of its own, so threads do not meet.
        guard let activation = activations.region(frame).baseAddress, let feature = features.region(frame).baseAddress
        else { preconditionFailure("a region of a known size cannot be empty") }
        backbone.run(workspace, activation: activation, feature: feature, observer: observer)
    }

    /// Head, shares of the frames and maps; see `DetectorOutput` for the equations.
    private func explain(
        frameCount: Int, activations: Workspace, features: Workspace
    ) throws(DetectorError) -> DetectorOutput {
        let rows = (0..<frameCount).map { Array(features.region($0)) }
        let mean = (0..<ResNetArchitecture.featureCount).map { k in
            Float(rows.reduce(0.0) { $0 + Double($1[k]) } / Double(frameCount))
        }
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

        let mapCount = ResNetBackbone.mapCount
        let alphas = gradient.map { $0 * scale / Double(mapCount) }
        let maps = Tensor(shape: [frameCount, ResNetArchitecture.mapSize, ResNetArchitecture.mapSize]) { values in
            for frame in 0..<frameCount {
                guard let activation = activations.region(frame).baseAddress else { continue }
                let map = Pooling.weightedSum(weights: alphas, input: activation, planeCount: mapCount)
                for place in 0..<mapCount { values[frame * mapCount + place] = Float(map[place]) }
            }
        }
        guard maps.isFinite else { throw .outputNotFinite(what: "Grad-CAM map") }
        return DetectorOutput(
            logit: logit, frameLogits: frameLogits, contributions: contributions, headBias: headBias,
            features: Tensor(shape: [frameCount, ResNetArchitecture.featureCount], elements: rows.flatMap { $0 }),
            maps: maps)
    }

    private func dot(_ left: [Double], _ right: [Float]) -> Double {
        zip(left, right).reduce(0) { $0 + $1.0 * Double($1.1) }
    }

    private func normalize(_ rgb: UnsafeBufferPointer<UInt8>, into input: UnsafeMutableBufferPointer<Float>) {
        guard let source = rgb.baseAddress, let target = input.baseAddress else {
            preconditionFailure("a frame of a checked size cannot be empty")
        }
        normalization.apply(rgb: source, pixelCount: rgb.count / 3, output: target)
    }

    private func checkFrameCount(_ count: Int) throws(DetectorError) {
        guard (1...ResNetDetector.maximumFrames).contains(count) else { throw .frameCount(count) }
    }

    private func checkSize(bytes: Int, frames: Int) throws(DetectorError) {
        guard bytes == frames * ResNetBackbone.inputCount else {
            throw .inputSize(expected: "\(frames * ResNetBackbone.inputCount) bytes", found: "\(bytes) bytes")
        }
    }

    private func takeWorkspaces(_ count: Int) -> [Workspace] {
        let taken = idleWorkspaces.withLock { idle in
            let taken = Array(idle.suffix(count))
            idle.removeLast(taken.count)
            return taken
        }
        return taken + (taken.count..<count).map { _ in backbone.makeWorkspace() }
    }

    private func giveBack(_ workspaces: [Workspace]) {
        idleWorkspaces.withLock { idle in
            idle.append(contentsOf: workspaces.prefix(max(0, threads - idle.count)))
        }
    }
}
