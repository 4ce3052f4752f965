import Detector
import JobModel
import Video

/// What is kept of a whole frame that is judged as it is.
struct FrameMaterial: Sendable {
    /// The network's input: RGB of 224 × 224 pixels.
    let input: [UInt8]
    /// The frame at display aspect, for people.
    let picture: RGBImage

    static func request(_ sampling: Sampling, pictures: PictureOptions) -> SamplingRequest {
        let side = ResNetDetector.inputSize
        return SamplingRequest(
            sampling: sampling,
            pictures: [.squeezed(width: side, height: side), .fitted(maxWidth: pictures.side, maxHeight: pictures.side)])
    }

    init(_ frame: FrameView) {
        input = frame.pictures[0].copied().pixels
        picture = frame.pictures[1].copied()
    }
}
