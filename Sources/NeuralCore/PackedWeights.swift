import CKernels

/// A convolution's weights in the order in which its kernel reads them. They exist once in a process, whoever uses the plan.
struct PackedWeights: Sendable {
    private let memory: AlignedMemory
    private let biasMemory: AlignedMemory
    private let slopeMemory: AlignedMemory?
    /// Floats from one of Winograd's matrices to the next.
    let matrixStride: Int

    /// In `memory`, which may serve other layers at other times, or in memory of its own.
    fileprivate init(
        byteCount: Int, matrixStride: Int, bias: [Float], slopes: [Float]?, outChannels: Int, memory shared: AlignedMemory?
    ) {
        memory = shared ?? AlignedMemory(byteCount: byteCount)
        precondition(memory.byteCount >= byteCount, "the memory is too small for these weights")
        biasMemory = AlignedMemory(byteCount: outChannels * MemoryLayout<Float>.size)
        biasMemory.floats().update(from: bias, count: bias.count)
        slopeMemory = slopes.map { slopes in
            let memory = AlignedMemory(byteCount: outChannels * MemoryLayout<Float>.size)
            memory.floats().update(from: slopes, count: slopes.count)
            return memory
        }
        self.matrixStride = matrixStride
    }

    var floats: UnsafeMutablePointer<Float> { memory.floats() }
    var tiles: UnsafeMutablePointer<UInt16> { memory.base.assumingMemoryBound(to: UInt16.self) }
    var bias: UnsafeMutablePointer<Float> { biasMemory.floats() }
    /// What a ReLU multiplies negative values with, nil for zeros.
    var slopes: UnsafePointer<Float>? { slopeMemory.map { UnsafePointer($0.floats()) } }
    var byteCount: Int { memory.byteCount + biasMemory.byteCount + (slopeMemory?.byteCount ?? 0) }
}

/// Fills a `PackedWeights` piece by piece, so that threads can share the work.
struct WeightPacking: Sendable {
    let packed: PackedWeights
    /// Pieces that can be packed side by side.
    let unitCount: Int

    private let shape: ConvolutionShape
    private let method: ConvolutionMethod
    private let kernels: float_kernels
    private let inChannels: Int
    private let takesKernelRows: Bool
    private let panel: Int

    /// Makes room for a convolution that reads pixels of the given layout and writes `outChannels` values a pixel; or takes `memory`, of
    /// `byteCount` bytes at least, that other layers use at other times.
    init(
        bias: [Float], slopes: [Float]?, shape: ConvolutionShape, method: ConvolutionMethod, kernels: float_kernels,
        input: ActivationLayout, outChannels: Int, memory: AlignedMemory? = nil
    ) {
        self.shape = shape
        self.method = method
        self.kernels = kernels
        inChannels = input.channels
        takesKernelRows = if case .planes = input.format { true } else { false }
        switch method {
        case .reference, .direct, .winograd, .winogradRows: panel = kernels.panel
        case .matrixProduct: panel = outChannels
        case .tiles: panel = tile_block
        }
        unitCount = outChannels / panel
        let matrixStride = if case .winograd = method { shape.inChannels * outChannels } else { 0 }
        packed = PackedWeights(
            byteCount: WeightPacking.byteCount(shape: shape, method: method, input: input, outChannels: outChannels),
            matrixStride: matrixStride, bias: bias, slopes: slopes, outChannels: outChannels, memory: memory)
    }

    /// Bytes that the packed weights take.
    static func byteCount(shape: ConvolutionShape, method: ConvolutionMethod, input: ActivationLayout, outChannels: Int) -> Int {
        let depth = input.channels * shape.kernel * shape.kernel
        switch method {
        case .reference, .direct, .matrixProduct: return depth * outChannels * MemoryLayout<Float>.size
        case .winograd(let tile):
            return (tile + 2) * (tile + 2) * shape.inChannels * outChannels * MemoryLayout<Float>.size
        case .winogradRows: return 3 * 6 * shape.inChannels * outChannels * MemoryLayout<Float>.size
        case .tiles(let parts):
            let takesKernelRows = if case .planes = input.format { true } else { false }
            let steps = takesKernelRows ? shape.kernel : depth / tile_block
            return steps * tile_block * outChannels * parts * MemoryLayout<UInt16>.size
        }
    }

    /// Packs one piece; false if a value is not finite.
    func pack(unit: Int, of source: NetworkDescription.Weights) -> Bool {
        source.values.withUnsafeBuffer { values in
            guard let base = values.baseAddress else { return true }
            return pack(unit: unit, values: base, factors: source.factors)
        }
    }

    /// The same from `values` `[outChannels, inChannels, kernel, kernel]` and a factor for each output channel.
    func pack(unit: Int, values: UnsafePointer<Float>, factors: UnsafePointer<Double>) -> Bool {
        switch method {
        case .reference, .matrixProduct, .direct:
            conv_f32_pack(
                values, factors, shape.outChannels, shape.inChannels, shape.kernel, inChannels, panel, unit, unit + 1,
                packed.floats) != 0
        case .winograd(let tile):
            kernels.winograd_pack(
                tile, values, factors, shape.outChannels, shape.inChannels, unit, packed.floats + unit * shape.inChannels * panel,
                packed.matrixStride) != 0
        case .winogradRows:
            kernels.winograd_rows_pack(
                values, factors, shape.outChannels, shape.inChannels, unit, packed.floats + unit * 3 * 6 * shape.inChannels * panel) != 0
        case .tiles(let parts):
            tile_conv_pack(
                values, factors, shape.outChannels, shape.inChannels, shape.kernel, parts, takesKernelRows ? 1 : 0, unit, unit + 1,
                packed.tiles) != 0
        }
    }
}
