import Detector
import Foundation
import JobModel
import NeuralCore
import Synchronization
import ThreadExecutor
import Video

/// What an analysis looks at.
public enum AnalysisRegion: Sendable {
    /// The whole frame.
    case frame
    /// Each face by itself.
    case face(FaceFinder)

    /// What a model's card asks for.
    ///
    /// - Throws: `FaceDetectorError` when the face detector's weights cannot be loaded.
    public init(card: ModelCard) throws(FaceDetectorError) {
        switch (card.region, card.faceCrop) {
        case (.face, let rule): self = .face(try FaceFinder(rule: rule ?? FaceCropRule()))
        case (.frame, _): self = .frame
        }
    }
}

/// Video in, verdict and evidence out: the same code for worker, command line and training.
///
/// An actor on a thread of its own, since the forward blocks for a good part of a second. A worker makes one for each job that
/// it runs; all share one network.
public actor ClipAnalyzer {
    /// Names the way from bytes to verdict; two verdicts of one version, model, precision and clip are equal.
    public static let version = "2"

    private let detector: @Sendable () async throws -> ResNetDetector
    private let region: AnalysisRegion
    private let decoder: DecoderProcess
    private let pictures: PictureOptions
    private let executor = ThreadExecutor(name: "whorl-analyze")

    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    public init(
        detector: ResNetDetector, region: AnalysisRegion, decoder: DecoderProcess, pictures: PictureOptions = PictureOptions()
    ) {
        self.init(region: region, decoder: decoder, pictures: pictures) { detector }
    }

    /// An analyzer that asks for its network once a clip is decoded, so that the two can be made ready side by side.
    public init(
        region: AnalysisRegion, decoder: DecoderProcess, pictures: PictureOptions = PictureOptions(),
        detector: @escaping @Sendable () async throws -> ResNetDetector
    ) {
        self.detector = detector
        self.region = region
        self.decoder = decoder
        self.pictures = pictures
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
        let clip = Clip(fileDescriptor: fileDescriptor, sha256: sha256, options: options, progress: progress)
        switch region {
        case .frame: return try await analyzeFrames(clip)
        case .face(let finder): return try await analyzeFaces(clip, finder)
        }
    }

    /// Draws and encodes an analysis' pictures, on as many threads as decode.
    public func draw(_ analysis: ClipAnalysis) throws(JobFailure) -> [Artifact] {
        try analysis.artifacts(jpegQuality: pictures.jpegQuality, threads: decoder.limits.threads)
    }

    private struct Clip: Sendable {
        let fileDescriptor: Int32
        let sha256: String
        let options: JobOptions
        let progress: @Sendable (JobStage, Double) -> Void

        var sampling: Sampling { options.sampling }

        func warnings(of sampled: SampledVideo<some Sendable>) -> [String] {
            sampled.warnings.map(\.rawValue) + (options.reencodedBy == nil ? [] : ["reencoded"])
        }
    }

    private func analyzeFrames(_ clip: Clip) async throws(JobFailure) -> ClipAnalysis {
        let (sampled, decodeTime) = try await sample(clip, FrameMaterial.request(clip.sampling, pictures: pictures)) {
            FrameMaterial($0)
        }
        clip.progress(.classifying, 0)
        let detector = try await loadedDetector()
        let clock = ContinuousClock(), start = clock.now
        let output = try Self.evaluate(sampled.frames.map(\.kept.input), by: detector)
        let forwardTime = clock.now - start
        let rule = DecisionRule(card: detector.card)
        let track = JudgedTrack(
            index: 0, output: output, rule: rule, frames: sampled.frames.map { .init($0.index, $0.frameNumber, $0.timestampSeconds, nil) })
        let evidence = sampled.frames.enumerated().map { place, frame in
            FrameEvidence(track: 0, frame: frame.index, picture: frame.kept.picture, map: output.heatMap(frame: place))
        }
        let verdict = Verdict(
            Finding(tracks: [track.track], decidedBy: 0, reasons: []), rule: rule, card: detector.card, model: detector.sha256,
            video: sampled.summary(sha256: clip.sha256), sampling: clip.sampling, toleranceSeconds: sampled.toleranceSeconds,
            warnings: clip.warnings(of: sampled),
            timings: Verdict.Timings(
                decodeMilliseconds: decodeTime.milliseconds, forwardMilliseconds: forwardTime.milliseconds, drawMilliseconds: 0))
        return ClipAnalysis(verdict: verdict, evidence: evidence)
    }

    private func analyzeFaces(_ clip: Clip, _ finder: FaceFinder) async throws(JobFailure) -> ClipAnalysis {
        let search = FaceSearchTime()
        let side = FaceFinder.pictureSide
        let request = SamplingRequest(
            sampling: clip.sampling,
            pictures: [.fitted(maxWidth: side, maxHeight: side), .fitted(maxWidth: pictures.side, maxHeight: pictures.side)])
        var (sampled, decodeTime) = try await sample(clip, request) { frame in
            search.measure { finder.find(in: frame, isThorough: FaceFinder.isThorough(sample: frame.sample)) }
        }
        if FaceFinder.needsAnotherLook(sampled.frames) {
            let (again, time) = try await sample(clip, request) { frame in
                search.measure { finder.find(in: frame, isThorough: true) }
            }
            (sampled, decodeTime) = (again, decodeTime + time)
        }
        clip.progress(.classifying, 0)
        let detector = try await loadedDetector()
        let rule = DecisionRule(card: detector.card)
        let clock = ContinuousClock(), start = clock.now
        let judged = try FaceJudgement(sampled.frames, rule: rule) { inputs throws(JobFailure) in
            try Self.evaluate(inputs, by: detector)
        }
        let forwardTime = clock.now - start
        let verdict = Verdict(
            judged.finding, rule: rule, card: detector.card, model: detector.sha256, video: sampled.summary(sha256: clip.sha256),
            sampling: clip.sampling, toleranceSeconds: sampled.toleranceSeconds, warnings: clip.warnings(of: sampled),
            timings: Verdict.Timings(
                decodeMilliseconds: decodeTime.milliseconds, faceMilliseconds: search.time.milliseconds,
                forwardMilliseconds: forwardTime.milliseconds, drawMilliseconds: 0))
        return ClipAnalysis(verdict: verdict, evidence: judged.evidence)
    }

    private func sample<Kept: Sendable>(
        _ clip: Clip, _ request: SamplingRequest, keep: @escaping @Sendable (FrameView) -> Kept
    ) async throws(JobFailure) -> (SampledVideo<Kept>, Duration) {
        let start = ContinuousClock.now
        var video: SampledVideo<Kept>
        let time: Duration
        do throws(VideoError) {
            let progress = clip.progress
            let sampled = try await decoder.sample(
                fileDescriptor: clip.fileDescriptor, request: request, progress: { progress(.decoding, $0) }, keep: keep)
            time = ContinuousClock.now - start
            video = sampled
        } catch {
            throw JobFailure(error)
        }
        if let times = clip.options.frameTimesSeconds { try video.setTimes(times) }
        return (video, time)
    }

    private func loadedDetector() async throws(JobFailure) -> ResNetDetector {
        do {
            return try await detector()
        } catch {
            throw JobFailure(code: "network_failed", message: "the network could not be loaded: \(error)", disposition: .stop)
        }
    }

    private static func evaluate(_ inputs: [[UInt8]], by detector: ResNetDetector) throws(JobFailure) -> DetectorOutput {
        do throws(DetectorError) {
            return try detector.evaluate(frames: inputs)
        } catch {
            throw JobFailure(error)
        }
    }
}

/// How long a clip's faces were looked for.
private final class FaceSearchTime: Sendable {
    private let total = Mutex<Duration>(.zero)

    var time: Duration { total.withLock { $0 } }

    func measure<Value>(_ body: () -> Value) -> Value {
        let start = ContinuousClock.now
        defer {
            let time = ContinuousClock.now - start
            total.withLock { $0 += time }
        }
        return body()
    }
}

extension FaceFinder {
    fileprivate func find(in frame: FrameView, isThorough: Bool) -> FaceFrame {
        find(in: frame.pictures[0], shown: frame.pictures[1], sample: frame.sample, isThorough: isThorough)
    }
}

extension SampledVideo {
    func summary(sha256: String) -> Verdict.VideoSummary {
        Verdict.VideoSummary(
            codec: info.codec, width: info.width, height: info.height, durationSeconds: info.durationSeconds,
            frameCount: info.frameCount, sha256: sha256)
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
    fileprivate var milliseconds: Double { (self / .milliseconds(1) * 10).rounded() / 10 }
}
