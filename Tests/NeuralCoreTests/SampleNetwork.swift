import NeuralCore

/// A small random network with every kind of layer: a convolution that may be pooled, a residual block with a shortcut of another shape, one
/// without, in two stages.
struct SampleNetwork {
    struct Layer {
        var outChannels: Int
        var kernel: Int
        var stride: Int
        var padding: Int
        var weights: [Float]
        var bias: [Float]
    }

    let channels: Int
    let height: Int
    let width: Int
    let isPooled: Bool
    let stem: Layer
    let first: Layer
    let shortcut: Layer
    let second: Layer
    let third: Layer
    let last: Layer

    /// Odd extents and channel counts that are no multiple of any vector.
    init(random: inout TestRandom) {
        self.init(
            channels: Int.random(in: 1...5, using: &random), height: Int.random(in: 9...29, using: &random),
            width: Int.random(in: 9...29, using: &random), stemKernel: [1, 3, 5, 7].randomElement(using: &random) ?? 3,
            stemStride: Int.random(in: 1...2, using: &random), isPooled: Bool.random(using: &random),
            innerChannels: Int.random(in: 1...37, using: &random), outChannels: Int.random(in: 1...37, using: &random),
            stride: Int.random(in: 1...2, using: &random), random: &random)
    }

    init(
        channels: Int, height: Int, width: Int, stemKernel: Int, stemStride: Int, isPooled: Bool, innerChannels: Int,
        outChannels: Int, stride: Int, random: inout TestRandom
    ) {
        func layer(_ inChannels: Int, _ outChannels: Int, kernel: Int, stride: Int, padding: Int) -> Layer {
            let depth = inChannels * kernel * kernel
            // Scaled so that values stay near 1 whatever the depth.
            let spread = (3 / Float(depth)).squareRoot()
            return Layer(
                outChannels: outChannels, kernel: kernel, stride: stride, padding: padding,
                weights: random.floats(outChannels * depth, in: -spread...spread), bias: random.floats(outChannels, in: -0.5...0.5))
        }
        self.channels = channels
        self.height = height
        self.width = width
        self.isPooled = isPooled
        stem = layer(channels, innerChannels, kernel: stemKernel, stride: stemStride, padding: stemKernel / 2)
        first = layer(innerChannels, outChannels, kernel: 3, stride: stride, padding: 1)
        shortcut = layer(innerChannels, outChannels, kernel: 1, stride: stride, padding: 0)
        second = layer(outChannels, outChannels, kernel: 3, stride: 1, padding: 1)
        third = layer(outChannels, outChannels, kernel: 3, stride: 1, padding: 1)
        last = layer(outChannels, outChannels, kernel: 3, stride: 1, padding: 1)
    }

    var inputCount: Int { channels * height * width }

    func plan(_ selection: KernelSelection, framesAtOnce: Int = 3) throws -> NetworkPlan {
        try NetworkPlan(description(framesAtOnce: framesAtOnce), selection: selection, team: ThreadTeam(size: 2))
    }

    /// The output of the same network in training, on planar frames.
    func train(_ selection: KernelSelection, pixels: [Float], threads: Int) -> [Float] {
        let frames = pixels.count / inputCount
        let network = TrainingNetwork(
            description(framesAtOnce: 3), form: .folded, batch: frames, selection: selection, team: ThreadTeam(size: threads)
        ) { .init(weight: $0 + ".weight", bias: $0 + ".bias", gamma: "", beta: "", mean: "", variance: "") }
        let parameters = ParameterBuffer(layout: network.layout)
        for (name, layer) in [
            ("stem", stem), ("first", first), ("shortcut", shortcut), ("second", second), ("third", third), ("last", last),
        ] {
            for (tensor, values) in [(name + ".weight", layer.weights), (name + ".bias", layer.bias)] {
                if let entry = network.layout[tensor] { _ = parameters.values(of: entry).update(fromContentsOf: values) }
            }
        }
        network.forward(
            frames: frames, parameters: parameters, statistics: ParameterBuffer(layout: network.statisticsLayout), isTraining: true,
            load: loader(pixels))
        let (floats, channels) = (network.outputPixelFloats, last.outChannels)
        return (0..<frames).flatMap { frame in
            network.withOutput(frame: frame) { row in
                (0..<network.outputShape[0]).flatMap { y in
                    (0..<network.outputShape[1]).flatMap { x in (0..<channels).map { row(y)[x * floats + $0] } }
                }
            }
        }
    }

