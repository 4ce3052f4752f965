import Glibc

/// How a value lies in memory: images of pixels with their channels innermost and a border of zeros around them.
///
/// Small pictures can stand side by side, `framesSideBySide` of them in a row of pixels with a shared border between, so that a tile of sixteen
/// pixels covers a row of several.
struct ActivationLayout: Sendable, Equatable {
    enum Format: Sendable, Equatable {
        /// Floats.
        case float32
        /// Blocks of 32 channels, `[channels / 32][parts][32]` bfloat16 a pixel.
        case blocks(parts: Int)
        /// bfloat16 without padding, one image a part: for an input of a few channels.
        case planes(parts: Int)
    }

    let format: Format
    let height: Int
    let width: Int
    /// Channels that a pixel takes in memory.
    let channels: Int
    /// Zero pixels on each side.
    let border: Int
    let framesSideBySide: Int
    /// Pixels from a frame to the next one in the same row.
    let framePitch: Int

    init(
        format: Format, height: Int, width: Int, channels: Int, border: Int, framesSideBySide: Int = 1, framePitch: Int? = nil
    ) {
        self.format = format
        self.height = height
        self.width = width
        self.channels = channels
        self.border = border
        self.framesSideBySide = framesSideBySide
        self.framePitch = framePitch ?? width + border
        precondition(self.framePitch >= width + border)
    }

    /// Bytes of a value, or of one part of it in `planes`.
    private var elementBytes: Int { format == .float32 ? 4 : 2 }

    private var parts: Int {
        switch format {
        case .float32: 1
        case .blocks(let parts), .planes(let parts): parts
        }
    }

    /// Bytes from a pixel to its neighbour.
    var pixelBytes: Int {
        if case .planes = format { return channels * elementBytes }
        return channels * parts * elementBytes
    }

    var rowPixels: Int { border + framesSideBySide * framePitch }

    /// Bytes from a row to the next. In `planes` a kernel reads whole blocks of 32 values, so up to that many beyond the last pixel.
    var rowBytes: Int {
        if case .planes = format { return roundedUp(rowPixels * pixelBytes + 64, to: 64) }
        return rowPixels * pixelBytes
    }

    /// Bytes from the first part's image to the second's, in `planes`.
    var partBytes: Int { (height + 2 * border) * rowBytes }

    /// Bytes of the frames that stand side by side.
    var groupBytes: Int {
        if case .planes(let parts) = format { return parts * partBytes }
        return (height + 2 * border) * rowBytes
    }

    func byteCount(frames: Int) -> Int { ceilingDivision(frames, framesSideBySide) * groupBytes }

    /// Byte offset of a frame's pixel (0, 0).
    func origin(frame: Int) -> Int {
        frame / framesSideBySide * groupBytes + border * rowBytes
            + (border + frame % framesSideBySide * framePitch) * pixelBytes
    }

    /// Writes the zeros around and between the first `frames` pictures.
    func clearBorders(_ base: UnsafeMutableRawPointer, frames: Int) {
        let imageParts: Int
        if case .planes(let parts) = format { imageParts = parts } else { imageParts = 1 }
        let imageBytes = (height + 2 * border) * rowBytes
        for image in 0..<ceilingDivision(frames, framesSideBySide) * imageParts {
            let start = base + image * imageBytes
            memset(start, 0, border * rowBytes)
            memset(start + (border + height) * rowBytes, 0, border * rowBytes)
            for row in border..<border + height {
                let pixels = start + row * rowBytes
                memset(pixels, 0, border * pixelBytes)
                for side in 0..<framesSideBySide {
                    let end = border + side * framePitch + width
                    let next = side + 1 < framesSideBySide ? (border + (side + 1) * framePitch) * pixelBytes : rowBytes
                    memset(pixels + end * pixelBytes, 0, next - end * pixelBytes)
                }
            }
        }
    }
}
