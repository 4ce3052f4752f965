import Analysis
import ArgumentParser
import Detector
import Foundation
import JobModel
import Video

/// Judges clips on this machine.
struct AnalyzeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "analyze",
        abstract: "Judge video files on this machine; needs no server.",
        discussion: """
            Prints the verdict for people: the label, the probability of fake, a bar a frame over time, and what it rests on.

            With --json and one FILE it prints the verdict as the API gives it. With several it prints one line a file, \
            {"file": …, "verdict": …} or {"file": …, "error": {"code": …, "message": …}}, in the order given.

            A file that cannot be judged does not stop the others. The exit code is then 1 if anything failed through no \
            fault of a clip, else 3 if any clip cannot be judged, else 0.
            """)

    @Argument(help: ArgumentHelp("The clips.", valueName: "file"), completion: .file())
    var files: [String]

    @Flag(help: "Print the verdict as JSON.")
    var json = false

    @Option(
        help: ArgumentHelp(
            "Write frames, Grad-CAM overlays and maps, verdict.json and contact-sheet.png to this folder; with several "
                + "files, to a folder in it for each.", valueName: "dir"))
    var output: String?

    @Option(
        help: ArgumentHelp(
            "The checkpoint. Default: \(ModelLocation.variable), else the model that comes with Whorl.", valueName: "path"))
    var model: String?

    @OptionGroup(title: "The network")
    var network: NetworkOptions

    @OptionGroup(title: "The frames")
    var sampling: SamplingOptions

    @OptionGroup(title: "The pictures")
    var pictures: PictureArguments

    func run() async throws {
        let path = try ModelLocation.resolve(model)
        let selection = try network.selection()
        let threads = network.threads
        // Beside the decoding of the first clip, which needs no network.
        let loading = Task { try await NetworkThread().load(path: path, threads: threads, selection: selection) }
        let analyzer = ClipAnalyzer(
            region: try NetworkThread.region(path: path), decoder: DecoderProcess(), pictures: pictures.options
        ) { try await loading.value }
        var folders = EvidenceFolders(root: output, files: files)
        var status = ExitStatus.success
        for (place, file) in files.enumerated() {
            let count = files.count > 1 ? "\(place + 1)/\(files.count) " : ""
            let progress = ProgressLine(subject: count + URL(fileURLWithPath: file).lastPathComponent)
            do {
                let folder = folders.next()
                let verdict = try await judge(file, with: analyzer, folder: folder, progress: progress)
                progress.clear()
                try show(verdict, of: file, folder: folder)
            } catch {
                progress.clear()
                // Without a network no clip is at fault.
                _ = try await loading.value
                guard let failure = CommandFailure(error) else { throw error }
                if json && files.count > 1 { try printLine(FileOutcome(file: file, error: JobError(failure))) }
                StandardError.write("whorl: \(failure.message)")
                status = status.outweighed(by: failure.status)
            }
        }
        guard status == .success else { throw status }
    }

    private func judge(
        _ file: String, with analyzer: ClipAnalyzer, folder: EvidenceFolder?, progress: ProgressLine
    ) async throws -> Verdict {
        progress.show("reading", 0)
        let clip = try ClipFile(path: file)
        let sha256 = try await clip.sha256()
        let options = JobOptions(sampling: try sampling.request())
        var analysis: ClipAnalysis
        do throws(JobFailure) {
            analysis = try await analyzer.analyze(
                fileDescriptor: clip.descriptor, sha256: sha256,
                options: options
            ) { stage, share in progress.show(stage.rawValue, stage.overallShare(share)) }
        } catch {
            throw CommandFailure(error).about(file)
        }
        if let folder {
            analysis = try await folder.write(
                analysis, jpegQuality: pictures.jpegQuality, title: URL(fileURLWithPath: file).lastPathComponent) { share in
                progress.show(JobStage.drawing.rawValue, JobStage.drawing.overallShare(share))
            }
        }
        return analysis.verdict
    }

    private func show(_ verdict: Verdict, of file: String, folder: EvidenceFolder?) throws {
        if json {
            if files.count > 1 { return try printLine(FileOutcome(file: file, verdict: verdict)) }
            return print(String(decoding: try WhorlJSON.encoder(pretty: true).encode(verdict), as: UTF8.self))
        }
        let report = VerdictReport(
            title: file, verdict: verdict, picturesPath: folder.map { "\($0.path)/\(EvidenceFolder.sheetName)" },
            terminal: Terminal(descriptor: 1))
        print(report.text)
    }

    private func printLine(_ outcome: FileOutcome) throws {
        print(String(decoding: try WhorlJSON.encoder().encode(outcome), as: UTF8.self))
    }
}

/// A line of `analyze --json` for several files.
private struct FileOutcome: Encodable {
    var file: String
    var verdict: Verdict?
    var error: JobError?
}

extension JobError {
    fileprivate init(_ failure: CommandFailure) {
        self.init(code: failure.code, message: failure.message)
    }
}

extension JobStage {
    /// How far an analysis is when this stage is done to `share`; about what each stage takes of the time.
    fileprivate func overallShare(_ share: Double) -> Double {
        let (start, end): (Double, Double) = switch self {
        case .fetching: (0, 0.05)
        case .decoding: (0.05, 0.5)
        case .classifying: (0.5, 0.8)
        case .drawing, .storing: (0.8, 1)
        }
        return start + (end - start) * min(max(share, 0), 1)
    }
}