    private func description(framesAtOnce: Int) -> NetworkDescription {
        var network = NetworkDescription(channels: channels, height: height, width: width, framesAtOnce: 1)
        func append(
            _ layer: Layer, _ name: String, of input: NetworkDescription.Value, residual: NetworkDescription.Value? = nil,
            relu: Bool = true
        ) -> NetworkDescription.Value {
            let shape = [layer.outChannels, layer.weights.count / layer.outChannels]
            return network.convolution(
                name, of: input, outChannels: layer.outChannels, kernel: layer.kernel, stride: layer.stride,
                padding: layer.padding,
                weights: .init(
                    values: Tensor(shape: shape, elements: layer.weights),
                    factors: [Double](repeating: 1, count: layer.outChannels), bias: layer.bias),
                residual: residual, relu: relu)
        }
        var current = append(stem, "stem", of: network.input)
        if isPooled { current = network.maximumPool("pool", of: current) }
        let inner = append(first, "first", of: current)
        let side = append(shortcut, "shortcut", of: current, relu: false)
        current = append(second, "second", of: inner, residual: side)
        network.beginStage(framesAtOnce: framesAtOnce)
        let deep = append(third, "third", of: current)
        _ = append(last, "last", of: deep, residual: current)
        return network
    }

    /// The definition's output, `[height, width, channels]`.
    func reference(_ frame: ArraySlice<Float>) -> [Double] {
        func apply(
            _ layer: Layer, _ input: PlaneReference.Image, residual: PlaneReference.Image? = nil, relu: Bool = true
        ) -> PlaneReference.Image {
            PlaneReference.convolution(
                input, outChannels: layer.outChannels, kernel: layer.kernel, stride: layer.stride, padding: layer.padding,
                weights: layer.weights, bias: layer.bias, residual: residual, relu: relu)
        }
        let input = PlaneReference.Image(channels: channels, height: height, width: width, values: frame.map { Double($0) })
        var current = apply(stem, input)
        if isPooled { current = PlaneReference.maximumPool(current) }
        current = apply(second, apply(first, current), residual: apply(shortcut, current, relu: false))
        return apply(last, apply(third, current), residual: current).channelsLast
    }

    /// What the plan computes of planar frames, without the channels that pad a pixel.
    func run(_ plan: NetworkPlan, _ context: PlanContext, frames: [Float]) -> [Float] {
        real(context.run(frames: frames.count / inputCount, load: loader(frames)), of: plan)
    }

    /// As `run`, observed; `seen` is called for each output of each frame.
    func observe(_ plan: NetworkPlan, _ context: PlanContext, frames: [Float], seen: () -> Void) -> [Float] {
        real(context.observe(frames: frames.count / inputCount, load: loader(frames)) { _, _, _, _ in seen() }, of: plan)
    }

    private func loader(_ frames: [Float]) -> PlanContext.RowLoader {
        { frame, row, destination in
            for x in 0..<width {
                for c in 0..<channels {
                    destination[x * channels + c] = frames[frame * inputCount + (c * height + row) * width + x]
                }
            }
        }
    }

    private func real(_ output: UnsafeBufferPointer<Float>, of plan: NetworkPlan) -> [Float] {
        stride(from: 0, to: output.count, by: plan.outputShape[2]).flatMap { output[$0..<$0 + last.outChannels] }
    }
}

extension SampleNetwork: CustomStringConvertible {
    var description: String {
        "\(channels)x\(height)x\(width), stem \(stem.kernel)x\(stem.kernel)/\(stem.stride)\(isPooled ? " pooled" : "") to "
            + "\(stem.outChannels), block /\(first.stride) to \(first.outChannels)"
    }
}
