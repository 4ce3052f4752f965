import CLibav

/// One libav decoder: packets in, frames out in order of display.
final class FrameDecoder {
    let codecName: String
    /// Packets that could not be decoded, and frames that did not come out.
    private(set) var errorCount = 0
    private let context: UnsafeMutablePointer<AVCodecContext>
    private let frame: UnsafeMutablePointer<AVFrame>
    private let limits: DecoderLimits
    private let deadline: Deadline
    private var isDraining = false
    private var drainErrors = 0

    /// A decoder of the reader's stream that works with `threads` threads of its own.
    init(_ reader: ClipReader, parameters: StreamParameters, threads: Int, limits: DecoderLimits) throws(VideoError) {
        let codec = try parameters.decoder()
        guard let context = avcodec_alloc_context3(codec), let frame = av_frame_alloc() else {
            throw VideoError(.outOfMemory, detail: "decoder")
        }
        self.context = context
        self.frame = frame
        self.limits = limits
        deadline = reader.source.deadline
        codecName = parameters.codecName
        var result = avcodec_parameters_to_context(context, parameters.values)
        if result >= 0 {
            context.pointee.pkt_timebase = reader.stream.pointee.time_base
            context.pointee.thread_count = Int32(threads)
            context.pointee.max_pixels = Int64(limits.maxPixels)
            result = avcodec_open2(context, codec, nil)
        }
        if result < 0 { throw VideoError(libav: result, during: "opening the decoder", otherwise: .damaged) }
    }

    deinit {
        var context: UnsafeMutablePointer<AVCodecContext>? = context
        avcodec_free_context(&context)
        var frame: UnsafeMutablePointer<AVFrame>? = frame
        av_frame_free(&frame)
    }

    /// Takes the next packet in order of decoding, nil at the end, when `receive` has nothing more to give.
    ///
    /// With `skipsUnreferenced` a frame that no other refers to is left out, which changes none of the others.
    func send(_ packet: UnsafeMutablePointer<AVPacket>?, skipsUnreferenced: Bool = false) throws(VideoError) {
        context.pointee.skip_frame = skipsUnreferenced ? AVDISCARD_NONREF : AVDISCARD_DEFAULT
        let result = avcodec_send_packet(context, packet)
        if packet == nil { isDraining = true }
        if result < 0 && result != whorl_averror_eof { try note(result, during: "decoding a packet") }
    }

    /// The next frame, valid until the next call; nil when more packets are wanted or, after the last, at the end.
    func receive() throws(VideoError) -> UnsafeMutablePointer<AVFrame>? {
        while true {
            if deadline.hasPassed { throw VideoError(.decodeTimeout, detail: "while decoding") }
            let result = avcodec_receive_frame(context, frame)
            if result >= 0 {
                try limits.check(width: Int(frame.pointee.width), height: Int(frame.pointee.height))
                return frame
            }
            if result == whorl_averror_eof || result == whorl_averror_again { return nil }
            try note(result, during: "decoding a frame")
            guard isDraining else { continue }
            drainErrors += 1
            if drainErrors > 1_000 { return nil }
        }
    }

    /// Forgets everything, for a packet that is a keyframe.
    func flush() {
        avcodec_flush_buffers(context)
        isDraining = false
        drainErrors = 0
    }

    /// Whether a frame came out, but not whole.
    static func isDamaged(_ frame: UnsafeMutablePointer<AVFrame>) -> Bool {
        frame.pointee.flags & AV_FRAME_FLAG_CORRUPT != 0 || frame.pointee.decode_error_flags & whorl_decode_error_any != 0
    }

    /// Counts a damaged packet and goes on, as a plain sequential decode does; what will not pass is thrown.
    private func note(_ result: Int32, during action: String) throws(VideoError) {
        if result == whorl_averror_no_memory || result == whorl_averror_exit {
            throw VideoError(libav: result, during: action, otherwise: .damaged)
        }
        errorCount += 1
    }
}

/// A stream's codec and its parameters, apart from the reader that found them: decoders on other threads are made from it.
///
/// `@unchecked Sendable`: written once and then only read.
final class StreamParameters: @unchecked Sendable {
    let codecName: String
    let values: UnsafeMutablePointer<AVCodecParameters>
    private let acceptsStills: Bool

    init(_ reader: ClipReader) throws(VideoError) {
        guard let source = reader.stream.pointee.codecpar, let copy = avcodec_parameters_alloc() else {
            throw VideoError(.outOfMemory, detail: "codec parameters")
        }
        values = copy
        acceptsStills = reader.source.acceptsStills
        codecName = String(cString: avcodec_get_name(source.pointee.codec_id))
        guard avcodec_parameters_copy(copy, source) >= 0 else { throw VideoError(.outOfMemory, detail: "codec parameters") }
    }

    deinit {
        var values: UnsafeMutablePointer<AVCodecParameters>? = values
        avcodec_parameters_free(&values)
    }

    /// libav's decoder for it, if it is among those that may be opened.
    func decoder() throws(VideoError) -> UnsafePointer<AVCodec> {
        guard let codec = avcodec_find_decoder(values.pointee.codec_id),
            ContainerKind.decoders(withStills: acceptsStills).contains(String(cString: codec.pointee.name))
        else { throw unsupported }
        return codec
    }

    private var unsupported: VideoError {
        let tag = (0..<4).map { values.pointee.codec_tag >> UInt32($0 * 8) & 0xFF }
        let letters = String(String.UnicodeScalarView(tag.map { (32...126).contains($0) ? Unicode.Scalar(UInt8($0)) : "." }))
        let isUnknown = codecName == "unknown_codec" || codecName == "none"
        return VideoError(.unsupportedCodec, subject: isUnknown ? "tag \(letters)" : codecName)
    }
}
