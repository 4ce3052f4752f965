import CLibav

/// Pictures through one of libavcodec's encoders; a context a call, so that any thread may encode.
enum PictureEncoder {
    /// Added to the level of what a codec logs: an encoder's description of itself is of no use on standard error, an error is.
    static let quieter: Int32 = 16

    /// Encodes what `fill` writes into the frame's planes.
    static func encode(
        with name: String, format: AVPixelFormat, width: Int, height: Int,
        configure: (UnsafeMutablePointer<AVCodecContext>) -> Void,
        fill: (UnsafeMutablePointer<AVFrame>) throws(VideoError) -> Void
    ) throws(VideoError) -> [UInt8] {
        let packets = try encodeStream(
            with: name, format: format, width: width, height: height, options: [:], configure: configure, count: 1,
            fill: { _, frame throws(VideoError) in try fill(frame) })
        guard let packet = packets.first else { throw VideoError(.encodingFailed, detail: "\(name) gave nothing for a picture") }
        return packet
    }

    /// Encodes `count` frames, each as `fill` writes it, as one stream; `options` are the encoder's own. A packet an element, in coded order.
    static func encodeStream(
        with name: String, format: AVPixelFormat, width: Int, height: Int, options: [String: String],
        configure: (UnsafeMutablePointer<AVCodecContext>) -> Void, count: Int,
        fill: (Int, UnsafeMutablePointer<AVFrame>) throws(VideoError) -> Void
    ) throws(VideoError) -> [[UInt8]] {
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
        context.pointee.log_level_offset = quieter
        configure(context)
        try open(context, codec, options)
        frame.pointee.width = Int32(width)
        frame.pointee.height = Int32(height)
        frame.pointee.format = format.rawValue
        frame.pointee.color_range = context.pointee.color_range
        frame.pointee.quality = context.pointee.global_quality
        try check(av_frame_get_buffer(frame, 0), "allocating a picture")
        var packets: [[UInt8]] = []
        for index in 0..<count {
            // An encoder that looks ahead still holds the planes of the frame before.
            try check(av_frame_make_writable(frame), "allocating a picture")
            frame.pointee.pts = Int64(index)
            try fill(index, frame)
            try check(avcodec_send_frame(context, frame), "encoding")
            try receive(from: context, packet, into: &packets)
        }
        try check(avcodec_send_frame(context, nil), "encoding")
        try receive(from: context, packet, into: &packets)
        return packets
    }

    private static func open(
        _ context: UnsafeMutablePointer<AVCodecContext>, _ codec: UnsafePointer<AVCodec>, _ options: [String: String]
    ) throws(VideoError) {
        var dictionary: OpaquePointer?
        defer { av_dict_free(&dictionary) }
        for (key, value) in options.sorted(by: { $0.key < $1.key }) {
            try check(av_dict_set(&dictionary, key, value, 0), "setting \(key)")
        }
        let name = String(cString: codec.pointee.name)
        try check(avcodec_open2(context, codec, &dictionary), "opening \(name)")
        // What an encoder does not know stays behind.
        guard av_dict_count(dictionary) == 0 else {
            throw VideoError(.encodingFailed, detail: "\(name) lacks one of the options \(options.keys.sorted())")
        }
    }

    private static func receive(
        from context: UnsafeMutablePointer<AVCodecContext>, _ packet: UnsafeMutablePointer<AVPacket>, into packets: inout [[UInt8]]
    ) throws(VideoError) {
        while true {
            let result = avcodec_receive_packet(context, packet)
            if result == whorl_averror_again || result == whorl_averror_eof { return }
            try check(result, "encoding")
            packets.append(Array(UnsafeBufferPointer(start: packet.pointee.data, count: Int(packet.pointee.size))))
            av_packet_unref(packet)
        }
    }

    private static func check(_ result: Int32, _ action: String) throws(VideoError) {
        if result < 0 { throw VideoError(libav: result, during: action, otherwise: .encodingFailed) }
    }
}
