import ArgumentParser
import Detector
import Evaluation
import Foundation
import JobModel
import DetectionMetrics
import Video

/// Fits a model's temperature and abstention band and writes them into its card, with how its probabilities are spread then.
struct CalibrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "calibrate",
        abstract: "Fit a model's temperature and abstention band, and write both into its card.",
        discussion: """
            Fitted on --fit: clips of people whom the model did not learn from (a folder with real/ and fake/), or logits as JSON: a list of \
            {"isFake": …, "logit": …}, or an evaluation.json of the same model. --report is other data of the same kinds, on which nothing is fitted.

            The card also gets how the probabilities of what was fitted are spread, reals and fakes apart: what scores in use can be held against.

            Where no band reaches the target error, the card's band is 0 to 1, so that every verdict is uncertain, and the exit code is 1.
            """)

    @Argument(help: "The checkpoint.", completion: .file())
    var model: String

    @Option(help: ArgumentHelp("What is fitted to.", valueName: "dir|file"))
    var fit: String

    @Option(help: ArgumentHelp("What the result is reported on.", valueName: "dir|file"))
    var report: String?

    @OptionGroup var output: CheckpointOutput

    @Option(help: ArgumentHelp("Share of wrong calls outside the band, 0 to 1.", valueName: "x"))
    var targetError = 0.1

    @Flag(
        inversion: .prefixedNo,
        help: "Whether reals and fakes count half each, however many there are: probabilities then are those of a world with as many of both.")
    var balanced = true

    @OptionGroup(title: "The data")
    var labels: LabelledDataOptions

    @OptionGroup(title: "The network")
    var network: NetworkOptions

    @OptionGroup(title: "The frames")
    var sampling: SamplingOptions

    func run() async throws {
        try output.check()
        let checkpoint: Checkpoint
        do throws(CheckpointError) {
            checkpoint = try Checkpoint.open(path: model)
        } catch {
            throw CommandFailure(.failure, code: "bad_checkpoint", "\(error)").about(model)
        }
        let fitted = try await samples(fit, checkpoint: checkpoint)
        var reported: [Calibration.Sample] = []
        if let report { reported = try await samples(report, checkpoint: checkpoint) }
        let calibration: Calibration
        do throws(EvaluationError) {
            calibration = try Calibration(
                fitting: fitted, reportingOn: reported, card: checkpoint.card, targetError: targetError, isBalanced: balanced)
        } catch {
            throw CommandFailure(error).about(fit)
        }
        try output.write(try checkpoint.with(card: calibration.applied(to: checkpoint.card)))
        print(Self.summary(of: calibration))
        guard calibration.band != nil else {
            throw CommandFailure(
                .failure, code: "target_not_reached",
                "no band leaves at most \(targetError) wrong on what was fitted; the card abstains from everything. Ask for less, or train more")
        }
    }

    /// The logits of a folder's clips, or those that a file holds.
    private func samples(_ path: String, checkpoint: Checkpoint) async throws -> [Calibration.Sample] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
            return try Self.stored(path, model: checkpoint.sha256)
        }
        let clips = try labels.clips(in: path)
        let detector = try await NetworkThread().load(path: model, threads: network.threads, selection: try network.selection())
        let judge = ClipJudge(
            detector: detector, region: try NetworkThread.region(path: model), decoder: DecoderProcess(), sampling: try sampling.request())
        let progress = ProgressLine(subject: "calibrate")
        defer { progress.clear() }
        var samples: [Calibration.Sample] = []
        for (place, clip) in clips.enumerated() {
            progress.show(clip.name, Double(place) / Double(clips.count))
            do throws(EvaluationError) {
                let judged = try await judge.judge(clip).judged
                if let logit = judged.logit {
                    samples.append(Calibration.Sample(isFake: clip.isFake, logit: logit))
                } else {
                    progress.clear()
                    StandardError.write("whorl: \(Terminal.printable(clip.name)): left out: \(Terminal.printable(judged.complaint ?? ""))")
                }
            } catch {
                throw CommandFailure(error).about(clip.name)
            }
        }
        return samples
    }

    private static func stored(_ path: String, model sha256: String) throws -> [Calibration.Sample] {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw CommandFailure(.failure, code: "bad_data", "it cannot be read: \(error.localizedDescription)").about(path)
        }
        do {
            if data.first(where: { !" \n\r\t".utf8.contains($0) }) == UInt8(ascii: "[") {
                return try JSONDecoder().decode([Calibration.Sample].self, from: data)
            }
            let report = try JSONDecoder().decode(EvaluationReport.self, from: data)
            guard report.model.sha256 == sha256 else {
                throw CommandFailure(.failure, code: "bad_data", "it is about another model, \(report.model.sha256)").about(path)
            }
            return report.clips.compactMap { clip in clip.logit.map { Calibration.Sample(isFake: clip.clip.isFake, logit: $0) } }
        } catch let error as DecodingError {
            throw CommandFailure(.failure, code: "bad_data", "it holds no logits: \(error)").about(path)
        }
    }

    private static func summary(of calibration: Calibration) -> String {
        func line(_ name: String, _ fit: Calibration.Fit?) -> String? {
            fit.map { fit in
                let losses = String(
                    format: "log loss %.3f, Brier %.3f, calibration error %.3f; ", fit.logLoss, fit.brierScore, fit.expectedCalibrationError)
                return name.padded(right: 16) + losses + "\(fit.band.decided.hits) of \(fit.band.decided.count) decided, "
                    + "\(fit.band.wrong.hits) of them wrong (\(fit.reals) real, \(fit.fakes) fake)"
            }
        }
        let fit = calibration.temperature
        let band = calibration.band.map { String(format: "%.3f to %.3f", $0.low, $0.high) } ?? "none"
        return ([
            String(format: "temperature %.4f", fit.temperature) + (fit.isAtBound ? " (at the end of its range: the data does not tell it)" : ""),
            "abstention      \(band), for \(calibration.targetError) wrong",
        ] + [
            line("fitted, before", calibration.fittedBefore), line("fitted, after", calibration.fittedAfter),
            line("report, before", calibration.reportedBefore), line("report, after", calibration.reportedAfter),
        ].compactMap(\.self)).joined(separator: "\n")
    }
}
