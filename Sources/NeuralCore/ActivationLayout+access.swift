import CKernels

extension ActivationLayout {
    /// Packs a row of `[width, channels]` floats, `channels` of which are real, to a row of pixels.
    func store(row: UnsafePointer<Float>, channels real: Int, at target: UnsafeMutableRawPointer) {
        switch format {
        case .planes(let parts):
            tile_pack_row(row, width * real, parts, partBytes / 2, target.assumingMemoryBound(to: UInt16.self))
        case .float32:
            let floats = target.assumingMemoryBound(to: Float.self)
            for x in 0..<width {
                for channel in 0..<channels { floats[x * channels + channel] = channel < real ? row[x * real + channel] : 0 }
            }
        case .blocks(let parts):
            withUnsafeTemporaryAllocation(of: Float.self, capacity: channels) { pixel in
                pixel.initialize(repeating: 0)
                guard let base = pixel.baseAddress else { return }
                for x in 0..<width {
                    base.update(from: row + x * real, count: real)
                    tile_pack_blocks(
                        base, channels / tile_block, parts, (target + x * pixelBytes).assumingMemoryBound(to: UInt16.self))
                }
            }
        }
    }
}

extension ValuePlace {
    /// A frame's values as `[height, width, channels]` floats, whatever their format.
    func floats(frame: Int, _ memory: GroupMemory, channels: Int) -> [Float] {
        var result: [Float] = []
        result.reserveCapacity(layout.height * layout.width * channels)
        var pixel = [Float](repeating: 0, count: layout.channels)
        let pixels = pixels(frame: frame, memory)
        for y in 0..<layout.height {
            for x in 0..<layout.width {
                let place = pixels + y * layout.rowBytes + x * layout.pixelBytes
                switch layout.format {
                case .float32:
                    pixel.withUnsafeMutableBytes { $0.copyMemory(from: UnsafeRawBufferPointer(start: place, count: layout.pixelBytes)) }
                case .blocks(let parts):
                    tile_unpack_blocks(
                        place.assumingMemoryBound(to: UInt16.self), layout.channels / tile_block, parts, &pixel)
                case .planes:
                    preconditionFailure("only a network's input is stored in planes")
                }
                result += pixel[..<channels]
            }
        }
        return result
    }
}
