import Analysis
import Detector
import Foundation
import JobModel
import DetectionMetrics
import Video

/// Judges clips with the code that serves: the worker's and the command line's.
public struct ClipJudge: Sendable {
    /// What became of a clip.
    public struct Outcome: Sendable {
        public var judged: JudgedClip
        /// nil when there is no verdict.
        public var analysis: ClipAnalysis?
    }

    private let analyzer: ClipAnalyzer
    private let sampling: Sampling

    /// - Parameter region: the model's, from its card.
    public init(detector: ResNetDetector, region: AnalysisRegion, decoder: DecoderProcess, sampling: Sampling) {
        analyzer = ClipAnalyzer(detector: detector, region: region, decoder: decoder)
        self.sampling = sampling
    }

    /// Judges a clip's file, or that at `path` in its stead, up to `endSeconds` where given.
    ///
    /// A clip that cannot be judged is an outcome, with its reason. Throws only what would stop every other clip too.
    public func judge(
        _ clip: EvaluationClip, at path: String? = nil, endSeconds: Double? = nil
    ) async throws(EvaluationError) -> Outcome {
        let path = path ?? clip.path
        // O_NONBLOCK: a named pipe must be refused, not waited for.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else {
            return Outcome(judged: JudgedClip(clip: clip, failure: JobError(code: "unreadable_input", message: String(cString: strerror(errno)))))
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            return Outcome(judged: JudgedClip(clip: clip, failure: JobError(code: "unreadable_input", message: "it is not a regular file")))
        }
        var sampling = sampling
        if let endSeconds { sampling.endSeconds = min(endSeconds, sampling.endSeconds ?? endSeconds) }
        do throws(JobFailure) {
            let analysis = try await analyzer.analyze(fileDescriptor: descriptor, sha256: clip.sha256 ?? "", options: JobOptions(sampling: sampling))
            var judged = JudgedClip(clip: clip, bytes: Int(status.st_size), verdict: analysis.verdict)
            judged.sharpness = Percentile.median(analysis.deciding.compactMap(\.sharpness))
            return Outcome(judged: judged, analysis: analysis)
        } catch {
            guard error.disposition != .stop else { throw .failed(error) }
            return Outcome(judged: JudgedClip(clip: clip, failure: JobError(error)))
        }
    }
}

extension ClipAnalysis {
    /// The evidence of the track that decided, in order of its frames.
    var deciding: [FrameEvidence] {
        guard let decidedBy = verdict.decidedBy else { return [] }
        let track = verdict.tracks[decidedBy].track
        return evidence.filter { $0.track == track }
    }
}

extension FrameEvidence {
    /// How sharp what the network saw is.
    fileprivate var sharpness: Double? {
        let picture = face?.picture ?? self.picture
        let quality = picture.withView { view in
            FaceQuality(
                pixels: view.pixels, width: view.width, height: view.height, rowBytes: view.rowBytes, x: 0, y: 0,
                boxWidth: Float(view.width), boxHeight: Float(view.height))
        }
        return quality.map { Double($0.sharpness) }
    }
}
