import CKernels

/// A convolution and the 3×3 maximum with stride 2 that follows it, band by band: the convolution's output, the largest value of
/// the network, never exists as a whole.
struct PooledConvolutionOperation: PlanOperation {
    enum Convolution: Sendable {
        case float(FloatConvolution)
        case tiles(TileConvolution)

        var shape: ConvolutionShape {
            switch self {
            case .float(let convolution): convolution.shape
            case .tiles(let convolution): convolution.shape
            }
        }

        var bandLayout: ActivationLayout {
            switch self {
            case .float(let convolution): convolution.output
            case .tiles(let convolution): convolution.output
            }
        }
    }

    /// Pooled rows of a band. Bands depend on the geometry alone, so that frames are computed alike.
    private static let rowsPerBand = 14

    let convolution: Convolution
    let kernels: float_kernels
    let input: ValuePlace
    let output: ValuePlace

    private var bands: Int { ceilingDivision(output.layout.height, PooledConvolutionOperation.rowsPerBand) }
    private var bandBytes: Int {
        min(2 * PooledConvolutionOperation.rowsPerBand + 1, convolution.shape.outHeight) * convolution.bandLayout.rowBytes
    }
    /// One pooled row in floats, before it is split.
    private var pooledRowBytes: Int { output.layout.width * convolution.bandLayout.pixelBytes }

    func scratchBytes(frames: Int) -> Int {
        var bytes = roundedUp(bandBytes, to: 64) + roundedUp(pooledRowBytes, to: 64)
        if case .float(let convolution) = convolution { bytes += convolution.scratchBytes() }
        return bytes
    }

    func run(frames: Int, slice: Slice, memory: GroupMemory) {
        for frame in 0..<frames {
            for band in slice.range(of: bands) { run(band: band, frame: frame, memory: memory) }
        }
    }

    private func run(band: Int, frame: Int, memory: GroupMemory) {
        let begin = band * PooledConvolutionOperation.rowsPerBand
        let pooled = begin..<min(begin + PooledConvolutionOperation.rowsPerBand, output.layout.height)
        let rows = max(0, 2 * pooled.lowerBound - 1)..<min(convolution.shape.outHeight, 2 * pooled.upperBound)
        let rowBytes = convolution.bandLayout.rowBytes
        let bandMemory = memory.scratch
        let rowMemory = bandMemory + roundedUp(bandBytes, to: 64)
        let pixels = input.pixels(frame: frame, memory)
        switch convolution {
        case .float(let convolution):
            convolution.compute(
                rows: rows, panels: 0..<convolution.panels, input: pixels, output: bandMemory - rows.lowerBound * rowBytes,
                residual: nil, scratch: rowMemory + roundedUp(pooledRowBytes, to: 64))
        case .tiles(let convolution):
            convolution.compute(
                rows: rows, blocks: 0..<convolution.blocks, input: pixels, output: bandMemory - rows.lowerBound * rowBytes,
                residual: nil)
        }
        for row in pooled {
            let window = max(rows.lowerBound, 2 * row - 1)..<min(rows.upperBound, 2 * row + 2)
            pool(
                bandMemory + (window.lowerBound - rows.lowerBound) * rowBytes, rows: window.count,
                into: output.pixels(frame: frame, memory) + row * output.layout.rowBytes, rowMemory: rowMemory)
        }
    }

    private func pool(
        _ first: UnsafeMutableRawPointer, rows: Int, into target: UnsafeMutableRawPointer, rowMemory: UnsafeMutableRawPointer
    ) {
        let layout = convolution.bandLayout
        let pointers = (first, first + layout.rowBytes, first + 2 * layout.rowBytes)
        withUnsafeBytes(of: pointers) { bytes in
            if layout.format == .blocks(parts: 1) {
                guard let pointers = bytes.assumingMemoryBound(to: UnsafePointer<UInt16>?.self).baseAddress else { return }
                tile_max_pool_row(
                    pointers, rows, layout.width, layout.channels / tile_block, target.assumingMemoryBound(to: UInt16.self))
                return
            }
            guard let pointers = bytes.assumingMemoryBound(to: UnsafePointer<Float>?.self).baseAddress else { return }
            guard case .blocks(let parts) = output.layout.format else {
                kernels.max_pool_row(
                    pointers, rows, layout.width, layout.channels, target.assumingMemoryBound(to: Float.self))
                return
            }
            let floats = rowMemory.assumingMemoryBound(to: Float.self)
            kernels.max_pool_row(pointers, rows, layout.width, layout.channels, floats)
            tile_pack_blocks(
                floats, output.layout.width * layout.channels / tile_block, parts,
                target.assumingMemoryBound(to: UInt16.self))
        }
    }
}
