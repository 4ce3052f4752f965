import ArgumentParser
import Detector
import Foundation
import JobModel
import NeuralCore

/// Measures parts of Whorl on this machine.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure how fast this machine is.",
        subcommands: [
            BenchForwardCommand.self, BenchDecodeCommand.self, BenchFacesCommand.self, BenchClipCommand.self,
            BenchQueueCommand.self, BenchTrainCommand.self,
        ])
}

/// Times the network's forward pass.
struct BenchForwardCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forward",
        abstract: "Time the network on given frames, Grad-CAM included.",
        discussion: """
            Prints the median and the range over --runs forwards.

            With --serve it prints the frames' logits as one JSON list, and then, for each integer n on a line of standard \
            input, runs n forwards and prints their seconds as one JSON list: so that it can take turns with anything else.
            """)

    @Option(help: ArgumentHelp("The checkpoint.", valueName: "path"))
    var weights: String

    @Option(help: ArgumentHelp("Normalised frames as a NumPy file, [T, 3, 224, 224].", valueName: "path"))
    var input: String

    @OptionGroup(title: "The network")
    var network: NetworkOptions

    @Option(help: ArgumentHelp("Forwards to time.", valueName: "n"))
    var runs = 20

    @Flag(help: "Run as many forwards as each line of standard input says.")
    var serve = false

    @Flag(help: "Show what each operation of one batch takes on one thread: the median and the least over --runs.")
    var layers = false

    func validate() throws {
        guard !(layers && serve) else { throw ValidationError("--layers and --serve do not go together") }
        try BenchService.check(runs: runs)
    }

    func run() async throws {
        let selection = try network.selection()
        let thread = NetworkThread()
        let frames = try await thread.loadFrames(path: input)
        if layers, let count = frames.shape.first, count > NetworkPlan.maximumBatch {
            throw CommandFailure(
                .usage, code: "bad_frames", "there are \(count) frames; --layers takes at most \(NetworkPlan.maximumBatch)").about(input)
        }
        let detector = try await thread.load(path: weights, threads: network.threads, selection: selection)
        let first = try await thread.evaluate(detector, frames)
        if layers { return try await showLayers(detector, frames, thread) }
        if serve {
            try BenchService.printLine(first.frameLogits)
            try await BenchService.serve(on: thread) { try await thread.time(detector, frames, runs: $0) }
        } else {
            // The first has touched all memory; a second one settles the caches.
            _ = try await thread.time(detector, frames, runs: 2)
            let seconds = try await thread.time(detector, frames, runs: runs)
            print("\(frames.shape[0]) frames in \(selection), \(network.threads) threads: \(BenchService.summary(of: seconds))")
        }
    }

    private func showLayers(_ detector: ResNetDetector, _ frames: Tensor, _ thread: NetworkThread) async throws {
        var samples: [[(operation: String, seconds: Double)]] = []
        for _ in 0..<runs { samples.append(await thread.profile(detector, frames)) }
        let width = samples[0].map(\.operation.count).max() ?? 0
        print("milliseconds of \(frames.shape[0]) frames in \(detector.plan.selection), one thread")
        print("operation".padded(right: width) + "median".padded(left: 9) + "least".padded(left: 9))
        var total = (median: 0.0, least: 0.0)
        for (index, operation) in samples[0].map(\.operation).enumerated() {
            let seconds = samples.map { $0[index].seconds * 1e3 }.sorted()
            total = (total.median + seconds.median, total.least + seconds[0])
            print(operation.padded(right: width) + seconds.median.text(2).padded(left: 9) + seconds[0].text(2).padded(left: 9))
        }
        print("all".padded(right: width) + total.median.text(2).padded(left: 9) + total.least.text(2).padded(left: 9))
    }
}

extension [Double] {
    /// Of sorted values, of which there is one at least.
    var median: Double { (self[(count - 1) / 2] + self[count / 2]) / 2 }
}

extension NetworkThread {
    /// The next line of standard input, for which this thread may wait.
    func nextLine() -> String? { readLine() }

    /// Frames of a NumPy file that the network takes.
    func loadFrames(path: String) throws(CommandFailure) -> Tensor {
        do throws(CheckpointError) {
            return try NumpyFile.load(path: path)
        } catch {
            throw CommandFailure(.failure, code: "bad_frames", "no NumPy file of floats that can be read: \(error)").about(path)
        }
    }

    func evaluate(_ detector: ResNetDetector, _ frames: Tensor) throws(CommandFailure) -> DetectorOutput {
        do throws(DetectorError) {
            return try detector.evaluate(input: frames)
        } catch {
            throw CommandFailure(.failure, code: "network_failed", "\(error)")
        }
    }

    func profile(_ detector: ResNetDetector, _ frames: Tensor) -> [(operation: String, seconds: Double)] {
        detector.profile(input: frames)
    }

    /// Seconds of each of `runs` forwards.
    func time(_ detector: ResNetDetector, _ frames: Tensor, runs: Int) throws(CommandFailure) -> [Double] {
        var seconds: [Double] = []
        for _ in 0..<runs {
            let start = ContinuousClock.now
            _ = try evaluate(detector, frames)
            seconds.append((ContinuousClock.now - start) / .seconds(1))
        }
        return seconds
    }
}
