import CKernels

/// A convolution's gradient with respect to its weights: for each tap a product over pixels of what it read and what became of it.
///
/// By Winograd's algorithm where the forward pass goes by it: the adjoint of F(tile × tile, 3 × 3) sums products of transformed tiles and
/// transforms the sums, with (tile + 2)² products for 9 tile² of the definition's.
struct WeightGradient: Sendable {
    /// Tiles that are transformed before they are multiplied: enough that the sums' way through memory does not count, few enough for the caches.
    private static let tilesPerBlock = 256
    /// Output pixels of which a panel's gradients stay in a core's first-level cache while one block of taps after the other reads them.
    private static let pixelsPerChunk = 128
    /// As in the forward pass: keeps the matrices of a block from starting at the same place of the cache's sets.
    private static let strideSlack = 16

    let shape: ConvolutionShape
    /// Winograd's tile; nil for the definition.
    let tile: Int?
    let floatKernels: float_kernels
    let kernels: gradient_kernels
    let inChannels: Int
    let outChannels: Int

    private var depth: Int { shape.kernel * inChannels }

    func sharedBytes(frames: Int) -> Int {
        let floats =
            if let tile {
                matrices(tile) * (inputStride(frames: frames, tile) + gradientStride(frames: frames, tile) + inChannels * outChannels)
            } else {
                shape.kernel * depth * outChannels
            }
        return floats * MemoryLayout<Float>.size
    }

    /// Of a worker: one panel's gradients of a chunk of pixels.
    var scratchBytes: Int {
        tile == nil ? rowsPerChunk * shape.outWidth * kernels.panel * MemoryLayout<Float>.size : 0
    }

    private var rowsPerChunk: Int { max(1, WeightGradient.pixelsPerChunk / shape.outWidth) }

    /// Overwrites `[outChannels, inChannels, kernel, kernel]` at `weights`. Ends in step.
    func compute(
        _ memory: TrainingMemory, input: ValuePlace, gradient: ValuePlace, into weights: UnsafeMutablePointer<Float>
    ) {
        if let tile {
            computeByTiles(memory, tile, input: input, gradient: gradient, into: weights)
        } else {
            computeByTaps(memory, input: input, gradient: gradient, into: weights)
        }
        memory.synchronize()
    }

    // MARK: The definition

    /// A kernel row of taps and a panel of outputs a unit, whose sums no other touches.
    private func computeByTaps(
        _ memory: TrainingMemory, input: ValuePlace, gradient: ValuePlace, into weights: UnsafeMutablePointer<Float>
    ) {
        let sums = memory.shared.assumingMemoryBound(to: Float.self)
        let panels = outChannels / kernels.panel
        let chunk = memory.scratch.assumingMemoryBound(to: Float.self)
        for unit in memory.share.range(of: shape.kernel * panels) {
            let (kernelRow, panel) = (unit / panels, unit % panels)
            let place = sums + kernelRow * depth * outChannels + panel * kernels.panel
            for tap in 0..<depth { (place + tap * outChannels).update(repeating: 0, count: kernels.panel) }
            for frame in 0..<memory.frames {
                let pixels = input.pixels(frame: frame, memory.group(from: 0))
                for row in stride(from: 0, to: shape.outHeight, by: rowsPerChunk) {
                    let rows = min(rowsPerChunk, shape.outHeight - row)
                    gather(panel, rows: row..<row + rows, frame: frame, of: gradient, memory, into: chunk)
                    var pairs = pixel_pairs_f32(
                        rows: rows, columns: shape.outWidth, a_step: shape.stride * inChannels,
                        a_row: shape.stride * input.layout.rowBytes / 4, b_step: kernels.panel, b_row: shape.outWidth * kernels.panel)
                    let first = pixels + (row * shape.stride + kernelRow - shape.padding) * input.layout.rowBytes
                        - shape.padding * input.layout.pixelBytes
                    kernels.multiply_pixels(
                        &pairs, first.assumingMemoryBound(to: Float.self), depth, chunk, 1, place, outChannels)
                }
            }
        }
        memory.synchronize()
        let outputs = memory.share.range(of: shape.outChannels)
        unpack_weights_f32(
            sums, shape.outChannels, shape.inChannels, shape.kernel * shape.kernel, inChannels, outChannels, outputs.lowerBound,
            outputs.upperBound, weights)
    }

    /// One panel of some rows' pixels, one after the other: it is read once for each block of taps.
    private func gather(
        _ panel: Int, rows: Range<Int>, frame: Int, of gradient: ValuePlace, _ memory: TrainingMemory, into chunk: UnsafeMutablePointer<Float>
    ) {
        var target = chunk
        for row in rows {
            let pixels = memory.row(gradient, frame: frame, row) + panel * kernels.panel
            for x in 0..<shape.outWidth {
                target.update(from: pixels + x * outChannels, count: kernels.panel)
                target += kernels.panel
            }
        }
    }

