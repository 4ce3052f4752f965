import CLibav

/// One of libavcodec's decoders, on one thread, for what this process has just encoded itself: what comes from outside is decoded in a process
/// of its own (`DecoderProcess`). One owner.
final class PacketDecoder {
    private let context: UnsafeMutablePointer<AVCodecContext>
    private let packet: UnsafeMutablePointer<AVPacket>
    private let frame: UnsafeMutablePointer<AVFrame>

    init(_ codecID: AVCodecID) throws(VideoError) {
        guard let codec = avcodec_find_decoder(codecID) else {
            throw VideoError(.encodingFailed, detail: "libavcodec has no decoder to read back what it encoded")
        }
        var context = avcodec_alloc_context3(codec)
        var packet = av_packet_alloc()
        var frame = av_frame_alloc()
        guard let opened = context, let aPacket = packet, let aFrame = frame else {
            avcodec_free_context(&context)
            av_packet_free(&packet)
            av_frame_free(&frame)
            throw VideoError(.encodingFailed, detail: "no memory")
        }
        opened.pointee.thread_count = 1
        // The same arithmetic on every CPU.
        opened.pointee.flags |= AV_CODEC_FLAG_BITEXACT
        opened.pointee.idct_algo = FF_IDCT_SIMPLE
        opened.pointee.log_level_offset = PictureEncoder.quieter
        self.context = opened
        self.packet = aPacket
        self.frame = aFrame
        try check(avcodec_open2(opened, codec, nil), "opening a decoder")
    }

    deinit {
        var context: UnsafeMutablePointer<AVCodecContext>? = context
        var packet: UnsafeMutablePointer<AVPacket>? = packet
        var frame: UnsafeMutablePointer<AVFrame>? = frame
        avcodec_free_context(&context)
        av_packet_free(&packet)
        av_frame_free(&frame)
    }

    /// Decodes a whole stream, a packet an element, and calls `body` for its pictures in the order of showing; ready for another stream then.
    func decode(
        _ packets: [[UInt8]], body: (UnsafeMutablePointer<AVFrame>) throws(VideoError) -> Void
    ) throws(VideoError) {
        defer { avcodec_flush_buffers(context) }
        for (index, bytes) in packets.enumerated() {
            try check(av_new_packet(packet, Int32(bytes.count)), "allocating a packet")
            bytes.withUnsafeBytes { source in
                guard let start = source.baseAddress else { return }
                UnsafeMutableRawPointer(packet.pointee.data).copyMemory(from: start, byteCount: source.count)
            }
            packet.pointee.pts = Int64(index)
            let result = avcodec_send_packet(context, packet)
            av_packet_unref(packet)
            try check(result, "decoding what was encoded")
            try receive(body)
        }
        try check(avcodec_send_packet(context, nil), "decoding what was encoded")
        try receive(body)
    }

    private func receive(_ body: (UnsafeMutablePointer<AVFrame>) throws(VideoError) -> Void) throws(VideoError) {
        while true {
            let result = avcodec_receive_frame(context, frame)
            if result == whorl_averror_again || result == whorl_averror_eof { return }
            try check(result, "decoding what was encoded")
            defer { av_frame_unref(frame) }
            try body(frame)
        }
    }

    private func check(_ result: Int32, _ action: String) throws(VideoError) {
        if result < 0 { throw VideoError(libav: result, during: action, otherwise: .encodingFailed) }
    }
}
