import NeuralCore

/// The detector in training: ResNet18 and its head on a batch of pictures, forward and back.
///
/// One logit a picture; a clip's is their mean, as in `ResNetDetector`. Not `Sendable`: it belongs to whoever trains, and a call blocks for about a
/// second. Values are the same to the bit at any number of threads.
public final class TrainableResNet {
    /// Under torchvision's names, the head last.
    public let layout: ParameterLayout
    public let parameters: ParameterBuffer
    /// What `backward` filled last.
    public let gradients: ParameterBuffer
    /// Running means and variances; without tensors in the folded form.
    public let statistics: ParameterBuffer
    /// Most pictures of a call.
    public let batch: Int
    /// True while batch statistics are taken and kept; false for validation.
    public var isTraining = true

    private let network: TrainingNetwork
    private let normalization: ImageNormalization
    private var head: TrainableHead

    /// Begins from a checkpoint's weights, in float32 on the given kernels.
    ///
    /// Normalisations are folded for the form `folded`. A checkpoint whose are folded already goes on as `frozen` ones that are the identity at
    /// first; with `batch` that would be another network, so it is refused.
    public init(
        _ checkpoint: Checkpoint, form: NormForm, batch: Int, selection: KernelSelection, threads: Int
    ) throws(CheckpointError) {
        precondition(ThreadTeam.sizes.contains(threads), "a trainer with \(threads) threads")
        OpenBLASCore.useOneThread()
        self.batch = batch
        let names = TrainableResNet.tensorNames
        network = TrainingNetwork(
            ResNetBackbone.description(tensors: checkpoint.tensors), form: form, batch: batch, selection: selection,
            team: ThreadTeam(size: threads)
        ) { layer in
            guard let names = names[layer] else { preconditionFailure("\(layer) is no layer of ResNet18") }
            return names
        }
        var layout = network.layout
        head = TrainableHead(kind: checkpoint.card.head, appendingTo: &layout)
        self.layout = layout
        parameters = ParameterBuffer(layout: layout)
        gradients = ParameterBuffer(layout: layout)
        statistics = ParameterBuffer(layout: network.statisticsLayout)
        let card = checkpoint.card
        normalization = ImageNormalization(mean: card.mean.map { Float($0) }, std: card.std.map { Float($0) })
        let tensors = try TrainableResNet.tensors(of: checkpoint, form: form)
        for buffer in [parameters, statistics] {
            for entry in buffer.layout.entries {
                guard let tensor = tensors[entry.name] else { preconditionFailure("\(entry.name) is missing from a validated checkpoint") }
                tensor.withUnsafeBuffer { _ = buffer.values(of: entry).update(fromContentsOf: $0) }
            }
        }
    }

    /// The logits of 1…`batch` pictures of RGB24, `[count, 224, 224, 3]`, keeping what `backward` needs.
    public func forward(rgb: UnsafeRawBufferPointer, count: Int) -> [Double] {
        precondition((1...batch).contains(count) && rgb.count == count * ResNetBackbone.inputCount, "\(count) pictures of \(rgb.count) bytes")
        let bytes = rgb.bindMemory(to: UInt8.self)
        guard let base = bytes.baseAddress else { preconditionFailure("pictures of a checked size cannot be empty") }
        let width = ResNetArchitecture.inputSize
        network.forward(frames: count, parameters: parameters, statistics: statistics, isTraining: isTraining) { [normalization] frame, row, target in
            normalization.apply(rgb: base + frame * ResNetBackbone.inputCount + row * 3 * width, pixelCount: width, output: target)
        }
        let features = (0..<count).map { frame in network.withOutput(frame: frame) { TrainableResNet.means($0, pixelFloats: network.outputPixelFloats) } }
        return head.forward(features: features, parameters: parameters)
    }

