import Analysis
import ArgumentParser
import Detector
import Foundation
import JobModel
import Video

/// Times the whole way from a clip to its verdict and pictures.
struct BenchClipCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clip",
        abstract: "Time a clip's way to its verdict, pictures drawn and encoded.",
        discussion: """
            Each run decodes, classifies, and encodes every frame's picture, Grad-CAM overlay and map. Prints the median and the range over --runs.

            With --serve it prints the frames' logits as one JSON list, and then, for each integer n on a line of standard input, does n runs and \
            prints their seconds as one JSON list.
            """)

    @Argument(help: "The clip.", completion: .file())
    var file: String

    @Option(help: ArgumentHelp("The checkpoint.", valueName: "path"))
    var model: String

    @OptionGroup(title: "The network")
    var network: NetworkOptions

    @OptionGroup(title: "The frames")
    var sampling: SamplingOptions

    @Option(help: ArgumentHelp("Runs to time.", valueName: "n"))
    var runs = 10

    @Flag(help: "Do as many runs as each line of standard input says.")
    var serve = false

    func validate() throws {
        try BenchService.check(runs: runs)
    }

    func run() async throws {
        let clip = try ClipFile(path: file)
        let thread = NetworkThread()
        let detector = try await thread.load(path: model, threads: network.threads, selection: try network.selection())
        var limits = DecoderLimits()
        limits.threads = min(16, network.threads)
        let analyzer = ClipAnalyzer(
            detector: detector, region: try NetworkThread.region(path: model), decoder: DecoderProcess(limits: limits))
        let first = try await judge(clip, analyzer)
        if serve {
            try BenchService.printLine(first.tracks.first?.frames.map(\.logit) ?? [])
            try await BenchService.serve(on: thread) { try await time(clip, analyzer, runs: $0) }
        } else {
            print("\(network.threads) threads: \(BenchService.summary(of: try await time(clip, analyzer, runs: runs)))")
        }
    }

    private func judge(_ clip: ClipFile, _ analyzer: ClipAnalyzer) async throws -> Verdict {
        let options = JobOptions(sampling: try sampling.request())
        do throws(JobFailure) {
            let analysis = try await analyzer.analyze(fileDescriptor: clip.descriptor, sha256: "", options: options)
            _ = try await analyzer.draw(analysis)
            return analysis.verdict
        } catch {
            throw CommandFailure(error).about(file)
        }
    }

    private func time(_ clip: ClipFile, _ analyzer: ClipAnalyzer, runs: Int) async throws -> [Double] {
        var seconds: [Double] = []
        for _ in 0..<runs {
            let start = ContinuousClock.now
            _ = try await judge(clip, analyzer)
            seconds.append((ContinuousClock.now - start) / .seconds(1))
        }
        return seconds
    }
}
