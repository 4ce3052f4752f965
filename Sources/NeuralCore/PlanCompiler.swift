import CKernels

/// Turns a description into operations on places in memory.
///
/// Values of one stage share buffers: one whose last reader is done gives its own to a later value of the same layout, and a residual that nothing
/// else reads is overwritten by the sum.
struct PlanCompiler {
    struct Layer {
        let name: String
        let shape: ConvolutionShape
        let method: ConvolutionMethod
        let weights: NetworkDescription.Weights
        let biasIsFinite: Bool
    }

    struct Compiled {
        var layers: [Layer] = []
        var packings: [WeightPacking] = []
        var stages: [NetworkPlan.Stage] = []
        var input: ValuePlace
        var inputChannels: Int
        var output: ValuePlace
        var sharedBytes = 0
    }

    /// A convolution with the pooling that may follow it.
    private struct Step {
        let convolution: NetworkDescription.Convolution
        let pool: NetworkDescription.MaximumPool?
        let method: ConvolutionMethod

        var output: Int { pool?.output ?? convolution.output }
        /// True if the convolution's output exists as a whole before it is pooled.
        var isPooledApart: Bool { if case .winograd = method { pool != nil } else { false } }
        /// The operations' names and the values they leave.
        var results: [(name: String, value: Int)] {
            let pooled = pool.map { [($0.name, $0.output)] } ?? []
            return (pool == nil || isPooledApart ? [(convolution.name, convolution.output)] : []) + pooled
        }
        var reads: [Int] { [convolution.input] + (convolution.residual.map { [$0] } ?? []) }
    }

    private let network: NetworkDescription
    private let selection: KernelSelection
    private let kernels: float_kernels
    private let batch: Int
    private let steps: [Step]

    init(_ network: NetworkDescription, selection: KernelSelection, batch: Int) {
        self.network = network
        self.selection = selection
        self.batch = batch
        kernels = PlanCompiler.kernels(for: network, of: selection.kernels)
        var steps: [Step] = []
        for layer in network.layers {
            switch layer {
            case .convolution(let convolution):
                let method = ConvolutionMethod.choose(shape: convolution.shape, selection: selection, isPooled: false)
                steps.append(Step(convolution: convolution, pool: nil, method: method))
            case .maximumPool(let pool):
                let last = steps.removeLast()
                let method = ConvolutionMethod.choose(shape: last.convolution.shape, selection: selection, isPooled: true)
                steps.append(Step(convolution: last.convolution, pool: pool, method: method))
            }
        }
        precondition(!steps.isEmpty, "a network has a convolution")
        self.steps = steps
    }

    /// Wide panels read each input value for more channels at once; narrow ones are better where much of a wide one would be padding.
    static func kernels(for network: NetworkDescription, of set: KernelSet) -> float_kernels {
        let wide = set.floatKernels
        guard let narrow = set.narrowFloatKernels else { return wide }
        func products(_ panel: Int) -> Int {
            network.layers.reduce(0) { sum, layer in
                guard case .convolution(let convolution) = layer else { return sum }
                let shape = convolution.shape
                let inChannels = convolution.input == network.input.index ? shape.inChannels : roundedUp(shape.inChannels, to: panel)
                let taps = shape.kernel * shape.kernel * shape.outHeight * shape.outWidth
                return sum + inChannels * roundedUp(shape.outChannels, to: panel) * taps
            }
        }
        return 20 * products(narrow.panel) <= 17 * products(wide.panel) ? narrow : wide
    }

    func compile() -> Compiled {
        let layouts = chooseLayouts()
        let multiples = network.stageFrames.indices.map { stage in frameMultiple(of: stage, layouts) }
        let places = assignPlaces(layouts, capacities: zip(network.stageFrames, multiples).map { roundedUp($0, to: $1) })
        let last = steps[steps.count - 1]
        var compiled = Compiled(
            input: places.values[network.input.index], inputChannels: network.dimensions[network.input.index].channels,
            output: places.values[last.output], sharedBytes: places.sharedBytes)
        var operations = [[any PlanOperation]](repeating: [], count: network.stageFrames.count)
        for step in steps {
            let convolution = step.convolution
            let inLayout = layouts[convolution.input]
            let outLayout = step.pool == nil || step.isPooledApart
                ? layouts[convolution.output] : bandLayout(of: step, pooledTo: layouts[step.output])
            let packing = WeightPacking(
                bias: convolution.weights.bias, slopes: convolution.slopes, shape: convolution.shape, method: step.method,
                kernels: kernels, input: inLayout, outChannels: paddedOut(of: step))
            compiled.layers.append(
                Layer(
                    name: convolution.name, shape: convolution.shape, method: step.method, weights: convolution.weights,
                    biasIsFinite: convolution.weights.bias.allSatisfy(\.isFinite) && convolution.slopes?.allSatisfy(\.isFinite) ?? true))
            compiled.packings.append(packing)
            operations[convolution.stage] += makeOperations(
                step, weights: packing.packed, inLayout: inLayout, outLayout: outLayout, places: places.values, layouts: layouts)
        }
        for (stage, frames) in network.stageFrames.enumerated() {
            let own = steps.filter { $0.convolution.stage == stage }
            precondition(!own.isEmpty, "a stage has a convolution")
            compiled.stages.append(
                NetworkPlan.Stage(
                    framesAtOnce: frames, holdsInput: stage == 0, frameMultiple: multiples[stage], operations: operations[stage],
                    chain: goesByRows(stage) ? RowChain(operations[stage], inputHeight: network.dimensions[network.input.index].height) : nil,
                    values: places.stageBuffers[stage], names: own.flatMap(\.results).map(\.name),
                    outputs: own.flatMap(\.results).map { places.values[$0.value] },
                    outputChannels: own.flatMap(\.results).map { network.dimensions[$0.value].channels }))
        }
        return compiled
    }

