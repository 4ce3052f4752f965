import CLibav

/// What JPEG makes of a picture: encoded and decoded again, in memory, on the calling thread; safe to use from any.
///
/// Colour is stored for four pixels at once (4:2:0), and `quality` is libjpeg's, which Pillow, OpenCV and most programs use: its tables are those of
/// ITU-T T.81, annex K, scaled as libjpeg scales them. Only the step of a block's mean is libavcodec's own, 8 at any quality.
public struct JPEGRoundTrip: Sendable, Equatable {
    /// From 1 (coarse) to 100 (fine).
    public let quality: Int

    /// A quality outside 1...100 is moved to the nearer end.
    public init(quality: Int) {
        self.quality = min(100, max(1, quality))
    }

    /// One picture; throws `encoding_failed`.
    public func still(_ picture: RGBImage) throws(VideoError) -> RGBImage {
        try stills([picture])[0]
    }

    /// Each picture by itself; throws `encoding_failed`.
    public func stills(_ pictures: [RGBImage]) throws(VideoError) -> [RGBImage] {
        let decoder = try PacketDecoder(AV_CODEC_ID_MJPEG)
        var conversion: YUVConversion?
        var results: [RGBImage] = []
        for picture in pictures {
            let fitting: YUVConversion
            if let conversion, conversion.width == picture.width, conversion.height == picture.height {
                fitting = conversion
            } else {
                fitting = YUVConversion(width: picture.width, height: picture.height, format: AV_PIX_FMT_YUV420P, isFullRange: true)
            }
            conversion = fitting
            let bytes = try encode(picture, with: fitting)
            var decoded: RGBImage?
            try decoder.decode([bytes]) { frame throws(VideoError) in
                decoded = try fitting.read(frame, width: picture.width, height: picture.height)
            }
            guard let decoded else { throw VideoError(.encodingFailed, detail: "a picture encoded as JPEG did not decode") }
            results.append(decoded)
        }
        return results
    }

    /// The file's bytes, which a test reads with another program.
    package func encode(_ picture: RGBImage) throws(VideoError) -> [UInt8] {
        try encode(
            picture, with: YUVConversion(width: picture.width, height: picture.height, format: AV_PIX_FMT_YUV420P, isFullRange: true))
    }

    private func encode(_ picture: RGBImage, with conversion: YUVConversion) throws(VideoError) -> [UInt8] {
        try PictureEncoder.encode(
            with: "mjpeg", format: AV_PIX_FMT_YUVJ420P, width: picture.width, height: picture.height,
            configure: { context in
                context.pointee.color_range = AVCOL_RANGE_JPEG
                context.pointee.flags |= AV_CODEC_FLAG_QSCALE
                context.pointee.qmin = 1
                context.pointee.qmax = 31
                // libavcodec multiplies a table with its scale and divides by eight.
                context.pointee.global_quality = Int32(whorl_lambda_per_quantiser) * 8
                context.pointee.dct_algo = FF_DCT_INT
                context.pointee.intra_matrix = table(Self.luma)
                context.pointee.chroma_intra_matrix = table(Self.chroma)
            },
            fill: { frame throws(VideoError) in try conversion.write(picture, into: frame) })
    }

    /// A table in libav's memory, which the context frees; nil without memory, and then the encoder's own table serves.
    private func table(_ base: [UInt16]) -> UnsafeMutablePointer<UInt16>? {
        guard let memory = av_malloc(base.count * MemoryLayout<UInt16>.size) else { return nil }
        let table = memory.bindMemory(to: UInt16.self, capacity: base.count)
        let percent = quality < 50 ? 5_000 / quality : 200 - 2 * quality
        for (index, value) in base.enumerated() { table[index] = UInt16(min(255, max(1, (Int(value) * percent + 50) / 100))) }
        return table
    }

    /// ITU-T T.81, table K.1, row by row.
    private static let luma: [UInt16] = [
        16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
        18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
    ]

    /// Table K.2.
    private static let chroma: [UInt16] = [
        17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    ]
}
