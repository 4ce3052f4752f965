import CLibav

/// Turns decoded frames into RGB24 of one size; the scaler is rebuilt when the source's size, format or colours change.
final class FrameConverter {
    private var scaler: OpaquePointer?
    private var scratch: UnsafeMutableRawPointer?
    private var scratchBytes = 0
    private var toneMap: (kind: ToneMap.Kind, map: ToneMap)?

    deinit {
        sws_freeContext(scaler)
        scratch?.deallocate()
    }

    /// Writes `frame` as a displayed picture of `size` into `memory`, rows of `rowBytes` bytes (`FrameLayout`): scaled with swscale (bilinear,
    /// accurate rounding, bit-exact), brought to BT.709's range and gamut where it is wider, then turned as `orientation` says.
    ///
    /// An interlaced frame that is scaled is read from its first field alone: two moments in one picture would comb. No other frame plays a part.
    func convert(
        _ frame: UnsafeMutablePointer<AVFrame>, orientation: Orientation, to size: DecoderRecord.Size,
        memory: UnsafeMutableRawPointer, rowBytes: Int
    ) throws(VideoError) {
        let coded = orientation.isTransposed ? DecoderRecord.Size(width: size.height, height: size.width) : size
        let source = SourceLines(frame, target: coded)
        let isPlain = orientation == Orientation()
        let kind = ToneMap.Kind(frame)
        if isPlain && kind == nil {
            return try scale(frame, source, to: memory, AV_PIX_FMT_RGB24, stride: rowBytes, coded)
        }
        let samples = kind == nil ? 1 : 2
        let stride = FrameLayout.rowBytes(width: coded.width) * samples
        let target = try reserve(bytes: stride * coded.height + 64)
        try scale(frame, source, to: target, kind == nil ? AV_PIX_FMT_RGB24 : AV_PIX_FMT_RGB48LE, stride: stride, coded)
        if let kind { map(kind).apply(to: target, stride: stride, width: coded.width, height: coded.height) }
        Self.orient(target, stride: stride, orientation: orientation, to: memory, rowBytes: rowBytes, size)
    }

    private func scale(
        _ frame: UnsafeMutablePointer<AVFrame>, _ source: SourceLines, to target: UnsafeMutableRawPointer,
        _ targetFormat: AVPixelFormat, stride: Int, _ size: DecoderRecord.Size
    ) throws(VideoError) {
        let format = Self.layout(of: frame)
        scaler = sws_getCachedContext(
            scaler, frame.pointee.width, source.height, format, Int32(size.width), Int32(size.height), targetFormat,
            whorl_scale_flags, nil, nil, nil)
        guard let scaler else {
            throw VideoError(.damaged, detail: "no scaler for pixel format \(frame.pointee.format)")
        }
        let coefficients = sws_getCoefficients(Self.matrix(of: frame))
        // A negative result means that the format has no YUV matrix to set, which is right for RGB and grey.
        _ = sws_setColorspaceDetails(
            scaler, coefficients, Self.isFullRange(frame) ? 1 : 0, sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16,
            1 << 16)
        let targets: [UnsafeMutablePointer<UInt8>?] = [target.assumingMemoryBound(to: UInt8.self), nil, nil, nil]
        let rows = sws_scale(scaler, source.planes, source.strides, 0, source.height, targets, [Int32(stride), 0, 0, 0])
        guard rows == size.height else {
            throw VideoError(libav: min(rows, -1), during: "scaling a frame", otherwise: .damaged)
        }
    }

    private func map(_ kind: ToneMap.Kind) -> ToneMap {
        if let toneMap, toneMap.kind == kind { return toneMap.map }
        let map = ToneMap(kind)
        toneMap = (kind, map)
        return map
    }

    private func reserve(bytes: Int) throws(VideoError) -> UnsafeMutableRawPointer {
        if let scratch, scratchBytes >= bytes { return scratch }
        scratch?.deallocate()
        let fresh = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        fresh.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        scratch = fresh
        scratchBytes = bytes
        return fresh
    }

