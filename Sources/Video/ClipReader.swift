import CLibav
import Glibc

/// An opened container and its one video stream, read packet by packet.
final class ClipReader {
    let source: ClipSource
    /// What `VideoInfo.container` says.
    let containerName: String
    let declaredLength: DeclaredLength
    private(set) var context: UnsafeMutablePointer<AVFormatContext>
    private(set) var stream: UnsafeMutablePointer<AVStream>
    /// Set when a packet came short or reading stopped before the container's end.
    private(set) var sawTruncation = false
    private let file: ClipFile
    private let limits: DecoderLimits
    private let transport: Transport
    private let errorCountWhenOpened: Int

    /// Opens the clip and chooses its video stream.
    ///
    /// `known` is a reader of the same clip: one more beside it need not decode the first frames again to learn about the streams.
    init(_ file: ClipFile, limits: DecoderLimits, deadline: Deadline, known: ClipSummary? = nil) throws(VideoError) {
        let source = ClipSource(file, deadline: deadline)
        let declared = DeclaredLength(of: source)
        transport = try Transport(source)
        let opened: Opened
        do throws(VideoError) {
            opened = try Self.open(transport, source: source, declared: declared, limits: limits, known: known)
        } catch {
            throw source.errorNumber == 0 ? error : VideoError(.unreadableInput, detail: "pread: errno \(source.errorNumber)")
        }
        self.file = file
        self.limits = limits
        self.source = source
        context = opened.context
        stream = opened.stream
        containerName = opened.containerName
        declaredLength = declared
        errorCountWhenOpened = LibavLog.demuxErrorCount
    }

    deinit {
        Self.close(context)
    }

    /// Reads the video stream's next packet; false at the end. Reading ends, as a plain sequential decode's does, at the first
    /// error.
    func read(into packet: UnsafeMutablePointer<AVPacket>) throws(VideoError) -> Bool {
        while true {
            if source.deadline.hasPassed { throw VideoError(.decodeTimeout, detail: "while reading packets") }
            let result = av_read_frame(context, packet)
            if result == whorl_averror_again { continue }
            if result < 0 {
                if result == whorl_averror_exit || result == whorl_averror_no_memory {
                    throw VideoError(libav: result, during: "reading packets", otherwise: .damaged)
                }
                if source.errorNumber != 0 {
                    throw VideoError(.unreadableInput, detail: "pread: errno \(source.errorNumber)")
                }
                if result != whorl_averror_eof { sawTruncation = true }
                return false
            }
            if packet.pointee.stream_index == stream.pointee.index {
                if packet.pointee.flags & AV_PKT_FLAG_CORRUPT != 0 { sawTruncation = true }
                return true
            }
            av_packet_unref(packet)
        }
    }

    /// Goes near a packet, if the container can: whoever reads on has to look where that led.
    func jump(to entry: PacketIndex.Entry) -> Bool {
        if ContainerKind.seeksByByte.contains(containerName) {
            return av_seek_frame(context, -1, entry.position, AVSEEK_FLAG_BYTE) >= 0
        }
        let usesDecodingTime = containerName != "matroska" && containerName != "webm" && entry.decodingTime != whorl_av_no_timestamp
        let time = usesDecodingTime ? entry.decodingTime : entry.displayTime
        return av_seek_frame(context, stream.pointee.index, time, AVSEEK_FLAG_BACKWARD) >= 0
    }

    /// Opens the clip anew: the one way back to the first packet that works in every container.
    func rewind() throws(VideoError) {
        let known = ClipSummary(streamIndex: Int(stream.pointee.index), codec: stream.pointee.codecpar.pointee.codec_id)
        transport.rewind()
        let opened = try Self.open(transport, source: source, declared: declaredLength, limits: limits, known: known)
        Self.close(context)
        context = opened.context
        stream = opened.stream
    }

    /// Frames a second as the container has them.
    var claimedRate: Double {
        let average = av_q2d(stream.pointee.avg_frame_rate)
        return average.isFinite && average > 0 ? average : av_q2d(stream.pointee.r_frame_rate)
    }

    /// Whether the file is shorter than it says.
    var isTruncated: Bool { sawTruncation || declaredLength.isCut(size: source.size) }

    /// Whether the demuxer met errors since the container was opened; what it skipped is not among the packets.
    var sawErrors: Bool { LibavLog.demuxErrorCount > errorCountWhenOpened }

    private static func close(_ context: UnsafeMutablePointer<AVFormatContext>) {
        var context: UnsafeMutablePointer<AVFormatContext>? = context
        avformat_close_input(&context)
    }