    // MARK: Winograd

    private func matrices(_ tile: Int) -> Int { (tile + 2) * (tile + 2) }
    private func tilesPerFrame(_ tile: Int) -> Int { ceilingDivision(shape.outHeight, tile) * ceilingDivision(shape.outWidth, tile) }
    private func blockTiles(frames: Int, _ tile: Int) -> Int { min(WeightGradient.tilesPerBlock, frames * tilesPerFrame(tile)) }
    private func inputStride(frames: Int, _ tile: Int) -> Int {
        blockTiles(frames: frames, tile) * inChannels + WeightGradient.strideSlack
    }
    private func gradientStride(frames: Int, _ tile: Int) -> Int {
        blockTiles(frames: frames, tile) * outChannels + WeightGradient.strideSlack
    }

    private func computeByTiles(
        _ memory: TrainingMemory, _ tile: Int, input: ValuePlace, gradient: ValuePlace, into weights: UnsafeMutablePointer<Float>
    ) {
        let count = matrices(tile)
        let (inputStride, gradientStride) = (inputStride(frames: memory.frames, tile), gradientStride(frames: memory.frames, tile))
        let transformed = memory.shared.assumingMemoryBound(to: Float.self)
        let gradients = transformed + count * inputStride
        let sums = gradients + count * gradientStride
        let sumsStride = inChannels * outChannels
        let panels = outChannels / kernels.panel
        let units = memory.share.range(of: count * panels)
        for unit in units {
            let place = sums + unit / panels * sumsStride + unit % panels * kernels.panel
            for channel in 0..<inChannels { (place + channel * outChannels).update(repeating: 0, count: kernels.panel) }
        }
        var conv = winograd_f32(
            tile: tile, in_channels: inChannels, out_channels: outChannels, height: shape.outHeight, width: shape.outWidth,
            in_row: input.layout.rowBytes / 4, out_row: gradient.layout.rowBytes / 4, residual_row: 0, bias: nil, relu: 0, slopes: nil)
        let all = memory.frames * tilesPerFrame(tile)
        let size = blockTiles(frames: memory.frames, tile)
        let panelStride = size * kernels.panel
        for begin in stride(from: 0, to: all, by: size) {
            let tiles = min(size, all - begin)
            let mine = memory.share.range(of: tiles)
            eachFrame(of: begin + mine.lowerBound..<begin + mine.upperBound, tile) { frame, own, place in
                let corner = input.pixels(frame: frame, memory.group(from: 0))
                    - shape.padding * (input.layout.rowBytes + input.layout.pixelBytes)
                floatKernels.winograd_input(
                    &conv, corner.assumingMemoryBound(to: Float.self), own.lowerBound, own.upperBound,
                    transformed + (place - begin) * inChannels, inputStride)
                kernels.winograd_gradient(
                    &conv, memory.row(gradient, frame: frame, 0), own.lowerBound, own.upperBound,
                    gradients + (place - begin) * kernels.panel, gradientStride, panelStride)
            }
            memory.synchronize()
            var pairs = pixel_pairs_f32(rows: 1, columns: tiles, a_step: inChannels, a_row: 0, b_step: kernels.panel, b_row: 0)
            for unit in units {
                let (matrix, panel) = (unit / panels, unit % panels)
                kernels.multiply_pixels(
                    &pairs, transformed + matrix * inputStride, inChannels,
                    gradients + matrix * gradientStride + panel * panelStride, 1,
                    sums + matrix * sumsStride + panel * kernels.panel, outChannels)
            }
            memory.synchronize()
        }
        let inputs = memory.share.range(of: shape.inChannels)
        kernels.winograd_weights(
            tile, sums, sumsStride, outChannels, shape.outChannels, shape.inChannels, inputs.lowerBound, inputs.upperBound, weights)
    }

    /// Cuts tiles, counted over all frames, at the frames' borders: the frame, its own tiles, and the first one's number.
    private func eachFrame(of tiles: Range<Int>, _ tile: Int, _ body: (_ frame: Int, _ own: Range<Int>, _ first: Int) -> Void) {
        let perFrame = tilesPerFrame(tile)
        var next = tiles.lowerBound
        while next < tiles.upperBound {
            let frame = next / perFrame
            let end = min(tiles.upperBound, (frame + 1) * perFrame)
            body(frame, next - frame * perFrame..<end - frame * perFrame, next)
            next = end
        }
    }
}
