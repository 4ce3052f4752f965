import NeuralCore

/// ResNet18 without its classifier, normalisation folded into the convolutions, for one frame at a time.
struct ResNetBackbone: Sendable {
    /// A layer's output on one frame, shown to a test while it is computed.
    typealias Observer = (_ layer: String, _ shape: [Int], _ values: UnsafeBufferPointer<Float>) -> Void

    private struct Block: Sendable {
        let name: String
        let first: Convolution
        let second: Convolution
        let downsample: Convolution?
    }

    /// The regions of a workspace.
    private enum Region: Int, CaseIterable {
        case input, stem, current, inner, shortcut, next, scratch
    }

    private let stem: Convolution
    private let blocks: [Block]
    private let regionCounts: [Int]

    /// Values of the input of one frame, `[3, 224, 224]`.
    static let inputCount = 3 * ResNetArchitecture.inputSize * ResNetArchitecture.inputSize
    /// Values of layer4 for one frame, `[512, 7, 7]`.
    static let activationCount = ResNetArchitecture.featureCount * mapCount
    /// Places of a map.
    static let mapCount = ResNetArchitecture.mapSize * ResNetArchitecture.mapSize

    /// Folds and copies the weights of a validated checkpoint.
    init(tensors: [String: Tensor]) throws(CheckpointError) {
        stem = try ResNetBackbone.convolution(ResNetArchitecture.stem, tensors: tensors)
        var blocks: [Block] = []
        for spec in ResNetArchitecture.blocks {
            var downsample: Convolution?
            if let downsampleSpec = spec.downsample {
                downsample = try ResNetBackbone.convolution(downsampleSpec, tensors: tensors)
            }
            blocks.append(
                Block(
                    name: spec.name, first: try ResNetBackbone.convolution(spec.first, tensors: tensors),
                    second: try ResNetBackbone.convolution(spec.second, tensors: tensors), downsample: downsample))
        }
        self.blocks = blocks

        let convolutions = [stem] + blocks.flatMap { [$0.first, $0.second] + ($0.downsample.map { [$0] } ?? []) }
        let blockCount = blocks.map { max($0.first.plan.inputCount, $0.second.plan.outputCount) }.max() ?? 0
        let scratchCount = convolutions.map(\.plan.scratchCount).max() ?? 0
        regionCounts = Region.allCases.map { region in
            switch region {
            case .input: ResNetBackbone.inputCount
            case .stem: ResNetArchitecture.stem.outChannels * 112 * 112
            case .current, .inner, .shortcut, .next: blockCount
            case .scratch: scratchCount
            }
        }
    }

    /// Scratch for one thread.
    func makeWorkspace() -> Workspace { Workspace(regionCounts: regionCounts) }

    /// Where a caller may put the normalised frame.
    func input(of workspace: Workspace) -> UnsafeMutableBufferPointer<Float> {
        workspace.region(Region.input.rawValue)
    }

    /// Computes layer4 `[512, 7, 7]` and its means `[512]` of the frame that lies in the workspace's input.
    func run(
        _ workspace: Workspace, activation: UnsafeMutablePointer<Float>, feature: UnsafeMutablePointer<Float>,
        observer: Observer? = nil
    ) {
        func start(_ region: Region) -> UnsafeMutablePointer<Float> {
            guard let base = workspace.region(region.rawValue).baseAddress else {
                preconditionFailure("the workspace is another network's")
            }
            return base
        }
        let scratch = workspace.region(Region.scratch.rawValue)
        func report(_ name: String, _ plan: ConvolutionPlan, _ values: UnsafePointer<Float>) {
            observer?(
                name, [plan.outChannels, plan.outHeight, plan.outWidth],
                UnsafeBufferPointer(start: values, count: plan.outputCount))
        }

        let stemOutput = start(.stem)
        stem.apply(input: start(.input), output: stemOutput, scratch: scratch, epilogue: .biasRelu)
        report("conv1", stem.plan, stemOutput)

        var current = start(.current)
        var next = start(.next)
        let inner = start(.inner)
        let (channels, height, width) = (stem.plan.outChannels, stem.plan.outHeight, stem.plan.outWidth)
        Pooling.maximum3x3Stride2(input: stemOutput, channels: channels, height: height, width: width, output: current)
        let pooled = [channels, Pooling.maxPooledExtent(height), Pooling.maxPooledExtent(width)]
        observer?("maxpool", pooled, UnsafeBufferPointer(start: current, count: pooled.reduce(1, *)))

        for block in blocks {
            block.first.apply(input: current, output: inner, scratch: scratch, epilogue: .biasRelu)
            report(block.name + ".conv1", block.first.plan, inner)
            var residual = UnsafePointer(current)
            if let downsample = block.downsample {
                let shortcut = start(.shortcut)
                downsample.apply(input: current, output: shortcut, scratch: scratch, epilogue: .bias)
                report(block.name + ".downsample", downsample.plan, shortcut)
                residual = UnsafePointer(shortcut)
            }
            block.second.apply(input: inner, output: next, scratch: scratch, epilogue: .biasResidualRelu(residual))
            report(block.name, block.second.plan, next)
            swap(&current, &next)
        }

        activation.update(from: current, count: ResNetBackbone.activationCount)
        Pooling.globalAverage(
            input: current, channels: ResNetArchitecture.featureCount, planeCount: ResNetBackbone.mapCount,
            output: feature)
        observer?(
            "avgpool", [ResNetArchitecture.featureCount],
            UnsafeBufferPointer(start: feature, count: ResNetArchitecture.featureCount))
    }

    private static func convolution(
        _ spec: ResNetArchitecture.ConvolutionSpec, tensors: [String: Tensor]
    ) throws(CheckpointError) -> Convolution {
        func tensor(_ name: String) -> Tensor {
            guard let tensor = tensors[name] else {
                preconditionFailure("\(name) is missing from a validated checkpoint")
            }
            return tensor
        }
        let plan = ConvolutionPlan(
            inChannels: spec.inChannels, height: spec.inputExtent, width: spec.inputExtent,
            outChannels: spec.outChannels, kernel: spec.kernel, stride: spec.stride, padding: spec.padding)
        let weights = tensor(spec.weightName)
        if let bias = tensors[spec.foldedBiasName] {
            return Convolution(plan: plan, weights: weights.copied(), bias: bias.copied())
        }
        let norm = spec.normTensorNames.map(tensor)
        let folded = BatchNorm(gamma: norm[0], beta: norm[1], mean: norm[2], variance: norm[3]).folded(into: weights)
        // Finite values may still fold to something else: a negative variance, or one so small that 1/√ overflows.
        guard folded.weights.isFinite, folded.bias.isFinite else { throw .notFinite(tensor: spec.normName + " (folded)") }
        return Convolution(plan: plan, weights: folded.weights, bias: folded.bias)
    }
}