    private func goesByRows(_ stage: Int) -> Bool { network.isDepthFirst && stage == 0 }

    // MARK: Layouts

    /// Frames that stand side by side in any value of a stage belong to one group. Powers of two: the largest is a multiple of all.
    private func frameMultiple(of stage: Int, _ layouts: [ActivationLayout]) -> Int {
        steps.filter { $0.convolution.stage == stage }.flatMap { [$0.output] + $0.reads }
            .reduce(1) { max($0, layouts[$1].framesSideBySide) }
    }

    private func paddedOut(of step: Step) -> Int {
        let unit = if case .tiles = step.method { tile_block } else { kernels.panel }
        return roundedUp(step.convolution.shape.outChannels, to: unit)
    }

    /// Where the pooled convolution's band lies: the whole width, no border. Floats, or single bfloat16 where that is what is pooled to: rounding
    /// keeps the order, so the larger of two rounded numbers is the rounded larger one.
    private func bandLayout(of step: Step, pooledTo pooled: ActivationLayout) -> ActivationLayout {
        // Negative numbers have not the order of their bits, by which the tiles' own pooling goes.
        let isOrdered = step.convolution.hasRelu && step.convolution.slopes == nil && step.pool?.shape.padding == 1
        let isRounded = pooled.format == .blocks(parts: 1) && isOrdered
        return ActivationLayout(
            format: isRounded ? .blocks(parts: 1) : .float32, height: step.convolution.shape.outHeight, width: step.convolution.shape.outWidth,
            channels: paddedOut(of: step), border: 0)
    }

    /// Frames that a step would like to find side by side in its input.
    private func wantedSideBySide(_ step: Step) -> Int {
        guard case .tiles = step.method, step.pool == nil, step.convolution.input != network.input.index else { return 1 }
        return TileConvolution.framesSideBySide(width: step.convolution.shape.outWidth)
    }

    /// Small pictures stand side by side for those who read them, and then for those whose sum they join.
    private func chooseLayouts() -> [ActivationLayout] {
        let last = steps[steps.count - 1].output
        var sideBySide = [Int](repeating: 1, count: network.dimensions.count)
        var pitch = [Int](repeating: 0, count: network.dimensions.count)
        var border = [Int](repeating: 0, count: network.dimensions.count)
        for step in steps.reversed() {
            let shape = step.convolution.shape
            let input = step.convolution.input
            let wanted = wantedSideBySide(step)
            border[input] = max(border[input], shape.padding)
            // With one border a sum can take its residual's place.
            if let residual = step.convolution.residual { border[residual] = max(border[residual], border[step.output]) }
            if wanted > 1 && sideBySide[input] == 1 {
                sideBySide[input] = wanted
                pitch[input] = shape.stride * max(pitch[step.output], shape.outWidth + 1)
            }
            if let residual = step.convolution.residual, sideBySide[residual] == 1 {
                sideBySide[residual] = step.output == last ? wanted : sideBySide[step.output]
                pitch[residual] = step.output == last ? pitch[input] : pitch[step.output]
            }
        }
        return network.dimensions.indices.map { value in
            let size = network.dimensions[value]
            let readers = steps.filter { $0.convolution.input == value }
            if value == last {
                return ActivationLayout(
                    format: .float32, height: size.height, width: size.width,
                    channels: roundedUp(size.channels, to: selection.kernels == .amx ? tile_block : kernels.panel), border: 0)
            }
            let border = max(border[value], sideBySide[value] > 1 ? 1 : 0)
            let (format, channels) = formatAndChannels(of: value, readers: readers)
            return ActivationLayout(
                format: format, height: size.height, width: size.width, channels: channels, border: border,
                framesSideBySide: sideBySide[value], framePitch: max(size.width + border, pitch[value]))
        }
    }

    private func formatAndChannels(of value: Int, readers: [Step]) -> (ActivationLayout.Format, Int) {
        let channels = network.dimensions[value].channels
        if let parts = selection.precision.parts {
            if value == network.input.index, readers.allSatisfy({ TileConvolution.takesKernelRows($0.convolution.shape) }) {
                return (.planes(parts: parts), channels)
            }
            return (.blocks(parts: parts), roundedUp(channels, to: tile_block))
        }
        // Direct kernels read any number of channels; Winograd's transforms read whole vectors.
        let isUnpadded = value == network.input.index
            && !readers.contains { if case .winograd = $0.method { true } else { false } }
        return (.float32, isUnpadded ? channels : roundedUp(channels, to: kernels.panel))
    }