    /// Fills `gradients`, given the loss's gradient with respect to each logit of the last `forward`.
    public func backward(logitGradients: [Double]) {
        let features = head.backward(logitGradients: logitGradients, parameters: parameters, gradients: gradients)
        let scale = 1 / Double(ResNetBackbone.mapCount)
        // Every pixel of a map has the same share in its mean.
        let pixels = features.map { $0.map { Float($0 * scale) } }
        let (extent, floats) = (ResNetArchitecture.mapSize, network.outputPixelFloats)
        network.backward(parameters: parameters, statistics: statistics, gradients: gradients, isTraining: isTraining) { frame, _, target in
            for x in 0..<extent {
                let pixel = target + x * floats
                pixel.update(from: pixels[frame], count: pixels[frame].count)
                (pixel + pixels[frame].count).update(repeating: 0, count: floats - pixels[frame].count)
            }
        }
    }

    /// A checkpoint with a copy of the given parameters, these or an average of theirs.
    public func checkpoint(
        card: ModelCard, parameters: ParameterBuffer, statistics: ParameterBuffer
    ) throws(CheckpointError) -> Checkpoint {
        var tensors: [String: Tensor] = [:]
        for buffer in [parameters, statistics] {
            for entry in buffer.layout.entries { tensors[entry.name] = buffer.tensor(of: entry) }
        }
        return try Checkpoint(card: card, tensors: tensors)
    }

    /// Bytes of what it works in, parameters included.
    public var memoryBytes: Int { network.memoryBytes + 2 * layout.count * MemoryLayout<Float>.size }

    private static func means(_ row: (Int) -> UnsafePointer<Float>, pixelFloats: Int) -> [Float] {
        let (count, extent) = (ResNetArchitecture.featureCount, ResNetArchitecture.mapSize)
        var sums = [Double](repeating: 0, count: count)
        for y in 0..<extent {
            let pixels = row(y)
            for x in 0..<extent {
                for channel in 0..<count { sums[channel] += Double(pixels[x * pixelFloats + channel]) }
            }
        }
        return sums.map { Float($0 / Double(extent * extent)) }
    }
}

extension TrainableResNet {
    /// torchvision's names of the tensors of each layer of `ResNetBackbone.description`.
    private static let tensorNames: [String: TrainingNetwork.TensorNames] = {
        func names(_ spec: ResNetArchitecture.ConvolutionSpec) -> TrainingNetwork.TensorNames {
            let norm = spec.normTensorNames
            return TrainingNetwork.TensorNames(
                weight: spec.weightName, bias: spec.foldedBiasName, gamma: norm[0], beta: norm[1], mean: norm[2], variance: norm[3])
        }
        var result = ["conv1": names(ResNetArchitecture.stem)]
        for block in ResNetArchitecture.blocks {
            result[block.name + ".conv1"] = names(block.first)
            result[block.name] = names(block.second)
            if let downsample = block.downsample { result[block.name + ".downsample"] = names(downsample) }
        }
        return result
    }()

    /// The checkpoint's tensors in the form in which they are trained.
    private static func tensors(of checkpoint: Checkpoint, form: NormForm) throws(CheckpointError) -> [String: Tensor] {
        var tensors = checkpoint.tensors
        for spec in ResNetArchitecture.convolutions {
            guard let weights = tensors[spec.weightName] else { continue }
            let norm = spec.normTensorNames.compactMap { tensors[$0] }
            let isFolded = norm.isEmpty
            switch form {
            case .folded where !isFolded:
                let folded = BatchNorm(gamma: norm[0], beta: norm[1], mean: norm[2], variance: norm[3]).folded(into: weights)
                tensors[spec.weightName] = folded.foldedValues()
                tensors[spec.foldedBiasName] = Tensor(shape: [spec.outChannels], elements: folded.bias)
            case .frozen where isFolded:
                let bias = tensors[spec.foldedBiasName]?.elements ?? []
                let one = Float(1 - BatchNorm.defaultEpsilon)
                for (name, values) in zip(spec.normTensorNames, [1, nil, 0, one] as [Float?]) {
                    tensors[name] = Tensor(
                        shape: [spec.outChannels], elements: values.map { [Float](repeating: $0, count: spec.outChannels) } ?? bias)
                }
            case .batch where isFolded:
                throw .unsupported(
                    "its normalisations are folded into the convolutions, so that there are none to train with batch statistics; train it "
                        + "folded or frozen, or begin from a checkpoint that has them")
            default: break
            }
        }
        return tensors
    }
}
