import CKernels

/// A convolution and the maximum with stride 2 that follows it, band by band: the convolution's output, the largest value of
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

    /// Pooled rows of a band whose windows share rows with the next band's, which computes them again.
    private static let rowsPerBand = 14
    /// Of one whose windows do not: little enough to stay in the second-level cache beside everything else, however wide the picture.
    private static let rowsPerDisjointBand = 2

    let convolution: Convolution
    let pooling: RowPooling
    let input: ValuePlace
    let output: ValuePlace

    /// Bands depend on the geometry alone, so that frames are computed alike.
    private var rowsPerBand: Int {
        pooling.shape.kernel > 2 ? PooledConvolutionOperation.rowsPerBand : PooledConvolutionOperation.rowsPerDisjointBand
    }
    private var bands: Int { ceilingDivision(output.layout.height, rowsPerBand) }
    private var bandBytes: Int {
        min(2 * rowsPerBand + 1, convolution.shape.outHeight) * convolution.bandLayout.rowBytes
    }

    func scratchBytes(frames: Int) -> Int {
        var bytes = roundedUp(bandBytes, to: 64) + roundedUp(pooling.scratchBytes, to: 64)
        if case .float(let convolution) = convolution { bytes += convolution.scratchBytes() }
        return bytes
    }

    func run(frames: Int, slice: Slice, memory: GroupMemory) {
        for frame in 0..<frames {
            for band in slice.range(of: bands) { run(band: band, frame: frame, memory: memory) }
        }
    }

    private func run(band: Int, frame: Int, memory: GroupMemory) {
        let begin = band * rowsPerBand
        let pooled = begin..<min(begin + rowsPerBand, output.layout.height)
        let rows = pooling.shape.window(pooled.lowerBound).lowerBound..<pooling.shape.window(pooled.upperBound - 1).upperBound
        let rowBytes = convolution.bandLayout.rowBytes
        let bandMemory = memory.scratch
        let rowMemory = bandMemory + roundedUp(bandBytes, to: 64)
        let pixels = input.pixels(frame: frame, memory)
        switch convolution {
        case .float(let convolution):
            convolution.compute(
                rows: rows, panels: 0..<convolution.panels, input: pixels, output: bandMemory - rows.lowerBound * rowBytes,
                residual: nil, scratch: rowMemory + roundedUp(pooling.scratchBytes, to: 64))
        case .tiles(let convolution):
            convolution.compute(
                rows: rows, blocks: 0..<convolution.blocks, input: pixels, output: bandMemory - rows.lowerBound * rowBytes,
                residual: nil)
        }
        for row in pooled {
            let window = pooling.shape.window(row)
            pooling.pool(
                bandMemory + (window.lowerBound - rows.lowerBound) * rowBytes, rows: window.count,
                into: output.pixels(frame: frame, memory) + row * output.layout.rowBytes, scratch: rowMemory)
        }
    }
}

extension PooledConvolutionOperation: RowwiseOperation {
    var outputRows: Int { output.layout.height }
    var rowStep: Int { rowsPerBand }

    func inputRows(for count: Int) -> Int {
        let shape = convolution.shape
        return min(shape.inHeight, (pooling.shape.window(count - 1).upperBound - 1) * shape.stride + shape.kernel - shape.padding)
    }

    func run(rows: Range<Int>, frame: Int, memory: GroupMemory) {
        for band in rows.lowerBound / rowsPerBand..<ceilingDivision(rows.upperBound, rowsPerBand) {
            run(band: band, frame: frame, memory: memory)
        }
    }
}