    private struct Opened {
        var context: UnsafeMutablePointer<AVFormatContext>
        var stream: UnsafeMutablePointer<AVStream>
        var containerName: String
    }

    private static func open(
        _ transport: Transport, source: ClipSource, declared: DeclaredLength, limits: DecoderLimits, known: ClipSummary?
    ) throws(VideoError) -> Opened {
        let head = source.bytes(at: 0, count: 64)
        let format = try probe(transport.context, acceptsStills: source.acceptsStills)
        let name = ContainerKind.displayName(demuxer: String(cString: format.pointee.name), head: head)
        let context = try open(transport.context, format: format, source: source, declared: declared)
        do throws(VideoError) {
            if let known, ContainerKind.declaresStreams.contains(name), let stream = find(known, in: context) {
                return Opened(context: context, stream: stream, containerName: name)
            }
            let stream = try selectStream(context, source: source, declared: declared, limits: limits, head: head)
            return Opened(context: context, stream: stream, containerName: name)
        } catch {
            close(context)
            throw error
        }
    }

    private static func find(
        _ known: ClipSummary, in context: UnsafeMutablePointer<AVFormatContext>
    ) -> UnsafeMutablePointer<AVStream>? {
        let all = streams(of: context)
        guard all.indices.contains(known.streamIndex), all[known.streamIndex].pointee.codecpar.pointee.codec_id == known.codec
        else { return nil }
        for (index, stream) in all.enumerated() where index != known.streamIndex { stream.pointee.discard = AVDISCARD_ALL }
        return all[known.streamIndex]
    }

    private static func probe(
        _ transport: UnsafeMutablePointer<AVIOContext>, acceptsStills: Bool
    ) throws(VideoError) -> UnsafePointer<AVInputFormat> {
        var format: UnsafePointer<AVInputFormat>?
        let score = av_probe_input_buffer2(transport, &format, nil, nil, 0, 1 << 20)
        guard score >= 0, let format else {
            throw VideoError(libav: score, during: "recognising the container", otherwise: .notAVideo)
        }
        let name = String(cString: format.pointee.name)
        // A stream of concatenated JPEGs and a single one look alike to libav's probe; the number of frames tells them apart.
        if name == "jpeg_pipe", let motion = av_find_input_format("mjpeg") { return motion }
        guard ContainerKind.demuxers(withStills: acceptsStills).contains(ContainerKind.shortName(of: name)) else {
            throw ContainerKind.refusal(of: name)
        }
        return format
    }

    private static func open(
        _ transport: UnsafeMutablePointer<AVIOContext>, format: UnsafePointer<AVInputFormat>, source: ClipSource,
        declared: DeclaredLength
    ) throws(VideoError) -> UnsafeMutablePointer<AVFormatContext> {
        guard let created = avformat_alloc_context() else { throw VideoError(.outOfMemory, detail: "format context") }
        created.pointee.pb = transport
        created.pointee.flags |= AVFMT_FLAG_CUSTOM_IO
        created.pointee.protocol_whitelist = av_strdup("")
        let demuxers = ContainerKind.demuxers(withStills: source.acceptsStills)
        let decoders = ContainerKind.decoders(withStills: source.acceptsStills)
        created.pointee.format_whitelist = av_strdup(demuxers.joined(separator: ","))
        created.pointee.codec_whitelist = av_strdup(decoders.joined(separator: ","))
        created.pointee.max_streams = 64
        created.pointee.io_open = { _, _, _, _, _ in whorl_averror_access }
        created.pointee.interrupt_callback.opaque = Unmanaged.passUnretained(source).toOpaque()
        created.pointee.interrupt_callback.callback = { opaque in
            guard let opaque else { return 0 }
            return Unmanaged<ClipSource>.fromOpaque(opaque).takeUnretainedValue().deadline.hasPassed ? 1 : 0
        }
        var context: UnsafeMutablePointer<AVFormatContext>? = created
        let result = avformat_open_input(&context, nil, format, nil)
        guard result >= 0, let context else {
            let isISO = ContainerKind.shortName(of: String(cString: format.pointee.name)) == "mov"
            let isCut = declared.isCut(size: source.size) || (isISO && !declared.hasIndex)
            throw VideoError(libav: result, during: "opening the container", otherwise: isCut ? .truncated : .damaged)
        }
        return context
    }

