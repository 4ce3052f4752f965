import CLibav

/// Decodes one stream from its start to its end, frame by frame in order of display.
final class FrameDecoder {
    let reader: ClipReader
    let codecName: String
    /// Packets or frames that were not whole.
    private(set) var damageCount = 0
    private let context: UnsafeMutablePointer<AVCodecContext>
    private let packet: UnsafeMutablePointer<AVPacket>
    private let frame: UnsafeMutablePointer<AVFrame>
    private let limits: DecoderLimits
    private var isDraining = false
    private var drainErrors = 0

    init(reader: ClipReader, limits: DecoderLimits) throws(VideoError) {
        let parameters = reader.stream.pointee.codecpar
        guard let parameters, let codec = avcodec_find_decoder(parameters.pointee.codec_id) else {
            throw Self.unsupported(parameters)
        }
        guard ContainerKind.decoders.contains(String(cString: codec.pointee.name)) else {
            throw Self.unsupported(parameters)
        }
        guard let context = avcodec_alloc_context3(codec), let packet = av_packet_alloc(), let frame = av_frame_alloc()
        else { throw VideoError(.outOfMemory, detail: "decoder") }
        self.context = context
        self.packet = packet
        self.frame = frame
        self.reader = reader
        self.limits = limits
        codecName = String(cString: avcodec_get_name(parameters.pointee.codec_id))
        var result = avcodec_parameters_to_context(context, parameters)
        if result >= 0 {
            context.pointee.pkt_timebase = reader.stream.pointee.time_base
            context.pointee.thread_count = Int32(limits.threads)
            context.pointee.max_pixels = Int64(limits.maxPixels)
            result = avcodec_open2(context, codec, nil)
        }
        if result < 0 { throw VideoError(libav: result, during: "opening the decoder", otherwise: .damaged) }
    }

    deinit {
        var context: UnsafeMutablePointer<AVCodecContext>? = context
        avcodec_free_context(&context)
        var packet: UnsafeMutablePointer<AVPacket>? = packet
        av_packet_free(&packet)
        var frame: UnsafeMutablePointer<AVFrame>? = frame
        av_frame_free(&frame)
    }

    /// The next frame, valid until the next call; nil at the end.
    func next() throws(VideoError) -> UnsafeMutablePointer<AVFrame>? {
        while true {
            if reader.source.deadline.hasPassed { throw VideoError(.decodeTimeout, detail: "while decoding") }
            let result = avcodec_receive_frame(context, frame)
            if result >= 0 {
                if frame.pointee.flags & AV_FRAME_FLAG_CORRUPT != 0
                    || frame.pointee.decode_error_flags & whorl_decode_error_any != 0
                {
                    damageCount += 1
                }
                try limits.check(width: Int(frame.pointee.width), height: Int(frame.pointee.height))
                return frame
            }
            switch result {
            case whorl_averror_eof: return nil
            case whorl_averror_again: try feed()
            default:
                try note(result, during: "decoding a frame")
                if isDraining {
                    drainErrors += 1
                    if drainErrors > 1_000 { return nil }
                }
            }
        }
    }

    private func feed() throws(VideoError) {
        let hasPacket = try reader.read(into: packet)
        let result = avcodec_send_packet(context, hasPacket ? packet : nil)
        if hasPacket { av_packet_unref(packet) } else { isDraining = true }
        if result < 0 && result != whorl_averror_eof { try note(result, during: "decoding a packet") }
    }

    /// Counts a damaged packet and goes on, as a plain sequential decode does; what will not pass is thrown.
    private func note(_ result: Int32, during action: String) throws(VideoError) {
        if result == whorl_averror_no_memory || result == whorl_averror_exit {
            throw VideoError(libav: result, during: action, otherwise: .damaged)
        }
        damageCount += 1
    }

    private static func unsupported(_ parameters: UnsafeMutablePointer<AVCodecParameters>?) -> VideoError {
        guard let parameters else { return VideoError(.unsupportedCodec) }
        let name = String(cString: avcodec_get_name(parameters.pointee.codec_id))
        let tag = (0..<4).map { parameters.pointee.codec_tag >> UInt32($0 * 8) & 0xFF }
        let letters = String(String.UnicodeScalarView(tag.map { (32...126).contains($0) ? Unicode.Scalar(UInt8($0)) : "." }))
        return VideoError(.unsupportedCodec, subject: name == "unknown_codec" || name == "none" ? "tag \(letters)" : name)
    }
}
