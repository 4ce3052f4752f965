import Analysis
import Detector
import Foundation
import JobModel
import JobStore
import NeuralCore
import Settings
import Video

/// Everything that can be set about how a worker judges.
public struct AnalysisConfiguration: Sendable {
    public var modelPath: String
    /// Empty: `whorl-decoder` beside the worker's own executable.
    public var decoderPath: String
    public var decoderLimits: DecoderLimits
    public var pictures: PictureOptions
    /// Threads of one forward.
    public var threads: Int
    /// Numbers and kernels of the forward.
    public var selection: KernelSelection

    private static let automatic = "auto"

    /// The keys, as `--help` lists them.
    public static let table: [Setting] = [
        Setting("model.path", .text, default: "", help: "The checkpoint to judge with; by default the model that comes with this program."),
        Setting("model.threads", .integer(0...ThreadTeam.sizes.upperBound), unit: "threads", default: "0", help: "Threads of one forward; 0 for one a core."),
        Setting(
            "model.precision", .choice([automatic] + Precision.allCases.map(\.rawValue)), default: automatic,
            help: "Numbers to compute in; auto: split where AMX works, else float32."),
        Setting(
            "model.kernels", .choice([automatic] + KernelSet.allCases.map(\.rawValue)), default: automatic,
            help: "Kernels to compute with; auto: the fastest that this CPU has."),
        Setting("decoder.path", .text, default: "", help: "The program whorl-decoder; by default the one beside this program."),
        Setting("decoder.threads", .integer(0...16), unit: "threads", default: "0", help: "Threads that decode one clip; 0 for one a core, at most 16."),
        Setting("decoder.seconds", .number(1...3600), unit: "seconds", default: "120", help: "A clip that takes longer to decode is refused."),
        Setting("decoder.memoryMegabytes", .integer(256...65536), unit: "MB", default: "2048", help: "Address space of one decoder; a clip that needs more is refused."),
        Setting("pictures.side", .integer(PictureOptions.sideRange), unit: "pixels", default: "480", help: "Longest side of a frame's picture; never enlarged."),
        Setting("pictures.jpegQuality", .integer(PictureOptions.qualityRange), default: "88", help: "Quality of the pictures' JPEG files."),
    ]

    /// - Throws: `SettingsError` for values that do not go together.
    public init(_ settings: SettingsReader) throws(SettingsError) {
        let path = settings.text("model.path")
        guard let modelPath = path.isEmpty ? ShippedModel.path : path else {
            throw SettingsError("--model-path is not given, and the model that comes with this program is not where it was installed")
        }
        self.modelPath = modelPath
        decoderPath = settings.text("decoder.path")
        decoderLimits = Self.limits(settings)
        pictures = PictureOptions(side: settings.integer("pictures.side"), jpegQuality: settings.integer("pictures.jpegQuality"))
        let threads = settings.integer("model.threads")
        self.threads = min(threads > 0 ? threads : ProcessInfo.processInfo.activeProcessorCount, ThreadTeam.sizes.upperBound)
        do throws(KernelError) {
            selection = try KernelSelection(
                precision: Precision(rawValue: settings.text("model.precision")),
                kernels: KernelSet(rawValue: settings.text("model.kernels")))
        } catch {
            throw SettingsError("--model-precision, --model-kernels: \(error)")
        }
    }

    private static func limits(_ settings: SettingsReader) -> DecoderLimits {
        var limits = DecoderLimits()
        let threads = settings.integer("decoder.threads")
        limits.threads = threads > 0 ? threads : min(16, ProcessInfo.processInfo.activeProcessorCount)
        limits.wallClockSeconds = settings.number("decoder.seconds")
        // Every thread may work for the whole of it.
        limits.cpuSeconds = Int(limits.wallClockSeconds.rounded(.up)) * limits.threads
        limits.addressSpaceMegabytes = settings.integer("decoder.memoryMegabytes")
        return limits
    }
}

/// Judging clips by a network: what the workers of Whorl do.
public struct AnalysisWork: JobWork {
    public let identity: WorkIdentity
    private let detector: ResNetDetector
    private let region: AnalysisRegion
    private let decoder: DecoderProcess
    private let pictures: PictureOptions

    /// Loads the model.
    ///
    /// - Throws: `CheckpointError` for a model that cannot be used, `FaceDetectorError` when it looks at faces and nothing finds them.
    public init(configuration: AnalysisConfiguration) throws {
        detector = try ResNetDetector(
            checkpoint: Checkpoint.open(path: configuration.modelPath), threads: configuration.threads,
            selection: configuration.selection)
        region = try AnalysisRegion(card: detector.card)
        decoder = DecoderProcess(
            executablePath: configuration.decoderPath.isEmpty ? nil : configuration.decoderPath, limits: configuration.decoderLimits)
        pictures = configuration.pictures
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        identity = WorkIdentity(
            modelSHA256: detector.sha256, modelCard: String(decoding: try encoder.encode(detector.card), as: UTF8.self),
            precision: configuration.selection.precision.rawValue, analysisVersion: ClipAnalyzer.version)
    }

    public func perform(
        _ job: ClaimedJob, upload fileDescriptor: Int32, progress: @escaping @Sendable (JobStage, Double) -> Void
    ) async throws(JobFailure) -> WorkResult {
        let analyzer = ClipAnalyzer(detector: detector, region: region, decoder: decoder, pictures: pictures)
        progress(.decoding, 0)
        let analysis = try await analyzer.analyze(
            fileDescriptor: fileDescriptor, sha256: job.uploadSHA256 ?? "", options: job.options, progress: progress)
        progress(.drawing, 0)
        let start = ContinuousClock.now
        var verdict = analysis.verdict
        let artifacts = try await analyzer.draw(analysis)
        verdict.timings.drawMilliseconds = (start.duration(to: .now) / .milliseconds(1) * 10).rounded() / 10
        return WorkResult(verdict: verdict, artifacts: artifacts)
    }
}
