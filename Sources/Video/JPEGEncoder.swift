import CLibav

/// Writes baseline JPEG (JFIF: full-range BT.601) through libavcodec; safe to use from any thread.
public struct JPEGEncoder: Sendable {
    /// How finely colour is stored.
    public enum Chroma: Sendable, Equatable {
        /// A colour value for each pixel (4:4:4): thin coloured lines stay sharp.
        case full
        /// One for four pixels (4:2:0): about a third smaller.
        case half
    }

    /// From 1 (small) to 100 (fine).
    public let quality: Int
    /// How finely colour is stored.
    public let chroma: Chroma

    /// An encoder; a quality outside 1...100 is moved to the nearer end.
    public init(quality: Int = 90, chroma: Chroma = .full) {
        self.quality = min(100, max(1, quality))
        self.chroma = chroma
    }

    /// The picture as a JPEG file's bytes; throws `encoding_failed`.
    public func encode(_ image: RGBImage) throws(VideoError) -> [UInt8] {
        let format = chroma == .full ? AV_PIX_FMT_YUVJ444P : AV_PIX_FMT_YUVJ420P
        return try PictureEncoder.encode(
            with: "mjpeg", format: format, width: image.width, height: image.height,
            configure: { context in
                context.pointee.color_range = AVCOL_RANGE_JPEG
                context.pointee.flags |= AV_CODEC_FLAG_QSCALE
                context.pointee.qmin = 1
                context.pointee.qmax = 31
                context.pointee.global_quality = Int32(whorl_lambda_per_quantiser) * quantiser
            },
            fill: { frame throws(VideoError) in try convert(image, into: frame) })
    }

    /// libavcodec's quantiser scale: 1 for quality 100, 31 for quality 1.
    private var quantiser: Int32 {
        Int32((31 - Double(quality - 1) * 30 / 99).rounded())
    }

    private func convert(_ image: RGBImage, into frame: UnsafeMutablePointer<AVFrame>) throws(VideoError) {
        // swscale deprecates the "J" formats and takes the range apart from the layout.
        let format = chroma == .full ? AV_PIX_FMT_YUV444P : AV_PIX_FMT_YUV420P
        try YUVConversion(width: image.width, height: image.height, format: format, isFullRange: true).write(image, into: frame)
    }
}
