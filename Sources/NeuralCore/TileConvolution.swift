import CKernels

/// A convolution on AMX tiles: which pixels a tile holds, and where its rows go.
struct TileConvolution: Sendable {
    let shape: ConvolutionShape
    let parts: Int
    let weights: PackedWeights
    let input: ActivationLayout
    let output: ActivationLayout
    let residual: ActivationLayout?
    let hasRelu: Bool

    /// Frames whose rows one tile covers side by side.
    let framesSideBySide: Int
    private let tileRows: Int
    private let tilesPerRow: Int
    private let tapOffsets: [Int32]
    private let tileOffsets: [Int32]
    private let rowTargets: [Int32]
    private let residualTargets: [Int32]

    /// Frames of `width` pixels that fit a tile's sixteen rows side by side, with one pixel between them: a power of two, so that of two values one
    /// always holds a multiple of the other's and a full batch is a multiple of both.
    static func framesSideBySide(width: Int) -> Int {
        var frames = 1
        while 2 * frames * (width + 1) - 1 <= tile_maximum_rows { frames *= 2 }
        return frames
    }

    /// True if a whole row of the kernel fits a block of 32 input values.
    static func takesKernelRows(_ shape: ConvolutionShape) -> Bool {
        shape.kernel > 1 && shape.kernel * shape.inChannels <= tile_block
    }

    init(
        shape: ConvolutionShape, parts: Int, weights: PackedWeights, input: ActivationLayout, output: ActivationLayout,
        residual: ActivationLayout?, hasRelu: Bool, isPooled: Bool
    ) {
        self.shape = shape
        self.parts = parts
        self.weights = weights
        self.input = input
        self.output = output
        self.residual = residual
        self.hasRelu = hasRelu

        // Frames that stand side by side are taken together if their rows are as far apart as one tile's rows can be.
        let outPitch = input.framePitch / shape.stride
        let togetherRows = (input.framesSideBySide - 1) * outPitch + shape.outWidth
        let fitTogether = input.framePitch % shape.stride == 0 && outPitch >= shape.outWidth && togetherRows <= tile_maximum_rows
        // A band that is pooled holds rows of one frame.
        framesSideBySide = fitTogether && !isPooled ? input.framesSideBySide : 1

        let inPixel = input.pixelBytes / 2
        let inRow = input.rowBytes / 2
        if case .planes = input.format {
            tapOffsets = (0..<shape.kernel).map { Int32($0 * inRow) }
        } else {
            tapOffsets = (0..<shape.kernel * shape.kernel).map {
                Int32($0 / shape.kernel * inRow + $0 % shape.kernel * inPixel)
            }
        }

        // Each tile: the first output column and which column of which frame its rows are, if any.
        let most = tile_maximum_rows
        var starts: [Int] = []
        var columns: [[(frame: Int, x: Int)?]] = []
        if framesSideBySide > 1 {
            tileRows = togetherRows
            starts = [0]
            columns = [(0..<tileRows).map { $0 % outPitch < shape.outWidth ? ($0 / outPitch, $0 % outPitch) : nil }]
        } else {
            tileRows = ceilingDivision(shape.outWidth, ceilingDivision(shape.outWidth, most))
            for begin in stride(from: 0, to: shape.outWidth, by: tileRows) {
                // The last tile of a row moves left rather than over the edge; what it repeats is not stored twice.
                let start = min(begin, shape.outWidth - tileRows)
                starts.append(start)
                columns.append((0..<tileRows).map { start + $0 >= begin ? (0, start + $0) : nil })
            }
        }
        tilesPerRow = starts.count
        tileOffsets = starts.map { Int32($0 * shape.stride * inPixel) }
        func targets(_ layout: ActivationLayout) -> [Int32] {
            columns.flatMap { rows in
                (0..<most).map { row in
                    guard row < rows.count, let place = rows[row] else { return -1 }
                    let bytes = layout.origin(frame: place.frame) - layout.origin(frame: 0)
                    return Int32(bytes / layout.pixelBytes + place.x)
                }
            }
        }
        rowTargets = targets(output)
        residualTargets = residual.map(targets) ?? []
    }

