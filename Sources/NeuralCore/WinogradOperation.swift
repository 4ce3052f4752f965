import CKernels

/// A 3×3 convolution of stride 1 by Winograd's minimal filtering (Lavin and Gray 2016, arXiv:1509.09308).
///
/// Tiles of all the group's frames are taken in blocks: transformed, multiplied with each of the (tile + 2)² weight matrices, transformed back. A
/// tile's values do not depend on its block.
struct WinogradOperation: PlanOperation {
    /// Packed weights of up to this size stay in the second-level cache beside a block of tiles, and small blocks are best.
    private static let residentWeightBytes = 1 << 20
    /// Tiles of a block whose weights come from farther away, so that each visit is worth it.
    private static let tilesPerVisit = 64
    /// Keeps the matrices of a block from starting at the same place of the cache's sets.
    private static let strideSlack = 16

    let shape: ConvolutionShape
    let tile: Int
    let kernels: float_kernels
    let weights: PackedWeights
    let hasRelu: Bool
    let input: ValuePlace
    let output: ValuePlace
    let residual: ValuePlace?

    private var tilesAcross: Int { ceilingDivision(shape.outWidth, tile) }
    private var tilesPerFrame: Int { ceilingDivision(shape.outHeight, tile) * tilesAcross }
    private var matrices: Int { (tile + 2) * (tile + 2) }
    private var inChannels: Int { input.layout.channels }
    private var outChannels: Int { output.layout.channels }
    private var weightsAreResident: Bool {
        matrices * inChannels * outChannels * MemoryLayout<Float>.size <= WinogradOperation.residentWeightBytes
    }

    private func blockTiles(frames: Int) -> Int {
        min(frames * tilesPerFrame, weightsAreResident ? max(tilesAcross, 14) : WinogradOperation.tilesPerVisit)
    }

    private func inputStride(frames: Int) -> Int { blockTiles(frames: frames) * inChannels + WinogradOperation.strideSlack }
    private func outputStride(frames: Int) -> Int { blockTiles(frames: frames) * outChannels + WinogradOperation.strideSlack }

    func scratchBytes(frames: Int) -> Int {
        matrices * (inputStride(frames: frames) + outputStride(frames: frames)) * MemoryLayout<Float>.size
    }

    func run(frames: Int, slice: Slice, memory: GroupMemory) {
        let allPanels = outChannels / kernels.panel
        let sharesTiles = shape.outHeight >= rowsWorthSharing
        run(
            tiles: (sharesTiles ? slice : .whole).range(of: frames * tilesPerFrame),
            panels: (sharesTiles ? .whole : slice).range(of: allPanels), frames: frames, memory: memory)
    }

    private func run(tiles: Range<Int>, panels: Range<Int>, frames: Int, memory: GroupMemory) {
        var conv = winograd_f32(
            tile: tile, in_channels: inChannels, out_channels: outChannels, height: shape.outHeight, width: shape.outWidth,
            in_row: input.layout.rowBytes / 4, out_row: output.layout.rowBytes / 4,
            residual_row: (residual?.layout.rowBytes ?? 0) / 4, bias: weights.bias, relu: hasRelu ? 1 : 0,
            slopes: weights.slopes)
        let blockTiles = blockTiles(frames: frames)
        let (inputStride, outputStride) = (inputStride(frames: frames), outputStride(frames: frames))
        let transformed = memory.scratch.assumingMemoryBound(to: Float.self)
        let products = transformed + matrices * inputStride

        for begin in stride(from: tiles.lowerBound, to: tiles.upperBound, by: blockTiles) {
            let block = begin..<min(begin + blockTiles, tiles.upperBound)
            eachFrame(of: block) { frame, frameTiles, place in
                let pixels = input.pixels(frame: frame, memory) - shape.padding * (input.layout.rowBytes + input.layout.pixelBytes)
                kernels.winograd_input(
                    &conv, pixels.assumingMemoryBound(to: Float.self), frameTiles.lowerBound, frameTiles.upperBound,
                    transformed + place * inChannels, inputStride)
            }
            for matrix in 0..<matrices {
                kernels.multiply(
                    transformed + matrix * inputStride, inChannels, block.count, shape.inChannels,
                    weights.floats + matrix * weights.matrixStride + panels.lowerBound * shape.inChannels * kernels.panel,
                    panels.count, products + matrix * outputStride + panels.lowerBound * kernels.panel, outChannels)
            }
            eachFrame(of: block) { frame, frameTiles, place in
                kernels.winograd_output(
                    &conv, products + place * outChannels, outputStride, frameTiles.lowerBound, frameTiles.upperBound,
                    panels.lowerBound, panels.upperBound,
                    output.pixels(frame: frame, memory).assumingMemoryBound(to: Float.self),
                    residual?.pixels(frame: frame, memory).assumingMemoryBound(to: Float.self))
            }
        }
    }

    /// Cuts a block at the frames' borders: the frame, its tiles, and the first one's place in the block.
    private func eachFrame(of block: Range<Int>, _ body: (_ frame: Int, _ tiles: Range<Int>, _ place: Int) -> Void) {
        var next = block.lowerBound
        while next < block.upperBound {
            let frame = next / tilesPerFrame
            let end = min(block.upperBound, (frame + 1) * tilesPerFrame)
            body(frame, next - frame * tilesPerFrame..<end - frame * tilesPerFrame, next - block.lowerBound)
            next = end
        }
    }
}

extension WinogradOperation: RowwiseOperation {
    var outputRows: Int { shape.outHeight }
    var rowStep: Int { tile }

    func inputRows(for count: Int) -> Int { min(shape.inHeight, count + 2 - shape.padding) }

    func run(rows: Range<Int>, frame: Int, memory: GroupMemory) {
        let first = frame * tilesPerFrame
        let tiles = first + rows.lowerBound / tile * tilesAcross..<first + ceilingDivision(rows.upperBound, tile) * tilesAcross
        run(tiles: tiles, panels: 0..<outChannels / kernels.panel, frames: 1, memory: memory)
    }
}
