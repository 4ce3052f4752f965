import ArgumentParser
import Detector
import Foundation
import JobModel
import NeuralCore

/// Measures parts of Whorl on this machine.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure how fast this machine is.", subcommands: [BenchForwardCommand.self])
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

    private static let runsRange = 1...100_000

    func validate() throws {
        guard Self.runsRange.contains(runs) else { throw ValidationError("--runs must be 1 to \(Self.runsRange.upperBound)") }
    }

    func run() async throws {
        let selection = try network.selection()
        let thread = NetworkThread()
        let frames = try await thread.loadFrames(path: input)
        let detector = try await thread.load(path: weights, threads: network.threads, selection: selection)
        let first = try await thread.evaluate(detector, frames)
        if serve {
            try printLine(first.frameLogits)
            try await serve(detector, frames, thread)
        } else {
            // The first has touched all memory; a second one settles the caches.
            _ = try await thread.time(detector, frames, runs: 2)
            let seconds = try await thread.time(detector, frames, runs: runs).sorted()
            let milliseconds = seconds.map { ($0 * 1e3).text(2) }
            print(
                "\(frames.shape[0]) frames in \(selection), \(network.threads) threads: median \(milliseconds[runs / 2]) ms "
                    + "(\(milliseconds[0]) to \(milliseconds[runs - 1])) over \(runs) forwards")
        }
    }

    private func serve(_ detector: ResNetDetector, _ frames: Tensor, _ thread: NetworkThread) async throws {
        while let line = readLine() {
            guard let count = Int(line.trimmingCharacters(in: .whitespaces)), Self.runsRange.contains(count) else {
                throw CommandFailure(
                    .usage, code: "bad_request",
                    "a line of standard input must be a number of forwards, 1 to \(Self.runsRange.upperBound)")
            }
            try printLine(try await thread.time(detector, frames, runs: count))
        }
    }

    private func printLine(_ values: [Double]) throws {
        print(String(decoding: try JSONEncoder().encode(values), as: UTF8.self))
        // Whoever waits for the line may read from a pipe.
        fflush(nil)
    }
}

extension NetworkThread {
    /// Frames of a NumPy file that the network takes.
    func loadFrames(path: String) throws(CommandFailure) -> Tensor {
        do throws(CheckpointError) {
            return try NumpyFile.load(path: path)
        } catch {
            throw CommandFailure(.failure, code: "bad_frames", "\(error)").about(path)
        }
    }

    func evaluate(_ detector: ResNetDetector, _ frames: Tensor) throws(CommandFailure) -> DetectorOutput {
        do throws(DetectorError) {
            return try detector.evaluate(input: frames)
        } catch {
            throw CommandFailure(.failure, code: "network_failed", "\(error)")
        }
    }

    /// Seconds of each of `runs` forwards.
    func time(_ detector: ResNetDetector, _ frames: Tensor, runs: Int) throws(CommandFailure) -> [Double] {
        let clock = ContinuousClock()
        var seconds: [Double] = []
        for _ in 0..<runs {
            let start = clock.now
            _ = try evaluate(detector, frames)
            let duration = (clock.now - start).components
            seconds.append(Double(duration.seconds) + Double(duration.attoseconds) * 1e-18)
        }
        return seconds
    }
}
