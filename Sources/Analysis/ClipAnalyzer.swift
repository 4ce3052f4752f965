import Detector
import Foundation
import JobModel
import NeuralCore
import ThreadExecutor
import Video

/// Video in, verdict and evidence out: the same code for worker, command line and training.
///
/// An actor on a thread of its own, since the forward blocks for a good part of a second. A worker makes one for each job that
/// it runs; all share one network.
public actor ClipAnalyzer {
    /// Names the way from bytes to verdict; two verdicts of one version, model, precision and clip are equal.
    public static let version = "1"

    private let detector: @Sendable () async throws -> ResNetDetector
    private let decoder: DecoderProcess
    private let executor = ThreadExecutor(name: "whorl-analyze")

    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    public init(detector: ResNetDetector, decoder: DecoderProcess) {
        self.init(decoder: decoder) { detector }
    }

    /// An analyzer that asks for its network once a clip is decoded, so that the two can be made ready side by side.
    public init(decoder: DecoderProcess, detector: @escaping @Sendable () async throws -> ResNetDetector) {
        self.detector = detector
        self.decoder = decoder
    }

    /// Judges the clip behind a descriptor that the caller opened and closes.
    ///
    /// - Parameters:
    ///   - sha256: of the clip's bytes, hex, for the verdict.
    ///   - progress: told the stage and its share done, 0…1; called from other threads.
    /// - Throws: `JobFailure`, whose disposition says whether the clip or we are at fault.
    public func analyze(
        fileDescriptor: Int32, sha256: String, options: JobOptions,
        progress: @escaping @Sendable (JobStage, Double) -> Void = { _, _ in }
    ) async throws(JobFailure) -> ClipAnalysis {
        let decodeStart = ContinuousClock.now
        let sampled: SampledVideo<FrameMaterial>
        do throws(VideoError) {
            sampled = try await decoder.sample(
                fileDescriptor: fileDescriptor, request: FrameMaterial.request(options.sampling),
                progress: { progress(.decoding, $0) }, keep: { FrameMaterial($0) })
        } catch {
            throw JobFailure(error)
        }
        let decodeEnd = ContinuousClock.now
        progress(.classifying, 0)
        let detector: ResNetDetector
        do {
            detector = try await self.detector()
        } catch {
            throw JobFailure(code: "network_failed", message: "the network could not be loaded: \(error)", disposition: .stop)
        }
        let forwardStart = ContinuousClock.now
        let output: DetectorOutput
        do throws(DetectorError) {
            output = try detector.evaluate(frames: sampled.frames.map(\.kept.input))
        } catch {
            throw JobFailure(error)
        }
        let end = ContinuousClock.now
        let timings = Verdict.Timings(
            decodeMilliseconds: (decodeEnd - decodeStart).milliseconds,
            forwardMilliseconds: (end - forwardStart).milliseconds, drawMilliseconds: 0)
        return ClipAnalysis(
            verdict: verdict(of: sampled, output, by: detector, sha256: sha256, sampling: options.sampling, timings: timings),
            evidence: sampled.frames.map { frame in
                let side = output.maps.shape[2]
                return FrameEvidence(
                    track: 0, frame: frame.index, picture: frame.kept.picture,
                    map: HeatMap(width: side, height: output.maps.shape[1], values: output.map(frame: frame.index)))
            })
    }

    /// Draws and encodes an analysis' pictures, on the analyzer's thread.
    public func draw(_ analysis: ClipAnalysis) throws(JobFailure) -> [Artifact] {
        try analysis.artifacts()
    }

    private func verdict(
        of sampled: SampledVideo<FrameMaterial>, _ output: DetectorOutput, by detector: ResNetDetector, sha256: String, sampling: Sampling,
        timings: Verdict.Timings
    ) -> Verdict {
        let rule = DecisionRule(card: detector.card)
        let probability = rule.probability(ofLogit: output.logit)
        let (label, reasons) = rule.decide(probability: probability)
        let range = output.mapRange
        let frames = sampled.frames.map { frame in
            Verdict.Frame(
                index: frame.index, frameNumber: frame.frameNumber, timestampSeconds: frame.timestampSeconds,
                logit: output.frameLogits[frame.index],
                probability: rule.probability(ofLogit: output.frameLogits[frame.index]),
                contribution: output.contributions[frame.index])
        }
        let track = Verdict.Track(
            track: 0, label: label, logit: output.logit, probability: probability,
            gradcamRange: [Double(range.lowerBound), Double(range.upperBound)], frames: frames)
        let card = detector.card
        return Verdict(
            label: label, probability: probability, confidence: max(probability, 1 - probability), logit: output.logit,
            threshold: rule.threshold, abstention: [rule.abstention.lowerBound, rule.abstention.upperBound],
            model: Verdict.ModelSummary(
                name: card.name, version: card.version, sha256: detector.sha256, trained: card.trained,
                region: card.region, precision: card.precision, temperature: card.temperature),
            video: Verdict.VideoSummary(
                codec: sampled.info.codec, width: sampled.info.width, height: sampled.info.height,
                durationSeconds: sampled.info.durationSeconds, frameCount: sampled.info.frameCount, sha256: sha256),
            sampling: .init(sampling, toleranceSeconds: sampled.toleranceSeconds), tracks: [track], decidedBy: 0, reasons: reasons,
            warnings: sampled.warnings.map(\.rawValue), reused: false, timings: timings)
    }
}

extension DecisionRule {
    /// The rule that a model's card states.
    init(card: ModelCard) {
        self.init(
            temperature: card.temperature, threshold: card.threshold,
            abstention: card.abstention[0]...card.abstention[1], isTrained: card.trained)
    }
}

extension JobFailure {
    init(_ error: DetectorError) {
        let disposition: FailureDisposition = switch error {
        case .frameCount, .inputSize, .inputNotFinite: .refuse
        // The weights or the machine are broken: no clip can be judged here.
        case .outputNotFinite: .stop
        }
        self.init(
            code: "network_failed", message: "the network could not judge the clip: \(error)", disposition: disposition)
    }

    public init(_ error: VideoError) {
        let disposition: FailureDisposition = switch error.disposition {
        case .refuse: .refuse
        case .retry: .retry
        case .stop: .stop
        }
        self.init(code: error.code.rawValue, message: error.description, disposition: disposition)
    }
}

extension Duration {
    fileprivate var milliseconds: Double {
        let value = Double(components.seconds) * 1e3 + Double(components.attoseconds) / 1e15
        return (value * 10).rounded() / 10
    }
}
