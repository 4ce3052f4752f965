import ArgumentParser
import Detector
import Foundation
import NeuralCore
import Training

extension NormForm: ExpressibleByArgument {}

/// Times whole steps of training: forward, backward, update.
struct BenchTrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Time steps of AdamW on given pictures, float32.",
        discussion: """
            Prints the median and the range over --runs steps. Pictures are labelled real and fake in turn.

            With --serve it prints the losses of the first three steps as one JSON list, and then, for each integer n on a line of standard \
            input, takes n steps and prints their seconds as one JSON list.
            """)

    @Option(help: ArgumentHelp("The checkpoint to start from.", valueName: "path"))
    var weights: String

    @Option(help: ArgumentHelp("Pictures as raw RGB24, [n, 224, 224, 3].", valueName: "path"))
    var pictures: String

    @Option(help: ArgumentHelp("What becomes of the batch norms: folded, frozen or batch.", valueName: "form"))
    var norms = NormForm.folded

    @Option(help: ArgumentHelp("Kernels. Default: the fastest that this CPU has.", valueName: "kernels"))
    var kernels: KernelSet?

    @Option(help: ArgumentHelp("Threads.", valueName: "n"))
    var threads = min(ProcessInfo.processInfo.activeProcessorCount, ThreadTeam.sizes.upperBound)

    @Option(help: ArgumentHelp("Steps to time.", valueName: "n"))
    var runs = 10

    @Flag(help: "Take as many steps as each line of standard input says.")
    var serve = false

    func validate() throws {
        guard ThreadTeam.sizes.contains(threads) else { throw ValidationError("--threads: \(KernelError.threads(threads))") }
        try BenchService.check(runs: runs)
    }

    func run() async throws {
        let selection: KernelSelection
        do throws(KernelError) {
            selection = try KernelSelection(precision: .float32, kernels: kernels)
        } catch {
            throw CommandFailure(.usage, code: "kernels_unavailable", "\(error)")
        }
        let thread = NetworkThread()
        let steps = try await thread.trainingSteps(self, selection: selection)
        let losses = await thread.take(3, of: steps).map(\.loss)
        if serve {
            try BenchService.printLine(losses)
            try await BenchService.serve(on: thread) { await thread.take($0, of: steps).map(\.seconds) }
        } else {
            let seconds = await thread.take(runs, of: steps).map(\.seconds)
            print("\(steps.count) pictures, \(norms.rawValue), \(selection), \(threads) threads: \(BenchService.summary(of: seconds))")
        }
    }
}

/// A network, its optimiser and a batch. `@unchecked Sendable`: only `NetworkThread`, which makes it, touches it.
private final class TrainingSteps: @unchecked Sendable {
    let count: Int
    private let model: TrainableResNet
    private let optimiser: Optimiser
    private let rgb: Data
    private var step = 0

    init(model: TrainableResNet, optimiser: Optimiser, rgb: Data, count: Int) {
        self.model = model
        self.optimiser = optimiser
        self.rgb = rgb
        self.count = count
    }

    func take() -> Double {
        let logits = rgb.withUnsafeBytes { model.forward(rgb: $0, count: count) }
        let loss = BinaryCrossEntropy().evaluate(logits: logits, labels: (0..<count).map { $0 % 2 == 1 })
        model.backward(logitGradients: loss.gradient)
        step += 1
        optimiser.update(
            model.parameters, gradients: model.gradients, step: step,
            rates: .init(backbone: optimiser.settings.rate, head: optimiser.settings.headRate))
        return loss.loss
    }
}

extension NetworkThread {
    fileprivate func trainingSteps(_ command: BenchTrainCommand, selection: KernelSelection) throws(CommandFailure) -> TrainingSteps {
        let frameBytes = ResNetDetector.inputSize * ResNetDetector.inputSize * 3
        guard let rgb = FileManager.default.contents(atPath: command.pictures), !rgb.isEmpty, rgb.count % frameBytes == 0 else {
            throw CommandFailure(
                .failure, code: "bad_frames", "no file of whole pictures, each of \(frameBytes) bytes").about(command.pictures)
        }
        do throws(CheckpointError) {
            let model = try TrainableResNet(
                Checkpoint.open(path: command.weights), form: command.norms, batch: rgb.count / frameBytes, selection: selection,
                threads: command.threads)
            let settings = OptimiserSettings(kind: .adamw, rate: 1e-4, headRate: 1e-4, weightDecay: 0.01, clipNorm: 0)
            let optimiser = Optimiser(settings, layout: model.layout, team: ThreadTeam(size: command.threads))
            return TrainingSteps(model: model, optimiser: optimiser, rgb: rgb, count: rgb.count / frameBytes)
        } catch {
            throw CommandFailure(.failure, code: "bad_checkpoint", "\(error)").about(command.weights)
        }
    }

    fileprivate func take(_ count: Int, of steps: TrainingSteps) -> [(loss: Double, seconds: Double)] {
        (0..<count).map { _ in
            let start = ContinuousClock.now
            let loss = steps.take()
            return (loss, (ContinuousClock.now - start) / .seconds(1))
        }
    }
}
