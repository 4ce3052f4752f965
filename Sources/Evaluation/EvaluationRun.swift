import Analysis
import Detector
import Foundation
import JobModel
import DetectionMetrics
import NeuralCore
import ThreadExecutor
import Video

/// Judges clips whose labels are known and makes the report of it.
///
/// An actor on a thread of its own, since its forwards block. Clips are judged one after the other, so that memory does not grow with their
/// number; what a check needs of a clip's pictures is computed while they are there.
public actor EvaluationRun {
    /// What a run makes.
    public struct Product: Sendable {
        public var report: EvaluationReport
        /// Of the worst errors, in the report's order.
        public var sheets: [Sheet]

        public init(report: EvaluationReport, sheets: [Sheet]) {
            self.report = report
            self.sheets = sheets
        }
    }

    /// A contact sheet of one clip.
    public struct Sheet: Sendable {
        public var name: String
        public var jpeg: [UInt8]
        public var width: Int
        public var height: Int
    }

    public typealias Progress = @Sendable (_ step: String, _ share: Double) -> Void

    let checkpoint: Checkpoint
    let detector: ResNetDetector
    let decoder: DecoderProcess
    let options: EvaluationOptions
    let judge: ClipJudge
    let figures: FigureMaker
    /// Looks for the faces that a model of whole frames does not; nil for a model of faces.
    let finder: FaceFinder?
    private let untrained: ResNetDetector?
    private let executor = ThreadExecutor(name: "whorl-evaluate")

    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Compiles the model's network, and others where the options ask for them.
    public init(
        checkpoint: Checkpoint, threads: Int, selection: KernelSelection = .automatic, decoder: DecoderProcess = DecoderProcess(),
        options: EvaluationOptions = EvaluationOptions()
    ) throws(EvaluationError) {
        try options.validate()
        let card = checkpoint.card
        let region: AnalysisRegion
        do throws(CheckpointError) {
            detector = try ResNetDetector(checkpoint: checkpoint, threads: threads, selection: selection)
            untrained = options.untrainedBaseline
                ? try ResNetDetector(
                    checkpoint: Checkpoint.initialised(seed: options.seed, head: card.head), threads: threads, selection: selection) : nil
        } catch {
            throw .checkpoint(error)
        }
        do throws(FaceDetectorError) {
            region = try AnalysisRegion(card: card)
            finder = card.region == .frame && options.shortcuts ? try FaceFinder(rule: FaceCropRule()) : nil
        } catch {
            throw .failed(JobFailure(code: "face_detector_missing", message: "\(error)", disposition: .stop))
        }
        self.checkpoint = checkpoint
        self.decoder = decoder
        self.options = options
        judge = ClipJudge(detector: detector, region: region, decoder: decoder, sampling: options.sampling)
        figures = FigureMaker(
            bootstrap: Bootstrap(resamples: options.resamples), seed: options.seed, threshold: card.threshold)
    }

    /// Judges the clips, at least one of each label, and everything that the options ask for.
    ///
    /// - Parameters:
    ///   - masks: clips to blend, which the maps are held against; for a model of faces, and where the options ask for explanations.
    ///   - date: of the report.
    public func run(
        _ clips: [EvaluationClip], masks: BlendedMasks? = nil, date: Date, progress: Progress = { _, _ in }
    ) async throws(EvaluationError) -> Product {
        try Self.check(clips)
        if masks != nil {
            guard options.explanations else { throw .invalid("blended masks are part of the explanations, which were not asked for") }
            guard detector.card.region == .face else { throw .invalid("the model looks at whole frames, and masks are blended in faces") }
        }
        let reencoding = try Reencoding(cells: options.robustness, shortcuts: options.shortcuts, decoder: decoder, frameLimit: options.frameLimit)
        defer { reencoding.removeFolder() }
        var findings = Findings(options: options)
        for (place, clip) in clips.enumerated() {
            if Task.isCancelled { throw .failed(JobFailure(code: "cancelled", message: "The evaluation was cancelled.", disposition: .retry)) }
            progress(clip.name, 0.9 * Double(place) / Double(clips.count))
            let outcome = try await judge.judge(clip)
            findings.clips.append(outcome.judged)
            if let analysis = outcome.analysis, outcome.judged.isJudged { try examine(analysis, of: clip, into: &findings) }
            try await reencoding.examine(outcome.judged, number: place, judge: judge, into: &findings)
        }
        var report = EvaluationReport(
            findings.clips, detector: detector, options: options, figures: figures, untrained: untrained == nil ? nil : findings.untrained,
            created: date.formatted(.iso8601))
        if options.shortcuts {
            report.shortcuts = ShortcutReport(
                clips: findings.clips, scores: findings.shortcuts, originals: findings.originals, copies: findings.copies, figures: figures)
        }
        report.robustness = zip(options.robustness, findings.cells).map { cell, judged in
            RobustnessResult(cell: cell, before: findings.clips, after: judged, figures: figures)
        }
        if options.explanations {
            report.explanations = ExplanationReport(
                sum: .init(findings.explanations),
                randomisation: try ExplanationReport.Stage.all(
                    of: checkpoint, detector: detector, inputs: findings.keptInputs, seed: options.seed) { share in
                    progress("shuffled layers", 0.9 + 0.03 * share)
                },
                deletion: .init(findings.explanations, figures: figures),
                masks: try masks?.report(detector: detector, seed: options.seed) { progress("blended masks", 0.93 + 0.02 * $0) })
        }
        return Product(report: report, sheets: try await sheets(of: report, clips: clips, progress: progress))
    }

    /// What needs the pictures of a judged clip.
    private func examine(_ analysis: ClipAnalysis, of clip: EvaluationClip, into findings: inout Findings) throws(EvaluationError) {
        guard options.shortcuts || options.explanations || untrained != nil else { return }
        let inputs = NetworkInputs(analysis, card: detector.card, finder: finder)
        if let untrained { findings.untrained[clip.path] = try untrained.judge(inputs.inputs.map(\.picture)).logit }
        if options.shortcuts { findings.shortcuts[clip.path] = try ShortcutScores(inputs, detector: detector) }
        if options.explanations {
            findings.explanations.append(try ExplanationScores(inputs, detector: detector, seed: options.seed, name: clip.name))
            findings.keep(inputs, of: clip)
        }
    }

    /// Clips were not kept in memory, so the worst are judged once more.
    private func sheets(
        of report: EvaluationReport, clips: [EvaluationClip], progress: Progress
    ) async throws(EvaluationError) -> [Sheet] {
        let byName = Dictionary(clips.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var sheets: [Sheet] = []
        for name in report.worstErrors {
            progress("contact sheets", 0.95 + 0.05 * Double(sheets.count) / Double(report.worstErrors.count))
            guard let clip = byName[name], let analysis = try await judge.judge(clip).analysis else { continue }
            let drawn = ContactSheet(title: name).draw(analysis)
            let width = 1_020
            let image = drawn.resized(width: width, height: max(1, drawn.height * width / drawn.width))
            do throws(VideoError) {
                let jpeg = try JPEGEncoder(quality: 82, chroma: .half).encode(image)
                sheets.append(Sheet(name: name, jpeg: jpeg, width: image.width, height: image.height))
            } catch {
                throw .video(error)
            }
        }
        return sheets
    }

    private static func check(_ clips: [EvaluationClip]) throws(EvaluationError) {
        for label in EvaluationClip.Label.allCases where !clips.contains(where: { $0.label == label }) { throw .missingLabel(label) }
        for (path, same) in Dictionary(grouping: clips, by: \.path).sorted(by: { $0.key < $1.key }) where same.count > 1 {
            if Set(same.map(\.label)).count > 1 { throw .twoLabels(path: path) }
            throw .invalid("\(path) is given twice; a clip counts once")
        }
        for same in Dictionary(grouping: clips.filter { $0.sha256 != nil }, by: \.sha256).values.sorted(by: { $0[0].path < $1[0].path })
        where Set(same.map(\.label)).count > 1 {
            throw .twoLabels(path: same.map(\.path).joined(separator: ", the same bytes as "))
        }
        if let name = Dictionary(grouping: clips, by: \.name).first(where: { $0.value.count > 1 })?.key {
            throw .invalid("two clips are called \(name); names tell clips apart in the report")
        }
    }
}
