import CLibav

/// Turns decoded frames into RGB24 of one size; the scaler is rebuilt when the source's size, format or colours change.
final class FrameConverter {
    private var scaler: OpaquePointer?
    private var scratch: UnsafeMutableRawPointer?
    private var scratchBytes = 0

    deinit {
        sws_freeContext(scaler)
        scratch?.deallocate()
    }

    /// `frame` as a displayed picture of `width`×`height`: scaled with swscale (bilinear, accurate rounding, bit-exact), then
    /// turned as `orientation` says.
    func convert(
        _ frame: UnsafeMutablePointer<AVFrame>, orientation: Orientation, width: Int, height: Int
    ) throws(VideoError) -> RGBImage {
        let codedWidth = orientation.isTransposed ? height : width
        let codedHeight = orientation.isTransposed ? width : height
        // swscale's vector code may write past a row's end, so rows are padded and the picture is copied out of them.
        let stride = (codedWidth * 3 + 127) / 64 * 64
        let target = try reserve(bytes: stride * codedHeight + 64)
        try scale(frame, into: target, stride: stride, width: codedWidth, height: codedHeight)
        return Self.oriented(target, stride: stride, orientation: orientation, width: width, height: height)
    }

    private func scale(
        _ frame: UnsafeMutablePointer<AVFrame>, into target: UnsafeMutableRawPointer, stride: Int, width: Int, height: Int
    ) throws(VideoError) {
        let format = Self.layout(of: frame)
        scaler = sws_getCachedContext(
            scaler, frame.pointee.width, frame.pointee.height, format, Int32(width), Int32(height), AV_PIX_FMT_RGB24,
            whorl_scale_flags, nil, nil, nil)
        guard let scaler else {
            throw VideoError(.damaged, detail: "no scaler for pixel format \(frame.pointee.format)")
        }
        let coefficients = sws_getCoefficients(Self.matrix(of: frame))
        // A negative result means that the format has no YUV matrix to set, which is right for RGB and grey.
        _ = sws_setColorspaceDetails(
            scaler, coefficients, Self.isFullRange(frame) ? 1 : 0, sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16,
            1 << 16)
        let planes = withUnsafeBytes(of: &frame.pointee.data) { bytes in
            (0..<4).map { UnsafePointer(bytes.bindMemory(to: UnsafeMutablePointer<UInt8>?.self)[$0]) }
        }
        let strides = withUnsafeBytes(of: &frame.pointee.linesize) { bytes in
            (0..<4).map { bytes.bindMemory(to: Int32.self)[$0] }
        }
        let targets: [UnsafeMutablePointer<UInt8>?] = [target.assumingMemoryBound(to: UInt8.self), nil, nil, nil]
        let rows = sws_scale(scaler, planes, strides, 0, frame.pointee.height, targets, [Int32(stride), 0, 0, 0])
        guard rows == height else {
            throw VideoError(libav: min(rows, -1), during: "scaling a frame", otherwise: .damaged)
        }
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

    private static func oriented(
        _ source: UnsafeMutableRawPointer, stride: Int, orientation: Orientation, width: Int, height: Int
    ) -> RGBImage {
        let pixels = [UInt8](unsafeUninitializedCapacity: width * height * 3) { buffer, count in
            count = width * height * 3
            if orientation == Orientation() {
                for y in 0..<height {
                    let row = UnsafeRawBufferPointer(start: source + y * stride, count: width * 3)
                    UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[(y * width * 3)...])
                        .copyMemory(from: row)
                }
                return
            }
            let bytes = source.assumingMemoryBound(to: UInt8.self)
            for y in 0..<height {
                let sourceY = orientation.flipsVertically ? height - 1 - y : y
                for x in 0..<width {
                    let sourceX = orientation.flipsHorizontally ? width - 1 - x : x
                    let at = orientation.isTransposed ? sourceX * stride + sourceY * 3 : sourceY * stride + sourceX * 3
                    let to = (y * width + x) * 3
                    buffer[to] = bytes[at]
                    buffer[to + 1] = bytes[at + 1]
                    buffer[to + 2] = bytes[at + 2]
                }
            }
        }
        return RGBImage(width: width, height: height, pixels: pixels)
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