    private static func orient(
        _ source: UnsafeMutableRawPointer, stride: Int, orientation: Orientation, to target: UnsafeMutableRawPointer,
        rowBytes: Int, _ size: DecoderRecord.Size
    ) {
        let bytes = source.assumingMemoryBound(to: UInt8.self), result = target.assumingMemoryBound(to: UInt8.self)
        for y in 0..<size.height {
            let sourceY = orientation.flipsVertically ? size.height - 1 - y : y
            for x in 0..<size.width {
                let sourceX = orientation.flipsHorizontally ? size.width - 1 - x : x
                let at = orientation.isTransposed ? sourceX * stride + sourceY * 3 : sourceY * stride + sourceX * 3
                let to = y * rowBytes + x * 3
                result[to] = bytes[at]
                result[to + 1] = bytes[at + 1]
                result[to + 2] = bytes[at + 2]
            }
        }
    }

    /// The frame's own matrix, or by the old rule of players BT.709 from 720 lines up and BT.601 below.
    private static func matrix(of frame: UnsafeMutablePointer<AVFrame>) -> Int32 {
        switch frame.pointee.colorspace {
        case AVCOL_SPC_BT709: SWS_CS_ITU709
        case AVCOL_SPC_FCC: SWS_CS_FCC
        case AVCOL_SPC_BT470BG, AVCOL_SPC_SMPTE170M: SWS_CS_ITU601
        case AVCOL_SPC_SMPTE240M: SWS_CS_SMPTE240M
        case AVCOL_SPC_BT2020_NCL, AVCOL_SPC_BT2020_CL: SWS_CS_BT2020
        default: frame.pointee.height >= 720 ? SWS_CS_ITU709 : SWS_CS_ITU601
        }
    }

    private static func isFullRange(_ frame: UnsafeMutablePointer<AVFrame>) -> Bool {
        layout(of: frame).rawValue != frame.pointee.format || frame.pointee.color_range == AVCOL_RANGE_JPEG
    }

    /// The pixel format without the full range that libav's deprecated "J" formats carry in their names.
    private static func layout(of frame: UnsafeMutablePointer<AVFrame>) -> AVPixelFormat {
        let format = AVPixelFormat(frame.pointee.format)
        return switch format {
        case AV_PIX_FMT_YUVJ420P: AV_PIX_FMT_YUV420P
        case AV_PIX_FMT_YUVJ422P: AV_PIX_FMT_YUV422P
        case AV_PIX_FMT_YUVJ444P: AV_PIX_FMT_YUV444P
        case AV_PIX_FMT_YUVJ440P: AV_PIX_FMT_YUV440P
        case AV_PIX_FMT_YUVJ411P: AV_PIX_FMT_YUV411P
        default: format
        }
    }
}

/// The rows of a frame that a picture is made of: all of them, or every second one of an interlaced frame that is scaled.
private struct SourceLines {
    var planes: [UnsafePointer<UInt8>?]
    var strides: [Int32]
    var height: Int32

    init(_ frame: UnsafeMutablePointer<AVFrame>, target: DecoderRecord.Size) {
        planes = withUnsafeBytes(of: &frame.pointee.data) { bytes in
            (0..<4).map { UnsafePointer(bytes.bindMemory(to: UnsafeMutablePointer<UInt8>?.self)[$0]) }
        }
        strides = withUnsafeBytes(of: &frame.pointee.linesize) { bytes in
            (0..<4).map { bytes.bindMemory(to: Int32.self)[$0] }
        }
        height = frame.pointee.height
        let isUnscaled = target.width == Int(frame.pointee.width) && target.height == Int(height)
        guard frame.pointee.interlaced_frame != 0, !isUnscaled, height % 4 == 0, Self.hasPlanes(frame) else { return }
        if frame.pointee.top_field_first == 0 {
            for plane in 0..<4 { planes[plane] = planes[plane].map { $0 + Int(strides[plane]) } }
        }
        strides = strides.map { $0 * 2 }
        height /= 2
    }

    /// A palette's second plane has no rows.
    private static func hasPlanes(_ frame: UnsafeMutablePointer<AVFrame>) -> Bool {
        guard let format = av_pix_fmt_desc_get(AVPixelFormat(frame.pointee.format)) else { return false }
        return format.pointee.flags & UInt64(AV_PIX_FMT_FLAG_PAL) == 0
    }
}