    var blocks: Int { roundedUp(shape.outChannels, to: tile_block) / tile_block }

    /// Output rows `rows` of the frames that stand side by side; pointers are at pixel (0, 0) of the first, wherever that is.
    func compute(
        rows: Range<Int>, blocks: Range<Int>, input pixels: UnsafeMutableRawPointer, output: UnsafeMutableRawPointer,
        residual: UnsafeMutableRawPointer?
    ) {
        guard !rows.isEmpty && !blocks.isEmpty else { return }
        let isPlanar = if case .planes = input.format { true } else { false }
        let first = pixels - shape.padding * (input.rowBytes + input.pixelBytes)
        tapOffsets.withUnsafeBufferPointer { taps in
            tileOffsets.withUnsafeBufferPointer { tiles in
                rowTargets.withUnsafeBufferPointer { targets in
                    residualTargets.withUnsafeBufferPointer { residualTargets in
                        var conv = tile_conv(
                            parts: parts, taps: taps.count, tap_offsets: taps.baseAddress,
                            in_blocks: isPlanar ? 1 : input.channels / tile_block,
                            block_distance: parts * tile_block,
                            part_distance: isPlanar ? input.partBytes / 2 : tile_block,
                            row_distance: shape.stride * input.pixelBytes / 2, tile_rows: tileRows, tiles_a_row: tilesPerRow,
                            tile_offsets: tiles.baseAddress, row_targets: targets.baseAddress,
                            in_row: shape.stride * input.rowBytes / 2, out_row: self.output.rowBytes / self.output.pixelBytes,
                            weights: weights.tiles, bias: weights.bias,
                            out_pixel: self.output.pixelBytes / (self.output.format == .float32 ? 4 : 2),
                            residual_targets: residualTargets.baseAddress,
                            residual_row: self.residual.map { $0.rowBytes / $0.pixelBytes } ?? 0,
                            residual_pixel: self.residual.map { $0.pixelBytes / 2 } ?? 0,
                            float_output: self.output.format == .float32 ? 1 : 0, relu: hasRelu ? 1 : 0, slopes: weights.slopes)
                        tile_convolve(
                            &conv, first.assumingMemoryBound(to: UInt16.self), output,
                            residual.map { UnsafePointer($0.assumingMemoryBound(to: UInt16.self)) },
                            rows.lowerBound * tilesPerRow, rows.upperBound * tilesPerRow, blocks.lowerBound, blocks.upperBound)
                    }
                }
            }
        }
    }
}

/// A `TileConvolution` as a step of a plan.
struct TileConvolutionOperation: PlanOperation {
    let convolution: TileConvolution
    let input: ValuePlace
    let output: ValuePlace
    let residual: ValuePlace?

    /// Frames whose input stays in the second-level cache while one block of channels after the other reads it.
    private var framesAtOnce: Int {
        let side = convolution.framesSideBySide
        let groupBytes = input.layout.groupBytes * side / input.layout.framesSideBySide
        return max(1, residentInputBytes / groupBytes) * side
    }

    func scratchBytes(frames: Int) -> Int { 0 }

    func run(frames: Int, slice: Slice, memory: GroupMemory) {
        var rows = 0..<convolution.shape.outHeight
        var blocks = 0..<convolution.blocks
        if convolution.shape.outHeight >= rowsWorthSharing {
            rows = slice.range(of: rows.count)
        } else {
            blocks = slice.range(of: blocks.count)
        }
        // A block of channels at a time over some frames, so that the block's weights and the frames' input stay in the cache.
        for begin in stride(from: 0, to: frames, by: framesAtOnce) {
            for block in blocks {
                for frame in stride(from: begin, to: min(begin + framesAtOnce, frames), by: convolution.framesSideBySide) {
                    convolution.compute(
                        rows: rows, blocks: block..<block + 1, input: input.pixels(frame: frame, memory),
                        output: output.pixels(frame: frame, memory), residual: residual?.pixels(frame: frame, memory))
                }
            }
        }
    }
}
