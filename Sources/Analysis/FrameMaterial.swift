import Detector
import JobModel
import Video

/// What is kept of a whole frame that is judged as it is.
struct FrameMaterial: Sendable {
    /// Longest side of the picture for people, in pixels.
    static let pictureSide = 480

    /// The network's input: RGB of 224 × 224 pixels.
    let input: [UInt8]
    /// The frame at display aspect, at most `pictureSide` a side.
    let picture: RGBImage

    static func request(_ sampling: Sampling) -> SamplingRequest {
        let side = ResNetDetector.inputSize
        return SamplingRequest(
            sampling: sampling,
            pictures: [.squeezed(width: side, height: side), .fitted(maxWidth: pictureSide, maxHeight: pictureSide)])
    }

    init(_ frame: FrameView) {
        input = frame.pictures[0].copied().pixels
        picture = frame.pictures[1].copied()
    }
}
