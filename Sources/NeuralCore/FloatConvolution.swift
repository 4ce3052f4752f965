import CKernels
import COpenBLAS

/// A float32 convolution by the definition: micro-kernels, plain C, or im2col and a matrix product.
struct FloatConvolution: Sendable {
    /// Floats of unrolled input that one matrix product takes: 2 MiB, so that they stay in a core's second-level cache.
    private static let unrolledFloats = 512 * 1024

    let shape: ConvolutionShape
    let method: ConvolutionMethod
    let kernels: float_kernels
    let weights: PackedWeights
    let input: ActivationLayout
    let output: ActivationLayout
    /// The residual's layout, if there is one.
    let residual: ActivationLayout?
    let hasRelu: Bool

    var panels: Int { output.channels / panel }
    private var panel: Int { kernels.panel }

    /// Output rows of one matrix product. They depend on the geometry alone: other products could sum in another order.
    private var rowsPerProduct: Int {
        min(shape.outHeight, max(1, FloatConvolution.unrolledFloats / (depth * shape.outWidth)))
    }
    private var depth: Int { input.channels * shape.kernel * shape.kernel }

    func scratchBytes() -> Int {
        if method == .winogradRows { return 72 * ceilingDivision(shape.outWidth, 4) * MemoryLayout<Float>.size }
        guard method == .matrixProduct else { return 0 }
        return rowsPerProduct * shape.outWidth * (depth + output.channels) * MemoryLayout<Float>.size
    }

    /// True if pictures that follow one another can be taken for the pixels of one row: each gives one pixel, so a micro-kernel's weights then
    /// serve many.
    var takesPicturesAsPixels: Bool {
        shape.isFullyConnected && method != .matrixProduct && input.framesSideBySide == 1 && residual == nil
            && output.framesSideBySide == 1 && output.groupBytes == output.pixelBytes
    }

    /// Output rows `rows` of one image, or of `pictures` of them if `takesPicturesAsPixels`; `output` and `residual` are at row 0, wherever
    /// that is.
    func compute(
        rows: Range<Int>, panels: Range<Int>, pictures: Int = 1, input pixels: UnsafeMutableRawPointer,
        output: UnsafeMutableRawPointer, residual: UnsafeMutableRawPointer?, scratch: UnsafeMutableRawPointer
    ) {
        var conv = conv_f32(
            in_channels: input.channels, out_channels: self.output.channels, kernel: shape.kernel, stride: shape.stride,
            out_width: pictures * shape.outWidth,
            in_step: takesPicturesAsPixels ? input.groupBytes / 4 : shape.stride * input.channels, in_row: input.rowBytes / 4,
            out_row: self.output.rowBytes / 4,
            residual_row: (self.residual?.rowBytes ?? 0) / 4,
            weights: weights.floats, bias: weights.bias, relu: hasRelu ? 1 : 0, slopes: weights.slopes)
        let first = (pixels - shape.padding * (input.rowBytes + input.pixelBytes)).assumingMemoryBound(to: Float.self)
        let output = output.assumingMemoryBound(to: Float.self)
        let residual = residual?.assumingMemoryBound(to: Float.self)
        if method == .winogradRows {
            precondition(residual == nil, "a convolution that is pooled has no residual")
            kernels.convolve_rows(
                &conv, shape.inChannels, first, output, rows.lowerBound, rows.upperBound, panels.lowerBound, panels.upperBound,
                scratch.assumingMemoryBound(to: Float.self))
            return
        }
        guard method == .matrixProduct else {
            kernels.convolve(
                &conv, first, output, residual, rows.lowerBound, rows.upperBound, panels.lowerBound, panels.upperBound)
            return
        }
        precondition(panels == 0..<self.panels, "a matrix product computes all channels")
        let columns = scratch.assumingMemoryBound(to: Float.self)
        let product = columns + rowsPerProduct * shape.outWidth * depth
        for begin in stride(from: rows.lowerBound, to: rows.upperBound, by: rowsPerProduct) {
            let end = min(begin + rowsPerProduct, rows.upperBound)
            let pixelCount = Int32((end - begin) * shape.outWidth)
            im2col_f32(&conv, first, begin, end, columns)
            cblas_sgemm(
                CblasRowMajor, CblasNoTrans, CblasNoTrans, pixelCount, Int32(conv.out_channels), Int32(depth), 1, columns,
                Int32(depth), conv.weights, Int32(conv.out_channels), 0, product, Int32(conv.out_channels))
            im2col_finish_f32(&conv, product, residual, begin, end, output)
        }
    }

    /// The rows of a share that starts where a matrix product may.
    func rows(_ slice: Slice) -> Range<Int> {
        guard method == .matrixProduct else { return slice.range(of: shape.outHeight) }
        let products = slice.range(of: ceilingDivision(shape.outHeight, rowsPerProduct))
        return products.lowerBound * rowsPerProduct..<min(products.upperBound * rowsPerProduct, shape.outHeight)
    }
}

/// A `FloatConvolution` as a step of a plan.
struct FloatConvolutionOperation: PlanOperation {
    let convolution: FloatConvolution
    let input: ValuePlace
    let output: ValuePlace
    let residual: ValuePlace?

    /// Frames whose input stays in the second-level cache while one panel after the other reads it.
    private var framesAtOnce: Int { max(1, residentInputBytes / input.layout.groupBytes) }

    func scratchBytes(frames: Int) -> Int { convolution.scratchBytes() }

    func run(frames: Int, slice: Slice, memory: GroupMemory) {
        var rows = 0..<convolution.shape.outHeight
        var panels = 0..<convolution.panels
        if convolution.method == .matrixProduct || convolution.shape.outHeight >= rowsWorthSharing {
            rows = convolution.rows(slice)
        } else {
            panels = slice.range(of: convolution.panels)
        }
        // As `TileConvolutionOperation`; with all panels at once where one product computes them.
        let step = convolution.method == .matrixProduct ? max(1, panels.count) : 1
        let together = convolution.takesPicturesAsPixels ? framesAtOnce : 1
        for begin in stride(from: 0, to: frames, by: framesAtOnce) {
            for panel in stride(from: panels.lowerBound, to: panels.upperBound, by: step) {
                for frame in stride(from: begin, to: min(begin + framesAtOnce, frames), by: together) {
                    convolution.compute(
                        rows: rows, panels: panel..<panel + step, pictures: min(together, frames - frame),
                        input: input.pixels(frame: frame, memory), output: output.pixels(frame: frame, memory),
                        residual: residual?.pixels(frame: frame, memory), scratch: memory.scratch)
                }
            }
        }
    }
}
