import CLibav

/// One picture through one of libavcodec's encoders; a context a call, so that any thread may encode.
enum PictureEncoder {
    /// Encodes what `fill` writes into the frame's planes.
    static func encode(
        with name: String, format: AVPixelFormat, width: Int, height: Int,
        configure: (UnsafeMutablePointer<AVCodecContext>) -> Void,
        fill: (UnsafeMutablePointer<AVFrame>) throws(VideoError) -> Void
    ) throws(VideoError) -> [UInt8] {
        guard width <= 65_500, height <= 65_500 else {
            throw VideoError(.encodingFailed, subject: "\(width)×\(height) pixels; at most 65500 a side")
        }
        guard let codec = avcodec_find_encoder_by_name(name) else {
            throw VideoError(.encodingFailed, detail: "libavcodec has no encoder \(name)")
        }
        var context = avcodec_alloc_context3(codec)
        var frame = av_frame_alloc()
        var packet = av_packet_alloc()
        defer {
            avcodec_free_context(&context)
            av_frame_free(&frame)
            av_packet_free(&packet)
        }
        guard let context, let frame, let packet else { throw VideoError(.encodingFailed, detail: "no memory") }
        context.pointee.width = Int32(width)
        context.pointee.height = Int32(height)
        context.pointee.pix_fmt = format
        context.pointee.time_base = AVRational(num: 1, den: 1)
        context.pointee.thread_count = 1
        // Bit-exact leaves libav's version out of the file: one picture gives the same bytes everywhere.
        context.pointee.flags |= AV_CODEC_FLAG_BITEXACT
        configure(context)
        try check(avcodec_open2(context, codec, nil), "opening \(name)")
        frame.pointee.width = Int32(width)
        frame.pointee.height = Int32(height)
        frame.pointee.format = format.rawValue
        frame.pointee.color_range = context.pointee.color_range
        frame.pointee.quality = context.pointee.global_quality
        try check(av_frame_get_buffer(frame, 0), "allocating a picture")
        try fill(frame)
        try check(avcodec_send_frame(context, frame), "encoding")
        try check(avcodec_receive_packet(context, packet), "encoding")
        return Array(UnsafeBufferPointer(start: packet.pointee.data, count: Int(packet.pointee.size)))
    }

    private static func check(_ result: Int32, _ action: String) throws(VideoError) {
        if result < 0 { throw VideoError(libav: result, during: action, otherwise: .encodingFailed) }
    }
}
