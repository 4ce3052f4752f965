import NeuralCore
import Video

/// Compression that was drawn for a picture or a clip; real and fake get the same.
struct CompressionChange: Sendable {
    private enum Kind {
        case none, h264, jpeg
    }

    private let kind: Kind
    private let h264: H264RoundTrip
    private let jpeg: JPEGRoundTrip

    init(_ settings: BlendSettings.Compression, random: inout SeededRandom) {
        let draw = random.uniform()
        kind = draw <= settings.h264Share ? .h264 : draw <= settings.h264Share + settings.jpegShare ? .jpeg : .none
        h264 = H264RoundTrip(crf: random.integer(settings.crf), preset: settings.preset)
        jpeg = JPEGRoundTrip(quality: random.integer(settings.jpegQuality))
    }

    /// Each picture by itself.
    func stills(_ pictures: [RGBImage]) throws(AugmentationError) -> [RGBImage] {
        do {
            switch kind {
            case .none: return pictures
            case .h264: return try h264.stills(pictures)
            case .jpeg: return try jpeg.stills(pictures)
            }
        } catch {
            throw .video(error)
        }
    }

    /// Frames of one size as one stream.
    func clip(_ frames: [RGBImage]) throws(AugmentationError) -> [RGBImage] {
        guard kind != .none else { return frames }
        do {
            return try h264.clip(frames)
        } catch {
            throw .video(error)
        }
    }
}

extension SeededRandom {
    /// Within the range, uniformly.
    mutating func integer(_ range: ClosedRange<Int>) -> Int { range.lowerBound + index(below: range.count) }
}
