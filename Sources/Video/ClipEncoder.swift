import CLibav
import Glibc

/// Writes pictures as an H.264 clip in MP4 through libx264; for clips of our own making, never for a client's bytes.
///
/// One thread, bit-exact: the same pictures and settings give the same bytes. Belongs to one caller at a time. The file takes its name only when
/// `finish` returns; until then, and after any error, nothing of it stays.
public final class ClipEncoder {
    /// How a clip is written.
    public struct Settings: Sendable, Hashable, Codable {
        /// libx264's constant rate factor: 0 lossless, 18 hardly to be told from its source, 23 its default, 51 the worst.
        public var crf: Int
        /// Pixels; even, at least 16.
        public var width: Int
        public var height: Int
        public var framesPerSecond: Double
        /// libx264's, from ultrafast to veryslow.
        public var preset: String

        public init(crf: Int, width: Int, height: Int, framesPerSecond: Double, preset: String = "fast") {
            self.crf = crf
            self.width = width
            self.height = height
            self.framesPerSecond = framesPerSecond
            self.preset = preset
        }

        /// `scale` of so many pixels, rounded to an even number, at least 16.
        public static func side(_ pixels: Int, scale: Double) -> Int {
            max(16, Int((Double(pixels) * scale / 2).rounded()) * 2)
        }
    }

    private let path: String
    private let partialPath: String
    private let settings: Settings
    private var format: UnsafeMutablePointer<AVFormatContext>?
    private var codec: UnsafeMutablePointer<AVCodecContext>?
    private var stream: UnsafeMutablePointer<AVStream>?
    private var frame: UnsafeMutablePointer<AVFrame>?
    private var packet: UnsafeMutablePointer<AVPacket>?
    private var scaler: OpaquePointer?
    private var frameCount: Int64 = 0
    private var isFinished = false

    /// Starts the clip that will be at `path`; throws `invalid_request` for settings that make no clip, `encoding_failed` where libav or the disk
    /// fails.
    public init(path: String, settings: Settings) throws(VideoError) {
        self.path = path
        partialPath = "\(path).partial"
        self.settings = settings
        guard settings.width >= 16, settings.height >= 16, settings.width % 2 == 0, settings.height % 2 == 0, settings.width <= 8_192,
            settings.height <= 8_192, (0...51).contains(settings.crf), settings.framesPerSecond.isFinite,
            (0.1...1_000).contains(settings.framesPerSecond)
        else {
            throw VideoError(
                .invalidRequest,
                subject: "a clip of \(settings.width)×\(settings.height) at \(settings.framesPerSecond) frames a second, CRF \(settings.crf)")
        }
        try openCodec()
        try openFile()
    }

    deinit {
        sws_freeContext(scaler)
        av_packet_free(&packet)
        av_frame_free(&frame)
        avcodec_free_context(&codec)
        if let format {
            avio_closep(&format.pointee.pb)
            avformat_free_context(format)
        }
        if !isFinished { unlink(partialPath) }
    }

    /// Adds a picture, scaled to the clip's size; one of any size, the same for all.
    public func append(_ image: RGBImage) throws(VideoError) {
        guard let codec, let frame else { throw VideoError(.encodingFailed, detail: "the clip is closed") }
        try Self.check(av_frame_make_writable(frame), "preparing a picture")
        try convert(image, into: frame)
        frame.pointee.pts = frameCount
        frameCount += 1
        try Self.check(avcodec_send_frame(codec, frame), "encoding")
        try drain(codec)
    }

    /// Writes what is left and gives the file its name; no other call may follow. Throws `encoding_failed` for a clip without pictures too.
    public func finish() throws(VideoError) {
        guard let codec, let format, frameCount > 0 else { throw VideoError(.encodingFailed, subject: "a clip without pictures") }
        try Self.check(avcodec_send_frame(codec, nil), "encoding")
        try drain(codec)
        try Self.check(av_write_trailer(format), "writing the clip's end")
        // Buffered bytes fail here at the latest on a full disk.
        try Self.check(avio_closep(&format.pointee.pb), "closing the clip")
        guard rename(partialPath, path) == 0 else {
            throw VideoError(.encodingFailed, detail: "rename to \(path): \(String(cString: strerror(errno)))")
        }
        isFinished = true
    }

