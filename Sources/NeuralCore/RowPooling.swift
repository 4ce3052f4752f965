import CKernels

/// Rows of a maximum: from rows of pixels without a border to those of the next layer's layout.
struct RowPooling: Sendable {
    let shape: PoolShape
    let kernels: float_kernels
    let input: ActivationLayout
    let output: ActivationLayout

    /// Bytes of the floats of one pooled row, before it is split.
    var scratchBytes: Int { output.width * input.pixelBytes }

    /// Pools `rows` rows that begin at `first` to one row of pixels at `target`.
    func pool(
        _ first: UnsafeMutableRawPointer, rows: Int, into target: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer
    ) {
        let pointers = (first, first + input.rowBytes, first + 2 * input.rowBytes)
        withUnsafeBytes(of: pointers) { bytes in
            if input.format == .blocks(parts: 1) {
                guard let pointers = bytes.assumingMemoryBound(to: UnsafePointer<UInt16>?.self).baseAddress else { return }
                tile_max_pool_row(
                    pointers, rows, input.width, input.channels / tile_block, target.assumingMemoryBound(to: UInt16.self))
                return
            }
            guard let pointers = bytes.assumingMemoryBound(to: UnsafePointer<Float>?.self).baseAddress else { return }
            var pool = max_pool_f32(
                kernel: shape.kernel, padding: shape.padding, width: input.width, channels: input.channels, out_width: output.width)
            guard case .blocks(let parts) = output.format else {
                kernels.max_pool_row(&pool, pointers, rows, target.assumingMemoryBound(to: Float.self))
                return
            }
            let floats = scratch.assumingMemoryBound(to: Float.self)
            kernels.max_pool_row(&pool, pointers, rows, floats)
            tile_pack_blocks(
                floats, output.width * input.channels / tile_block, parts, target.assumingMemoryBound(to: UInt16.self))
        }
    }
}

/// A `RowPooling` of a whole value, after a convolution that is not computed row by row.
struct PoolOperation: PlanOperation {
    let pooling: RowPooling
    let input: ValuePlace
    let output: ValuePlace

    func scratchBytes(frames: Int) -> Int { pooling.scratchBytes }

    func run(frames: Int, slice: Slice, memory: GroupMemory) {
        for frame in 0..<frames {
            let source = input.pixels(frame: frame, memory)
            let target = output.pixels(frame: frame, memory)
            for row in slice.range(of: pooling.shape.outHeight) {
                let window = pooling.shape.window(row)
                pooling.pool(
                    source + window.lowerBound * input.layout.rowBytes, rows: window.count,
                    into: target + row * output.layout.rowBytes, scratch: memory.scratch)
            }
        }
    }
}
