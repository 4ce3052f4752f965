import CLibav
import JobModel

/// What a decode learns about a clip on its way, and what becomes of it in the answer.
struct ClipFacts {
    /// The first frame's.
    var geometry: DisplayGeometry
    var frameCount: Int
    /// From the first frame to the last, in seconds.
    var lastSeconds: Double
    /// How long the last frame is shown, in seconds; 0 when unknown.
    var lastDuration: Double
    /// One frame's at the average rate, in seconds.
    var secondsPerFrame: Double

    func info(container: String, codec: String) -> VideoInfo {
        let isKnown = lastDuration > 0 && lastDuration < 3_600
        return VideoInfo(
            container: container, codec: codec, width: geometry.displayedWidth, height: geometry.displayedHeight,
            durationSeconds: lastSeconds + (isKnown ? lastDuration : secondsPerFrame), frameCount: frameCount,
            averageFrameRate: frameCount > 1 && lastSeconds > 0 ? Double(frameCount - 1) / lastSeconds : 1 / secondsPerFrame,
            rotationDegrees: geometry.orientation.rotationDegrees, isMirrored: geometry.orientation.isMirrored,
            sampleAspectRatio: geometry.displayedAspect)
    }
}

extension SamplingRequest {
    /// The sizes of a frame's pictures.
    func sizes(_ geometry: DisplayGeometry) -> [DecoderRecord.Size] {
        pictures.map { picture in
            switch picture {
            case .squeezed(let width, let height): return DecoderRecord.Size(width: width, height: height)
            case .fitted(let maxWidth, let maxHeight):
                let size = geometry.fittedSize(maxWidth: maxWidth, maxHeight: maxHeight)
                return DecoderRecord.Size(width: size.width, height: size.height)
            case .source: return DecoderRecord.Size(width: geometry.displayedWidth, height: geometry.displayedHeight)
            }
        }
    }
}

/// A decoder's converters, one for each picture of a frame, so that none is set up anew for every frame.
final class FrameDelivery {
    private let request: SamplingRequest
    private let outlet: FrameOutlet
    private let converters: [FrameConverter]

    init(_ request: SamplingRequest, outlet: FrameOutlet) {
        self.request = request
        self.outlet = outlet
        converters = request.pictures.map { _ in FrameConverter() }
    }

    /// Converts a decoded frame into the ring.
    func deliver(
        _ frame: UnsafeMutablePointer<AVFrame>, geometry: DisplayGeometry, sample: Int, number: Int, seconds: Double
    ) throws(VideoError) {
        let sizes = request.sizes(geometry)
        try outlet.deliver(sample: sample, number: number, seconds: seconds, pictures: sizes) { index, memory, rowBytes throws(VideoError) in
            try converters[index].convert(
                frame, orientation: geometry.orientation, to: sizes[index], memory: memory, rowBytes: rowBytes)
        }
    }
}
