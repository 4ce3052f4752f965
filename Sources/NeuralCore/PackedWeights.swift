import CKernels

/// A convolution's weights in the order in which its kernel reads them. They exist once in a process, whoever uses the plan.
struct PackedWeights: Sendable {
    private let memory: AlignedMemory
    private let biasMemory: AlignedMemory
    private let slopeMemory: AlignedMemory?
    /// Floats from one of Winograd's matrices to the next.
    let matrixStride: Int

    fileprivate init(byteCount: Int, matrixStride: Int, bias: [Float], slopes: [Float]?, outChannels: Int) {
        memory = AlignedMemory(byteCount: byteCount)
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

/// Fills a `PackedWeights` piece by piece, so that threads can share the work; afterwards the source is no longer needed.
struct WeightPacking: Sendable {
    let packed: PackedWeights
    /// Pieces that can be packed side by side.
    let unitCount: Int

    private let source: NetworkDescription.Weights
    private let shape: ConvolutionShape
    private let method: ConvolutionMethod
    private let kernels: float_kernels
    private let inChannels: Int
    private let takesKernelRows: Bool
    private let panel: Int

    /// Makes room for a convolution that reads pixels of the given layout and writes `outChannels` values a pixel.
    init(
        _ source: NetworkDescription.Weights, slopes: [Float]?, shape: ConvolutionShape, method: ConvolutionMethod, kernels: float_kernels,
        input: ActivationLayout, outChannels: Int
    ) {
        self.source = source
        self.shape = shape
        self.method = method
        self.kernels = kernels
        inChannels = input.channels
        takesKernelRows = if case .planes = input.format { true } else { false }
        let depth = inChannels * shape.kernel * shape.kernel
        var byteCount = depth * outChannels * MemoryLayout<Float>.size
        var matrixStride = 0
        switch method {
        case .reference, .direct: panel = kernels.panel
        case .matrixProduct: panel = outChannels
        case .winograd(let tile):
            panel = kernels.panel
            matrixStride = shape.inChannels * outChannels
            byteCount = (tile + 2) * (tile + 2) * matrixStride * MemoryLayout<Float>.size
        case .winogradRows:
            panel = kernels.panel
            byteCount = 3 * 6 * shape.inChannels * outChannels * MemoryLayout<Float>.size
        case .tiles(let parts):
            panel = tile_block
            let steps = takesKernelRows ? shape.kernel : depth / tile_block
            byteCount = steps * tile_block * outChannels * parts * MemoryLayout<UInt16>.size
        }
        unitCount = outChannels / panel
        packed = PackedWeights(
            byteCount: byteCount, matrixStride: matrixStride, bias: source.bias, slopes: slopes, outChannels: outChannels)
    }

    /// Packs one piece; false if a value is not finite.
    func pack(unit: Int) -> Bool {
        source.values.withUnsafeBuffer { values in
            switch method {
            case .reference, .matrixProduct, .direct:
                conv_f32_pack(
                    values.baseAddress, source.factors, shape.outChannels, shape.inChannels, shape.kernel, inChannels, panel, unit,
                    unit + 1, packed.floats) != 0
            case .winograd(let tile):
                kernels.winograd_pack(
                    tile, values.baseAddress, source.factors, shape.outChannels, shape.inChannels, unit,
                    packed.floats + unit * shape.inChannels * panel, packed.matrixStride) != 0
            case .winogradRows:
                kernels.winograd_rows_pack(
                    values.baseAddress, source.factors, shape.outChannels, shape.inChannels, unit,
                    packed.floats + unit * 3 * 6 * shape.inChannels * panel) != 0
            case .tiles(let parts):
                tile_conv_pack(
                    values.baseAddress, source.factors, shape.outChannels, shape.inChannels, shape.kernel, parts,
                    takesKernelRows ? 1 : 0, unit, unit + 1, packed.tiles) != 0
            }
        }
    }
}
