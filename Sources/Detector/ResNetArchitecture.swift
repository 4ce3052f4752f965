/// The tensors of ResNet18 (He et al. 2016, arXiv:1512.03385, table 1) under torchvision's names.
enum ResNetArchitecture {
    static let inputSize = 224
    static let featureCount = 512
    /// Width and height of the last block's output.
    static let mapSize = 7

    /// One convolution and the batch normalisation after it.
    struct ConvolutionSpec: Sendable {
        /// torchvision's name, such as `layer2.0.downsample.0`.
        let name: String
        /// torchvision's name of the normalisation, such as `layer2.0.downsample.1`.
        let normName: String
        let inChannels: Int
        let outChannels: Int
        let kernel: Int
        let stride: Int
        let inputExtent: Int

        var padding: Int { kernel / 2 }
        var weightName: String { name + ".weight" }
        /// Name of the bias that stands for the whole normalisation once that is folded into the weights.
        var foldedBiasName: String { name + ".bias" }
        var weightShape: [Int] { [outChannels, inChannels, kernel, kernel] }
        var normTensorNames: [String] { ["weight", "bias", "running_mean", "running_var"].map { normName + "." + $0 } }
    }

    /// A residual block: two 3×3 convolutions and, where the shape changes, a 1×1 one beside them.
    struct BlockSpec: Sendable {
        let name: String
        let first: ConvolutionSpec
        let second: ConvolutionSpec
        let downsample: ConvolutionSpec?
    }

    static let stem = ConvolutionSpec(
        name: "conv1", normName: "bn1", inChannels: 3, outChannels: 64, kernel: 7, stride: 2, inputExtent: inputSize)

    static let blocks: [BlockSpec] = {
        var blocks: [BlockSpec] = []
        var channels = 64
        var extent = 56
        for layer in 1...4 {
            let outChannels = 64 << (layer - 1)
            for index in 0..<2 {
                let name = "layer\(layer).\(index)"
                let stride = layer > 1 && index == 0 ? 2 : 1
                let outExtent = extent / stride
                blocks.append(
                    BlockSpec(
                        name: name,
                        first: ConvolutionSpec(
                            name: name + ".conv1", normName: name + ".bn1", inChannels: channels,
                            outChannels: outChannels, kernel: 3, stride: stride, inputExtent: extent),
                        second: ConvolutionSpec(
                            name: name + ".conv2", normName: name + ".bn2", inChannels: outChannels,
                            outChannels: outChannels, kernel: 3, stride: 1, inputExtent: outExtent),
                        downsample: channels == outChannels
                            ? nil
                            : ConvolutionSpec(
                                name: name + ".downsample.0", normName: name + ".downsample.1", inChannels: channels,
                                outChannels: outChannels, kernel: 1, stride: stride, inputExtent: extent)))
                channels = outChannels
                extent = outExtent
            }
        }
        return blocks
    }()

    /// Every convolution in the order of the forward pass.
    static let convolutions: [ConvolutionSpec] =
        [stem] + blocks.flatMap { [$0.first, $0.second] + ($0.downsample.map { [$0] } ?? []) }

    /// Every backbone tensor that can occur, with its shape: normalised and folded forms together.
    static let backboneShapes: [String: [Int]] = {
        var shapes: [String: [Int]] = [:]
        for convolution in convolutions {
            shapes[convolution.weightName] = convolution.weightShape
            shapes[convolution.foldedBiasName] = [convolution.outChannels]
            for name in convolution.normTensorNames { shapes[name] = [convolution.outChannels] }
        }
        return shapes
    }()

    /// The head's tensors under the names a torchvision ResNet has whose `fc` was replaced by the head.
    static func headShapes(_ head: ModelCard.Head) -> [(name: String, shape: [Int])] {
        switch head {
        case .linear:
            [("fc.weight", [1, featureCount]), ("fc.bias", [1])]
        case .mlp:
            [
                ("fc.0.weight", [featureCount, featureCount]), ("fc.0.bias", [featureCount]),
                ("fc.2.weight", [1, featureCount]), ("fc.2.bias", [1]),
            ]
        }
    }

    /// How tensors of the given shapes differ from the network's; a convolution may come normalised or folded.
    static func mismatch(found: [String: [Int]], head: ModelCard.Head?) -> CheckpointError.Mismatch {
        var expected: [(name: String, shape: [Int])] = []
        for convolution in convolutions {
            expected.append((convolution.weightName, convolution.weightShape))
            let isFolded =
                found[convolution.foldedBiasName] != nil && convolution.normTensorNames.allSatisfy { found[$0] == nil }
            let names = isFolded ? [convolution.foldedBiasName] : convolution.normTensorNames
            expected += names.map { ($0, [convolution.outChannels]) }
        }
        if let head { expected += headShapes(head) }

        var mismatch = CheckpointError.Mismatch(missing: [], unexpected: [], wrongShape: [])
        for (name, shape) in expected {
            if let actual = found[name] {
                if actual != shape {
                    mismatch.wrongShape.append(.init(name: name, expected: shape, found: actual))
                }
            } else {
                mismatch.missing.append("\(name) \(shape)")
            }
        }
        let expectedNames = Set(expected.map(\.name))
        mismatch.unexpected = found.keys.filter { !expectedNames.contains($0) }.sorted().map { "\($0) \(found[$0] ?? [])" }
        return mismatch
    }
}