    private func openCodec() throws(VideoError) {
        guard let encoder = avcodec_find_encoder_by_name("libx264") else {
            throw VideoError(.encodingFailed, subject: "libavcodec was built without libx264")
        }
        codec = avcodec_alloc_context3(encoder)
        frame = av_frame_alloc()
        packet = av_packet_alloc()
        guard let codec, let frame, packet != nil else { throw VideoError(.encodingFailed, detail: "no memory") }
        let rate = av_d2q(settings.framesPerSecond, 100_000)
        codec.pointee.width = Int32(settings.width)
        codec.pointee.height = Int32(settings.height)
        codec.pointee.pix_fmt = AV_PIX_FMT_YUV420P
        codec.pointee.time_base = AVRational(num: rate.den, den: rate.num)
        codec.pointee.framerate = rate
        codec.pointee.thread_count = 1
        // What libx264 says of each clip is pushed below libav's default level; its errors still come through.
        codec.pointee.log_level_offset = AV_LOG_INFO - AV_LOG_ERROR
        codec.pointee.color_range = AVCOL_RANGE_MPEG
        codec.pointee.colorspace = isHighDefinition ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M
        codec.pointee.flags |= AV_CODEC_FLAG_BITEXACT | AV_CODEC_FLAG_GLOBAL_HEADER
        try Self.check(av_opt_set(codec.pointee.priv_data, "crf", "\(settings.crf)", 0), "setting CRF \(settings.crf)")
        try Self.check(av_opt_set(codec.pointee.priv_data, "preset", settings.preset, 0), "setting the preset \(settings.preset)")
        try Self.check(avcodec_open2(codec, encoder, nil), "opening libx264")
        frame.pointee.width = codec.pointee.width
        frame.pointee.height = codec.pointee.height
        frame.pointee.format = AV_PIX_FMT_YUV420P.rawValue
        frame.pointee.color_range = codec.pointee.color_range
        frame.pointee.colorspace = codec.pointee.colorspace
        try Self.check(av_frame_get_buffer(frame, 0), "allocating a picture")
    }

    private func openFile() throws(VideoError) {
        // "file:" keeps libav from reading a protocol out of a name with a colon.
        let address = "file:\(partialPath)"
        try Self.check(avformat_alloc_output_context2(&format, nil, "mp4", address), "making an MP4")
        guard let format, let codec, let stream = avformat_new_stream(format, nil) else {
            throw VideoError(.encodingFailed, detail: "no stream")
        }
        format.pointee.flags |= AVFMT_FLAG_BITEXACT
        try Self.check(avcodec_parameters_from_context(stream.pointee.codecpar, codec), "describing the stream")
        stream.pointee.time_base = codec.pointee.time_base
        stream.pointee.avg_frame_rate = codec.pointee.framerate
        try Self.check(avio_open(&format.pointee.pb, address, AVIO_FLAG_WRITE), "creating \(partialPath)")
        try Self.check(avformat_write_header(format, nil), "writing the clip's head")
        self.stream = stream
    }

    private func drain(_ codec: UnsafeMutablePointer<AVCodecContext>) throws(VideoError) {
        guard let format, let stream, let packet else { return }
        while true {
            let result = avcodec_receive_packet(codec, packet)
            if result == whorl_averror_again || result == whorl_averror_eof { return }
            try Self.check(result, "encoding")
            packet.pointee.stream_index = stream.pointee.index
            packet.pointee.duration = 1
            av_packet_rescale_ts(packet, codec.pointee.time_base, stream.pointee.time_base)
            try Self.check(av_interleaved_write_frame(format, packet), "writing the clip")
        }
    }

    /// What a reader without other word takes a picture's matrix to be; said in the file too.
    private var isHighDefinition: Bool { settings.height >= 720 }

    private func convert(_ image: RGBImage, into frame: UnsafeMutablePointer<AVFrame>) throws(VideoError) {
        scaler = sws_getCachedContext(
            scaler, Int32(image.width), Int32(image.height), AV_PIX_FMT_RGB24, frame.pointee.width, frame.pointee.height,
            AV_PIX_FMT_YUV420P, whorl_scale_flags, nil, nil, nil)
        guard let scaler else { throw VideoError(.encodingFailed, detail: "no scaler to YUV") }
        let matrix = sws_getCoefficients(isHighDefinition ? SWS_CS_ITU709 : SWS_CS_ITU601)
        guard sws_setColorspaceDetails(scaler, matrix, 1, matrix, 0, 0, 1 << 16, 1 << 16) >= 0 else {
            throw VideoError(.encodingFailed, detail: "no matrix to YUV")
        }
        let targets = withUnsafeBytes(of: &frame.pointee.data) { bytes in
            (0..<4).map { bytes.bindMemory(to: UnsafeMutablePointer<UInt8>?.self)[$0] }
        }
        let strides = withUnsafeBytes(of: &frame.pointee.linesize) { bytes in (0..<4).map { bytes.bindMemory(to: Int32.self)[$0] } }
        // swscale's vector code reads some bytes past the last row.
        let padded = image.pixels + [UInt8](repeating: 0, count: 64)
        let rows = padded.withUnsafeBufferPointer { pixels in
            sws_scale(
                scaler, [pixels.baseAddress, nil, nil, nil], [Int32(image.width) * 3, 0, 0, 0], 0, Int32(image.height), targets, strides)
        }
        guard rows == frame.pointee.height else { throw VideoError(.encodingFailed, detail: "sws_scale gave \(rows) rows") }
    }

    private static func check(_ result: Int32, _ action: String) throws(VideoError) {
        if result < 0 { throw VideoError(libav: result, during: action, otherwise: .encodingFailed) }
    }
}
