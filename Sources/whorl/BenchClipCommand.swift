import Analysis
import ArgumentParser
import Detector
import Foundation
import JobModel
import Video

/// Times the way from a clip to its frames.
struct BenchDecodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode",
        abstract: "Time the decoding of a clip's sampled frames, its jail included.",
        discussion: """
            Each run starts a decoder, samples the clip and takes the frames. Prints the median and the range over --runs.

            With --serve it prints the frames' numbers as one JSON list, and then, for each integer n on a line of standard input, does n runs and \
            prints their seconds as one JSON list.
            """)

    @Argument(help: "The clip.", completion: .file())
    var file: String

    @OptionGroup(title: "The frames")
    var sampling: SamplingOptions

    @Option(help: ArgumentHelp("\"source\", or a width and a height.", valueName: "source|WxH"), transform: FrameSize.init)
    var size = FrameSize.squeezed(width: ResNetDetector.inputSize, height: ResNetDetector.inputSize)

    @Option(help: ArgumentHelp("Threads that decode, 1 to 16.", valueName: "n"))
    var threads = min(16, ProcessInfo.processInfo.activeProcessorCount)

    @Option(help: ArgumentHelp("Runs to time.", valueName: "n"))
    var runs = 10

    @Option(help: ArgumentHelp("Write the frames once to this file, as RGB24.", valueName: "path"))
    var pixels: String?

    @Flag(help: "Do as many runs as each line of standard input says.")
    var serve = false

    func validate() throws {
        try BenchService.check(runs: runs)
        guard (1...16).contains(threads) else { throw ValidationError("--threads must be 1 to 16") }
    }

    func run() async throws {
        let clip = try ClipFile(path: file)
        let first = try await sample(clip)
        if let pixels {
            let bytes = first.frames.flatMap(\.kept.pixels)
            do {
                try Data(bytes).write(to: URL(fileURLWithPath: pixels))
            } catch {
                throw CommandFailure(.failure, code: "unwritable_output", "\(Terminal.printable(pixels)): cannot be written: \(error)")
            }
        }
        if serve {
            try BenchService.printLine(first.frames.map(\.frameNumber))
            try await BenchService.serve(on: NetworkThread()) { try await time(clip, runs: $0) }
        } else {
            print("\(first.frames.count) frames, \(threads) threads: \(BenchService.summary(of: try await time(clip, runs: runs)))")
        }
    }

    private func sample(_ clip: ClipFile) async throws -> SampledVideo<RGBImage> {
        var limits = DecoderLimits()
        limits.threads = threads
        let request = SamplingRequest(sampling: try sampling.request(), pictures: [size.picture])
        do throws(VideoError) {
            return try await DecoderProcess(limits: limits).sample(fileDescriptor: clip.descriptor, request: request) {
                $0.pictures[0].copied()
            }
        } catch {
            throw CommandFailure(JobFailure(error)).about(file)
        }
    }

    private func time(_ clip: ClipFile, runs: Int) async throws -> [Double] {
        var seconds: [Double] = []
        for _ in 0..<runs {
            let start = ContinuousClock.now
            _ = try await sample(clip)
            seconds.append((ContinuousClock.now - start) / .seconds(1))
        }
        return seconds
    }
}

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
