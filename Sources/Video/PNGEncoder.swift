import CLibav

/// Writes PNG, 8-bit RGB or 16-bit grey, through libavcodec; safe to use from any thread.
public struct PNGEncoder: Sendable {
    /// From 0 (stored) to 9 (small and slow).
    public let compressionLevel: Int
    /// What each pixel is predicted from.
    public let prediction: Prediction

    /// PNG's filters (RFC 2083, section 6), one for all rows.
    public enum Prediction: String, Sendable {
        /// The left, the upper and the upper left neighbour: the smallest files, mostly.
        case paeth
        /// The upper neighbour: decodes faster by a third.
        case up
    }

    /// An encoder; a level outside 0...9 is moved to the nearer end.
    public init(compressionLevel: Int = 6, prediction: Prediction = .paeth) {
        self.compressionLevel = min(9, max(0, compressionLevel))
        self.prediction = prediction
    }

    /// The picture as a PNG file's bytes; throws `encoding_failed`.
    public func encode(_ image: RGBImage) throws(VideoError) -> [UInt8] {
        try encode(format: AV_PIX_FMT_RGB24, width: image.width, height: image.height) { row, y in
            let start = y * image.width * 3
            image.pixels.withUnsafeBufferPointer { pixels in
                if let base = pixels.baseAddress { row.update(from: base + start, count: image.width * 3) }
            }
        }
    }

    /// The grey picture as a PNG file's bytes, most significant byte first as PNG wants it; throws `encoding_failed`.
    public func encode(_ image: GrayImage16) throws(VideoError) -> [UInt8] {
        try encode(format: AV_PIX_FMT_GRAY16BE, width: image.width, height: image.height) { row, y in
            for x in 0..<image.width {
                let value = image.pixels[y * image.width + x]
                row[2 * x] = UInt8(value >> 8)
                row[2 * x + 1] = UInt8(value & 0xFF)
            }
        }
    }

    private func encode(
        format: AVPixelFormat, width: Int, height: Int, fillRow: (UnsafeMutablePointer<UInt8>, Int) -> Void
    ) throws(VideoError) -> [UInt8] {
        try PictureEncoder.encode(
            with: "png", format: format, width: width, height: height,
            configure: { context in
                context.pointee.compression_level = Int32(compressionLevel)
                av_opt_set(context.pointee.priv_data, "pred", prediction.rawValue, 0)
            },
            fill: { frame throws(VideoError) in
                guard let plane = frame.pointee.data.0 else {
                    throw VideoError(.encodingFailed, detail: "a picture without a plane")
                }
                for y in 0..<height { fillRow(plane + y * Int(frame.pointee.linesize.0), y) }
            })
    }
}
