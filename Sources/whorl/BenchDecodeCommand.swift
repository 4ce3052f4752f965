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
