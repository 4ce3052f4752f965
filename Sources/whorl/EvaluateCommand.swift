import ArgumentParser
import Crops
import Detector
import Evaluation
import Foundation
import JobModel
import DetectionMetrics

/// Measures a model on clips whose labels are known.
struct EvaluateCommand: AsyncParsableCommand {
    enum Robustness: String, CaseIterable, ExpressibleByArgument {
        case none, quick, full

        var cells: [RobustnessCell] {
            switch self {
            case .none: []
            case .quick: RobustnessCell.quick
            case .full: RobustnessCell.full
            }
        }
    }

    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Judge clips whose labels are known and report how well a model does.",
        discussion: """
            The data's folder has real/ and fake/ below it. A fake's method is the folder that it lies in there, else its name up to the first _.

            Writes evaluation.json and evaluation.html, one page that needs nothing else: rates with counts and intervals, curves, methods, groups, \
            baselines, worst errors. --shortcuts, --explanations and --robustness measure more and take longer: about the time of a second run, of a \
            dozen forwards a clip, and of an encode and a run for each of 4 (quick) or 30 (full) cells.

            Clips that cannot be judged are listed with their reasons, and rates are given with and without them.
            """)

    @Argument(help: "The checkpoint.", completion: .file())
    var model: String

    @Option(help: ArgumentHelp("The folder with real/ and fake/.", valueName: "dir"))
    var data: String

    @Option(help: ArgumentHelp("The folder for the report.", valueName: "dir"))
    var output: String

    @OptionGroup(title: "The data")
    var labels: LabelledDataOptions

    @Option(help: ArgumentHelp("Encode every clip again and judge the copies.", valueName: "none|quick|full"))
    var robustness = Robustness.none

    @Option(help: ArgumentHelp("Frames of a clip that are encoded again, from its first.", valueName: "n"))
    var encodedFrames = 1_500

    @Flag(help: "Check that nothing but the face tells: face blanked, background only, reals against themselves encoded again.")
    var shortcuts = false

    @Flag(help: "Check that the maps explain the model.")
    var explanations = false

    @Option(
        help: ArgumentHelp(
            "Hold the maps against known masks too: blend the reals of this dataset, which dataset index made. Implies --explanations.",
            valueName: "dir"))
    var masks: String?

    @Flag(help: "Judge with a network of random weights too.")
    var untrained = false

    @Option(help: ArgumentHelp("Draws of each interval.", valueName: "n"))
    var bootstrap = 2_000

    @Option(help: ArgumentHelp("What is drawn is drawn from this.", valueName: "n"))
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("Share of wrong calls that abstaining should leave, 0 to 1.", valueName: "x"))
    var targetError = 0.1

    @Option(help: ArgumentHelp("Wrongly called clips that are shown.", valueName: "n"))
    var errors = 6

    @OptionGroup(title: "The network")
    var network: NetworkOptions

    @OptionGroup(title: "The frames")
    var sampling: SamplingOptions

    func run() async throws {
        let progress = ProgressLine(subject: "evaluate")
        let clips = try await Self.digested(try labels.clips(in: data), progress: progress)
        progress.clear()
        let options = EvaluationOptions(
            sampling: try sampling.request(), robustness: robustness.cells, shortcuts: shortcuts, explanations: explanations || masks != nil,
            untrainedBaseline: untrained, resamples: bootstrap, seed: seed, targetError: targetError, frameLimit: encodedFrames,
            worstErrors: errors)
        let checkpoint: Checkpoint
        do throws(CheckpointError) {
            checkpoint = try Checkpoint.open(path: model)
        } catch {
            throw CommandFailure(.failure, code: "bad_checkpoint", "\(error)").about(model)
        }
        let selection = try network.selection()
        let blended = try masks.map(Self.masks)
        do throws(EvaluationError) {
            let run = try EvaluationRun(checkpoint: checkpoint, threads: network.threads, selection: selection, options: options)
            let product = try await run.run(clips, masks: blended, date: Date()) { progress.show($0, $1) }
            try ReportFolder.write(product, to: output)
            progress.clear()
            print(Self.summary(of: product.report, folder: output))
        } catch {
            progress.clear()
            throw CommandFailure(error)
        }
    }

    private static func masks(of path: String) throws(CommandFailure) -> BlendedMasks {
        let dataset: CropDataset
        do throws(CropsError) {
            dataset = try CropDataset.open(path: path)
        } catch {
            throw CommandFailure(error)
        }
        do throws(EvaluationError) {
            return try BlendedMasks(dataset)
        } catch {
            throw CommandFailure(error).about(path)
        }
    }

    /// With the digests of their bytes; a file that cannot be read has none, and the run says why.
    private static func digested(_ clips: [EvaluationClip], progress: ProgressLine) async throws -> [EvaluationClip] {
        var clips = clips
        for place in clips.indices {
            progress.show("reading", 0)
            do throws(CommandFailure) {
                clips[place].sha256 = try await ClipFile(path: clips[place].path).sha256()
            } catch where error.code == "unreadable_input" {
                clips[place].sha256 = nil
            } catch {
                throw error
            }
        }
        return clips
    }

    private static func summary(of report: EvaluationReport, folder: String) -> String {
        let counts = report.overall.counts
        func words(_ name: String, _ figure: Figure?) -> String {
            guard let figure, let value = figure.value else { return "\(name.padded(right: 18)) –" }
            let intervals = [("clips", figure.overClips), ("groups", figure.overGroups)].compactMap { unit, interval in
                interval.map { String(format: "%.3f to %.3f over %@", $0.low, $0.high, unit) }
            }
            return name.padded(right: 18) + String(format: " %.3f  ", value) + intervals.joined(separator: ", ")
        }
        var lines = [
            "\(counts.judged) of \(counts.clips) clips judged: \(counts.judgedReals) real, \(counts.judgedFakes) fake, \(counts.groups) groups",
        ]
        lines.append(words("AUC", report.overall[.auc]))
        lines.append(words("balanced accuracy", report.overall[.balancedAccuracy]))
        for method in report.methods { lines.append(words("AUC \(method.name)", method[.auc])) }
        for baseline in report.baselines { lines.append(words("by \(baseline.name)", baseline.auc)) }
        if counts.groups < 2 { lines.append("one group only: no intervals over groups") }
        for clip in report.unjudged { lines.append("not judged: \(Terminal.printable(clip.name)): \(Terminal.printable(clip.why))") }
        lines.append("\(Terminal.printable(folder))/\(ReportFolder.pageName)")
        return lines.joined(separator: "\n")
    }
}