    private static func selectStream(
        _ context: UnsafeMutablePointer<AVFormatContext>, source: ClipSource, declared: DeclaredLength,
        limits: DecoderLimits, head: [UInt8]
    ) throws(VideoError) -> UnsafeMutablePointer<AVStream> {
        let early = streams(of: context)
        for stream in early where !isVideo(stream) { stream.pointee.discard = AVDISCARD_ALL }
        // Before any frame of it is decoded; among several streams the chosen one is checked below.
        if let only = early.first(where: isVideo), early.filter(isVideo).count == 1 {
            try checkSize(only, limits: limits)
        }
        try findStreamInfo(context, limits: limits)
        let all = streams(of: context)
        for stream in all where !isVideo(stream) { stream.pointee.discard = AVDISCARD_ALL }
        var best: UnsafeMutablePointer<AVStream>?
        for stream in all where isVideo(stream) {
            if let chosen = best, rank(chosen) >= rank(stream) { continue }
            best = stream
        }
        guard let best else {
            if ContainerKind.isPictureBrand(head: head) { throw VideoError(.pictureOnly) }
            if all.contains(where: { $0.pointee.codecpar.pointee.codec_type == AVMEDIA_TYPE_AUDIO }) {
                throw VideoError(.audioOnly)
            }
            if declared.isCut(size: source.size) { throw VideoError(.truncated, detail: LibavLog.text) }
            throw VideoError(all.isEmpty ? .noFrames : .notAVideo, detail: "\(all.count) streams, none is video")
        }
        for stream in all where stream != best { stream.pointee.discard = AVDISCARD_ALL }
        try checkSize(best, limits: limits)
        return best
    }

    private static func findStreamInfo(
        _ context: UnsafeMutablePointer<AVFormatContext>, limits: DecoderLimits
    ) throws(VideoError) {
        // Probing decodes a few frames; max_pixels refuses a bomb before its buffers exist.
        let count = Int(context.pointee.nb_streams)
        var options = [OpaquePointer?](repeating: nil, count: count)
        for index in 0..<count {
            av_dict_set_int(&options[index], "max_pixels", Int64(limits.maxPixels), 0)
            av_dict_set_int(&options[index], "threads", 1, 0)
        }
        defer { for index in 0..<count { av_dict_free(&options[index]) } }
        let result = avformat_find_stream_info(context, &options)
        if result < 0 {
            // Streams that were found on the way had no limit of their own; their size says more than libav does.
            for stream in streams(of: context) where isVideo(stream) { try checkSize(stream, limits: limits) }
            throw VideoError(libav: result, during: "reading stream information", otherwise: .damaged)
        }
    }

    private static func streams(
        of context: UnsafeMutablePointer<AVFormatContext>
    ) -> [UnsafeMutablePointer<AVStream>] {
        (0..<Int(context.pointee.nb_streams)).compactMap { context.pointee.streams[$0] }
    }

    private static func isVideo(_ stream: UnsafeMutablePointer<AVStream>) -> Bool {
        stream.pointee.codecpar.pointee.codec_type == AVMEDIA_TYPE_VIDEO
            && stream.pointee.disposition & (AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS) == 0
    }

    private static func rank(_ stream: UnsafeMutablePointer<AVStream>) -> Int64 {
        let area = Int64(stream.pointee.codecpar.pointee.width) * Int64(stream.pointee.codecpar.pointee.height)
        return area + (stream.pointee.disposition & AV_DISPOSITION_DEFAULT != 0 ? 1 << 40 : 0)
    }

    private static func checkSize(
        _ stream: UnsafeMutablePointer<AVStream>, limits: DecoderLimits
    ) throws(VideoError) {
        let width = Int(stream.pointee.codecpar.pointee.width), height = Int(stream.pointee.codecpar.pointee.height)
        if width > 0 && height > 0 { try limits.check(width: width, height: height) }
    }
}

/// What one more reader of a clip need not find out again.
struct ClipSummary: Sendable {
    var streamIndex: Int
    var codec: AVCodecID
}

/// libav's way to a clip's bytes; outlives the containers that read through it.
private final class Transport {
    let context: UnsafeMutablePointer<AVIOContext>
    private let source: ClipSource

    init(_ source: ClipSource) throws(VideoError) {
        self.source = source
        context = try source.makeContext()
    }

    deinit {
        ClipSource.freeContext(context)
    }

    func rewind() {
        avio_seek(context, 0, SEEK_SET)
    }
}

extension DecoderLimits {
    func check(width: Int, height: Int) throws(VideoError) {
        if width > maxWidth || height > maxHeight || width.multipliedReportingOverflow(by: height).partialValue > maxPixels {
            throw VideoError(
                .dimensionsTooLarge,
                subject: "\(width)×\(height) pixels; at most \(maxWidth)×\(maxHeight) and \(maxPixels) in all")
        }
        if width < minSide || height < minSide {
            throw VideoError(.dimensionsTooSmall, subject: "\(width)×\(height) pixels; at least \(minSide) a side")
        }
    }
}
