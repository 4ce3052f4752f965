import CLibav

/// What H.264 makes of pictures: encoded with libx264 at a constant rate factor and decoded again, in memory, on the calling thread.
///
/// Planes are 4:2:0 of limited range by BT.601, as most clips of this size have them; pictures of odd sides are encoded with their last column and
/// row repeated. The same pictures give the same bytes on every machine with the same libav and libx264. Safe to use from any thread.
public struct H264RoundTrip: Sendable, Equatable {
    /// libx264's presets, from the least to the most work.
    public enum Preset: String, Codable, Sendable, CaseIterable {
        case ultrafast, superfast, veryfast, faster, fast, medium
    }

    /// More frames than this are not one short run.
    public static let mostFrames = 256

    /// From 0 (no loss) to 51 (coarse).
    public let crf: Int
    public let preset: Preset

    /// A rate factor outside 0...51 is moved to the nearer end.
    public init(crf: Int, preset: Preset = .veryfast) {
        self.crf = min(51, max(0, crf))
        self.preset = preset
    }

    /// One picture as a clip's only frame; throws `encoding_failed`.
    public func still(_ picture: RGBImage) throws(VideoError) -> RGBImage {
        try stills([picture])[0]
    }

    /// Each picture as a clip of its own; throws `encoding_failed`.
    ///
    /// The decoder and the conversions are shared where pictures are of one size. The encoder is not: its rate control remembers what it has seen,
    /// and a picture must not depend on the one before it.
    public func stills(_ pictures: [RGBImage]) throws(VideoError) -> [RGBImage] {
        let decoder = try PacketDecoder(AV_CODEC_ID_H264)
        var conversion: YUVConversion?
        var results: [RGBImage] = []
        for picture in pictures {
            let fitting = try Self.conversion(for: picture, reusing: conversion)
            conversion = fitting
            let packets = try encode([picture], with: fitting, isStill: true)
            results += try decode(packets, with: decoder, fitting, width: picture.width, height: picture.height)
            guard results.count <= pictures.count else { break }
        }
        return try Self.counted(results, pictures.count)
    }

    /// Frames of one clip, 25 a second, as one stream with predicted frames; all of one size, 1...256 of them; throws `encoding_failed`.
    public func clip(_ frames: [RGBImage]) throws(VideoError) -> [RGBImage] {
        guard let first = frames.first, frames.count <= Self.mostFrames else {
            throw VideoError(.encodingFailed, subject: "\(frames.count) frames; 1 to \(Self.mostFrames) make a short clip")
        }
        guard frames.allSatisfy({ $0.width == first.width && $0.height == first.height }) else {
            throw VideoError(.encodingFailed, subject: "frames of several sizes in one clip")
        }
        let conversion = try Self.conversion(for: first, reusing: nil)
        let packets = try encode(frames, with: conversion, isStill: false)
        let decoder = try PacketDecoder(AV_CODEC_ID_H264)
        return try Self.counted(
            try decode(packets, with: decoder, conversion, width: first.width, height: first.height), frames.count)
    }

    private static func conversion(for picture: RGBImage, reusing last: YUVConversion?) throws(VideoError) -> YUVConversion {
        guard max(picture.width, picture.height) <= 4_096 else {
            throw VideoError(.encodingFailed, subject: "\(picture.width)×\(picture.height) pixels; at most 4096 a side")
        }
        let (width, height) = (picture.width + picture.width % 2, picture.height + picture.height % 2)
        if let last, last.width == width, last.height == height { return last }
        return YUVConversion(width: width, height: height, format: AV_PIX_FMT_YUV420P, isFullRange: false)
    }

    private static func counted(_ results: [RGBImage], _ count: Int) throws(VideoError) -> [RGBImage] {
        guard results.count == count else {
            throw VideoError(.encodingFailed, detail: "\(count) pictures encoded as H.264, \(results.count) decoded")
        }
        return results
    }

    private func encode(_ pictures: [RGBImage], with conversion: YUVConversion, isStill: Bool) throws(VideoError) -> [[UInt8]] {
        // libx264's tree of macroblocks (core 164) reads memory that nothing has written: with it, streams with cuts come out one way or another.
        var options = ["preset": preset.rawValue, "crf": "\(crf)", "mbtree": "0"]
        // Some of its searches are chosen by the CPU unless it is told that results matter more.
        options["x264-params"] = "cpu-independent=1"
        // Neither looks ahead nor reorders, which one picture has no use for.
        if isStill { options["tune"] = "zerolatency" }
        return try PictureEncoder.encodeStream(
            with: "libx264", format: AV_PIX_FMT_YUV420P, width: conversion.width, height: conversion.height, options: options,
            configure: { context in
                context.pointee.time_base = AVRational(num: 1, den: 25)
                context.pointee.framerate = AVRational(num: 25, den: 1)
                context.pointee.color_range = AVCOL_RANGE_MPEG
                context.pointee.colorspace = AVCOL_SPC_SMPTE170M
            },
            count: pictures.count,
            fill: { index, frame throws(VideoError) in try conversion.write(pictures[index], into: frame) })
    }

    private func decode(
        _ packets: [[UInt8]], with decoder: PacketDecoder, _ conversion: YUVConversion, width: Int, height: Int
    ) throws(VideoError) -> [RGBImage] {
        var pictures: [RGBImage] = []
        try decoder.decode(packets) { frame throws(VideoError) in
            pictures.append(try conversion.read(frame, width: width, height: height))
        }
        return pictures
    }
}
