import CLibav

/// RGB24 pictures of one size into YUV planes and back, by the matrix of BT.601 and with the scaler's settings that decoding uses. One owner.
final class YUVConversion {
    /// Of the planes, in pixels.
    let width: Int
    let height: Int
    private let format: AVPixelFormat
    private let isFullRange: Bool
    private var toPlanes: OpaquePointer?
    private var toPixels: OpaquePointer?
    /// swscale's vector code reads and writes some bytes past the last row.
    private var rows: [UInt8]

    /// Planes of `format`, one of the layouts without a range in its name; `isFullRange` says whether luma is 0…255 or 16…235.
    init(width: Int, height: Int, format: AVPixelFormat, isFullRange: Bool) {
        self.width = width
        self.height = height
        self.format = format
        self.isFullRange = isFullRange
        rows = [UInt8](repeating: 0, count: width * height * 3 + 64)
    }

    deinit {
        sws_freeContext(toPlanes)
        sws_freeContext(toPixels)
    }

    /// Writes a picture into a frame of this size; where the picture is smaller, its last column and row repeat.
    func write(_ image: RGBImage, into frame: UnsafeMutablePointer<AVFrame>) throws(VideoError) {
        precondition(image.width <= width && image.height <= height, "a picture larger than its frame")
        copyRows(of: image)
        if toPlanes == nil { toPlanes = try scaler(from: AV_PIX_FMT_RGB24, fullRange: true, to: format, fullRange: isFullRange) }
        let (targets, strides) = Self.planes(of: frame)
        let stride = Int32(width * 3), height = Int32(height)
        let count = rows.withUnsafeBufferPointer { pixels in
            sws_scale(toPlanes, [pixels.baseAddress, nil, nil, nil], [stride, 0, 0, 0], 0, height, targets, strides)
        }
        guard count == height else { throw VideoError(.encodingFailed, detail: "sws_scale to YUV gave \(count) of \(height) rows") }
    }

    /// The upper left part of a frame of this size as a picture.
    func read(_ frame: UnsafeMutablePointer<AVFrame>, width newWidth: Int, height newHeight: Int) throws(VideoError) -> RGBImage {
        guard Int(frame.pointee.width) == width, Int(frame.pointee.height) == height else {
            throw VideoError(
                .encodingFailed, detail: "a picture of \(width)×\(height) came back as \(frame.pointee.width)×\(frame.pointee.height)")
        }
        if toPixels == nil { toPixels = try scaler(from: format, fullRange: isFullRange, to: AV_PIX_FMT_RGB24, fullRange: true) }
        let (planes, strides) = Self.planes(of: frame)
        let stride = width * 3, height = height
        let count = rows.withUnsafeMutableBufferPointer { pixels in
            sws_scale(
                toPixels, planes.map { UnsafePointer($0) }, strides, 0, Int32(height), [pixels.baseAddress, nil, nil, nil], [Int32(stride), 0, 0, 0])
        }
        guard count == height else { throw VideoError(.encodingFailed, detail: "sws_scale to RGB gave \(count) of \(height) rows") }
        let pixels = [UInt8](unsafeUninitializedCapacity: newWidth * newHeight * 3) { buffer, filled in
            filled = newWidth * newHeight * 3
            rows.withUnsafeBytes { source in
                let target = UnsafeMutableRawBufferPointer(buffer)
                for y in 0..<newHeight {
                    UnsafeMutableRawBufferPointer(rebasing: target[y * newWidth * 3..<(y + 1) * newWidth * 3])
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[y * stride..<y * stride + newWidth * 3]))
                }
            }
        }
        return RGBImage(width: newWidth, height: newHeight, pixels: pixels)
    }

    private func copyRows(of image: RGBImage) {
        let length = image.width * 3, stride = width * 3
        rows.withUnsafeMutableBytes { target in
            image.pixels.withUnsafeBytes { source in
                for y in 0..<height {
                    let from = min(y, image.height - 1) * length
                    UnsafeMutableRawBufferPointer(rebasing: target[y * stride..<y * stride + length])
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[from..<from + length]))
                    for x in length..<max(stride, length) { target[y * stride + x] = target[y * stride + x - 3] }
                }
            }
        }
    }

    private func scaler(
        from source: AVPixelFormat, fullRange sourceIsFull: Bool, to target: AVPixelFormat, fullRange targetIsFull: Bool
    ) throws(VideoError) -> OpaquePointer {
        let (width, height) = (Int32(width), Int32(height))
        let scaler = sws_getContext(width, height, source, width, height, target, whorl_scale_flags, nil, nil, nil)
        guard let scaler else { throw VideoError(.encodingFailed, detail: "no scaler between RGB and YUV") }
        let matrix = sws_getCoefficients(SWS_CS_ITU601)
        let result = sws_setColorspaceDetails(
            scaler, matrix, sourceIsFull ? 1 : 0, matrix, targetIsFull ? 1 : 0, 0, 1 << 16, 1 << 16)
        guard result >= 0 else {
            sws_freeContext(scaler)
            throw VideoError(.encodingFailed, detail: "no matrix between RGB and YUV")
        }
        return scaler
    }

    private static func planes(of frame: UnsafeMutablePointer<AVFrame>) -> ([UnsafeMutablePointer<UInt8>?], [Int32]) {
        let data = withUnsafeBytes(of: &frame.pointee.data) { bytes in
            (0..<4).map { bytes.bindMemory(to: UnsafeMutablePointer<UInt8>?.self)[$0] }
        }
        let strides = withUnsafeBytes(of: &frame.pointee.linesize) { bytes in
            (0..<4).map { bytes.bindMemory(to: Int32.self)[$0] }
        }
        return (data, strides)
    }
}
