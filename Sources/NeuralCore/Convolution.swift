import CKernels
import COpenBLAS

/// A convolution with its weights, computed as im2col and one matrix product a tile.
public struct Convolution: Sendable {
    /// What is done to the product while it is still in the cache.
    public enum Epilogue {
        /// Adds the bias.
        case bias
        /// Adds the bias, then max(0, x).
        case biasRelu
        /// Adds the bias and the given `[outChannels, outHeight, outWidth]` values, then max(0, x).
        case biasResidualRelu(UnsafePointer<Float>)
    }

    public let plan: ConvolutionPlan
    private let weights: Tensor
    private let bias: Tensor

    /// A convolution with `weights` `[outChannels, inChannels, kernel, kernel]` and `bias` `[outChannels]`.
    public init(plan: ConvolutionPlan, weights: Tensor, bias: Tensor) {
        precondition(weights.count == plan.weightCount, "\(weights.count) weights, \(plan.weightCount) wanted")
        precondition(bias.count == plan.outChannels, "\(bias.count) biases, \(plan.outChannels) wanted")
        self.plan = plan
        self.weights = weights
        self.bias = bias
    }

    /// Computes one image: `input` `[inChannels, H, W]` to `output` `[outChannels, outH, outW]`, which must not overlap.
    ///
    /// `scratch` holds at least `plan.scratchCount` floats.
    public func apply(
        input: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutableBufferPointer<Float>, epilogue: Epilogue
    ) {
        precondition(scratch.count >= plan.scratchCount, "scratch of \(scratch.count), \(plan.scratchCount) wanted")
        weights.withUnsafeBuffer { weightValues in
            bias.withUnsafeBuffer { biasValues in
                guard let weightBase = weightValues.baseAddress, let biasBase = biasValues.baseAddress else { return }
                var row = 0
                while row < plan.outHeight {
                    let rowEnd = min(row + plan.rowsPerTile, plan.outHeight)
                    let tile = output + row * plan.outWidth
                    multiply(
                        weights: weightBase, input: input, rows: row..<rowEnd, output: tile, scratch: scratch)
                    finish(tile: tile, rows: row..<rowEnd, bias: biasBase, epilogue: epilogue)
                    row = rowEnd
                }
            }
        }
    }

    private func multiply(
        weights: UnsafePointer<Float>, input: UnsafePointer<Float>, rows: Range<Int>,
        output: UnsafeMutablePointer<Float>, scratch: UnsafeMutableBufferPointer<Float>
    ) {
        let columnCount = rows.count * plan.outWidth
        let planeCount = plan.outHeight * plan.outWidth
        var columns = input + rows.lowerBound * plan.outWidth
        var columnStride = planeCount
        if let base = scratch.baseAddress, !plan.isPointwise {
            var shape = plan.kernelShape
            im2col_f32(&shape, input, rows.lowerBound, rows.upperBound, base)
            columns = UnsafePointer(base)
            columnStride = columnCount
        }
        cblas_sgemm(
            CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(plan.outChannels), Int32(columnCount), Int32(plan.depth),
            1, weights, Int32(plan.depth), columns, Int32(columnStride), 0, output, Int32(planeCount))
    }

    private func finish(
        tile: UnsafeMutablePointer<Float>, rows: Range<Int>, bias: UnsafePointer<Float>, epilogue: Epilogue
    ) {
        let columnCount = rows.count * plan.outWidth
        let planeCount = plan.outHeight * plan.outWidth
        switch epilogue {
        case .bias:
            bias_f32(tile, bias, plan.outChannels, columnCount, planeCount)
        case .biasRelu:
            bias_relu_f32(tile, bias, plan.outChannels, columnCount, planeCount)
        case .biasResidualRelu(let residual):
            let start = residual + rows.lowerBound * plan.outWidth
            bias_residual_relu_f32(tile, bias, start, plan.outChannels, columnCount, planeCount)
        }
    }
}
