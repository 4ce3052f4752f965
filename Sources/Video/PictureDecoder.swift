import CLibav

/// Reads the PNG files that `PNGEncoder` wrote: 8-bit RGB, and nothing else. Safe to use from any thread.
///
/// It decodes in this process, so it is for files of our own making; pictures from elsewhere go through `DecoderProcess`.
public struct PictureDecoder: Sendable {
    /// Longest side that is believed, in pixels.
    private static let longestSide: Int32 = 8_192

    public init() {}

    /// The picture of a PNG file's bytes; throws `damaged` when they are not one that `PNGEncoder` writes, a checksum does not fit included.
    public func decode(_ bytes: [UInt8]) throws(VideoError) -> RGBImage {
        guard let codec = avcodec_find_decoder(AV_CODEC_ID_PNG) else {
            throw VideoError(.unsupportedCodec, detail: "libavcodec has no decoder for PNG")
        }
        var context = avcodec_alloc_context3(codec)
        var frame = av_frame_alloc()
        var packet = av_packet_alloc()
        defer {
            avcodec_free_context(&context)
            av_frame_free(&frame)
            av_packet_free(&packet)
        }
        guard let context, let frame, let packet, bytes.count <= Int(Int32.max) - 64,
            av_new_packet(packet, Int32(bytes.count)) == 0, let data = packet.pointee.data
        else { throw VideoError(.outOfMemory, detail: "no memory for a picture of \(bytes.count) bytes") }
        context.pointee.thread_count = 1
        context.pointee.max_pixels = Int64(Self.longestSide) * Int64(Self.longestSide)
        context.pointee.err_recognition = AV_EF_CRCCHECK | AV_EF_EXPLODE
        bytes.withUnsafeBufferPointer { if let base = $0.baseAddress { data.update(from: base, count: bytes.count) } }
        try Self.check(avcodec_open2(context, codec, nil), "opening the decoder")
        try Self.check(avcodec_send_packet(context, packet), "decoding a picture")
        try Self.check(avcodec_receive_frame(context, frame), "decoding a picture")
        return try Self.image(frame)
    }

    private static func image(_ frame: UnsafeMutablePointer<AVFrame>) throws(VideoError) -> RGBImage {
        let (width, height) = (Int(frame.pointee.width), Int(frame.pointee.height))
        guard frame.pointee.format == AV_PIX_FMT_RGB24.rawValue, width > 0, height > 0, let plane = frame.pointee.data.0 else {
            throw VideoError(.damaged, detail: "a picture of pixel format \(frame.pointee.format), not RGB24")
        }
        let (length, stride) = (width * 3, Int(frame.pointee.linesize.0))
        let pixels = [UInt8](unsafeUninitializedCapacity: length * height) { buffer, filled in
            filled = length * height
            guard let target = buffer.baseAddress else { return }
            for row in 0..<height { (target + row * length).initialize(from: plane + row * stride, count: length) }
        }
        return RGBImage(width: width, height: height, pixels: pixels)
    }

    private static func check(_ result: Int32, _ action: String) throws(VideoError) {
        if result < 0 { throw VideoError(libav: result, during: action, otherwise: .damaged) }
    }
}