    // MARK: Places

    private struct Places {
        var values: [ValuePlace]
        var stageBuffers: [[ValuePlace]]
        var sharedBytes: Int
    }

    private func assignPlaces(_ layouts: [ActivationLayout], capacities: [Int]) -> Places {
        let last = steps[steps.count - 1].output
        var lastRead = [Int](repeating: -1, count: network.dimensions.count)
        var producer = [Int](repeating: 0, count: network.dimensions.count)
        for (index, step) in steps.enumerated() {
            for value in step.reads { lastRead[value] = index }
            producer[step.output] = step.convolution.stage
        }
        var values = layouts.map { ValuePlace(layout: $0, isShared: false, offset: 0) }
        var stageBuffers = [[ValuePlace]](repeating: [], count: network.stageFrames.count)
        var free = [[ValuePlace]](repeating: [], count: network.stageFrames.count)
        var sharedBytes = 0

        func isShared(_ value: Int) -> Bool {
            value == last || steps.contains { $0.reads.contains(value) && $0.convolution.stage != producer[value] }
        }
        func place(_ value: Int, stage: Int) {
            let layout = layouts[value]
            if isShared(value) {
                values[value] = ValuePlace(layout: layout, isShared: true, offset: sharedBytes)
                let frames = roundedUp(batch, to: layout.framesSideBySide)
                sharedBytes += roundedUp(layout.byteCount(frames: frames), to: 64)
            } else if !goesByRows(stage), let index = free[stage].firstIndex(where: { $0.layout == layout }) {
                values[value] = free[stage].remove(at: index)
            } else {
                let frames = capacities[stage]
                let end = stageBuffers[stage].last.map { $0.offset + $0.layout.byteCount(frames: frames) } ?? 0
                let offset = roundedUp(end, to: 64)
                values[value] = ValuePlace(layout: layout, isShared: false, offset: offset)
                stageBuffers[stage].append(values[value])
            }
        }

        place(network.input.index, stage: 0)
        for (index, step) in steps.enumerated() {
            let stage = step.convolution.stage
            let output = step.output
            let input = step.convolution.input
            if step.isPooledApart { place(step.convolution.output, stage: stage) }
            if let residual = step.convolution.residual, residual != input, lastRead[residual] == index, !isShared(residual),
                !isShared(output), layouts[residual] == layouts[output], producer[residual] == stage {
                values[output] = values[residual]
            } else {
                place(output, stage: stage)
                if let residual = step.convolution.residual, residual != input, lastRead[residual] == index,
                    !isShared(residual), producer[residual] == stage {
                    free[stage].append(values[residual])
                }
            }
            if step.isPooledApart { free[stage].append(values[step.convolution.output]) }
            if lastRead[input] == index, !isShared(input), producer[input] == stage { free[stage].append(values[input]) }
        }
        return Places(values: values, stageBuffers: stageBuffers, sharedBytes: sharedBytes)
    }

    // MARK: Operations

    private func makeOperations(
        _ step: Step, weights: PackedWeights, inLayout: ActivationLayout, outLayout: ActivationLayout, places: [ValuePlace],
        layouts: [ActivationLayout]
    ) -> [any PlanOperation] {
        let convolution = step.convolution
        let input = places[convolution.input]
        let output = places[step.output]
        let residual = convolution.residual.map { places[$0] }
        let pooling = step.pool.map {
            RowPooling(shape: $0.shape, kernels: kernels, input: outLayout, output: layouts[$0.output])
        }
        switch step.method {
        case .winograd(let tile):
            let whole = places[convolution.output]
            let winograd = WinogradOperation(
                shape: convolution.shape, tile: tile, kernels: kernels, weights: weights, hasRelu: convolution.hasRelu,
                input: input, output: whole, residual: residual)
            return [winograd] + (pooling.map { [PoolOperation(pooling: $0, input: whole, output: output)] } ?? [])
        case .reference, .matrixProduct, .direct, .winogradRows:
            let float = FloatConvolution(
                shape: convolution.shape, method: step.method, kernels: kernels, weights: weights, input: inLayout,
                output: outLayout, residual: convolution.residual.map { layouts[$0] }, hasRelu: convolution.hasRelu)
            guard let pooling else {
                return [FloatConvolutionOperation(convolution: float, input: input, output: output, residual: residual)]
            }
            return [PooledConvolutionOperation(convolution: .float(float), pooling: pooling, input: input, output: output)]
        case .tiles(let parts):
            let tiles = TileConvolution(
                shape: convolution.shape, parts: parts, weights: weights, input: inLayout, output: outLayout,
                residual: convolution.residual.map { layouts[$0] }, hasRelu: convolution.hasRelu, isPooled: step.pool != nil)
            guard let pooling else {
                return [TileConvolutionOperation(convolution: tiles, input: input, output: output, residual: residual)]
            }
            return [PooledConvolutionOperation(convolution: .tiles(tiles), pooling: pooling, input: input, output: output)]
        }
    }
}
