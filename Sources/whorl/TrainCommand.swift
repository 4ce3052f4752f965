import ArgumentParser
import Crops
import Detector
import Foundation
import NeuralCore
import ThreadExecutor
import Training

/// Trains a model by a recipe.
struct TrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Train a detector by a recipe on a data set of faces.",
        discussion: """
            The data are what `whorl dataset index` made. The output folder gets the model (model.safetensors), metrics.jsonl, timings.jsonl, \
            curves.svg, recipe.json and state.whorl, from which --resume goes on after any interruption: what is learnt is the same to the byte \
            as without it. Ctrl-C finishes the step, saves and ends with exit code 1; a second one ends at once.
            """)

    @Argument(help: "The recipe, such as recipes/self-blend.yaml.", completion: .file(extensions: ["yaml", "yml"]))
    var recipe: String

    @Option(help: ArgumentHelp("The data set to train on.", valueName: "folder"))
    var data: String

    @Option(help: ArgumentHelp("The folder that the run writes to; empty or not there, unless with --resume.", valueName: "folder"))
    var output: String

    @Flag(help: "Go on with the run in the output folder.")
    var resume = false

    @Option(help: ArgumentHelp("Steps, in place of the recipe's. A run can be resumed only with the same.", valueName: "n"))
    var steps: Int?

    @Option(help: ArgumentHelp("Threads that compute, in place of the recipe's; the result does not depend on them.", valueName: "n"))
    var threads: Int?

    @Option(help: ArgumentHelp("Seed, in place of the recipe's. A run can be resumed only with the same.", valueName: "n"))
    var seed: UInt64?

    @Option(help: ArgumentHelp("A data set to be judged on besides; it must share no group with --data.", valueName: "folder"))
    var validation: String?

    @Option(help: ArgumentHelp("Kernels to compute with, in float32. Default: the fastest that this CPU has.", valueName: "kernels"))
    var kernels: KernelSet?

    func validate() throws {
        if let steps, steps < 1 { throw ValidationError("--steps must be 1 or more") }
        if let threads, !ThreadTeam.sizes.contains(threads) { throw ValidationError("--threads: \(KernelError.threads(threads))") }
    }

    func run() async throws {
        let selection: KernelSelection
        do throws(KernelError) {
            selection = try KernelSelection(precision: .float32, kernels: kernels)
        } catch {
            throw CommandFailure(.usage, code: "kernels_unavailable", "\(error)")
        }
        try await TrainingThread().run(self, selection: selection)
    }

    /// The recipe with what the options put in its place.
    fileprivate func changedRecipe() throws(TrainingError) -> Recipe {
        var changed = try RecipeReader.read(path: recipe)
        if let steps {
            changed.steps = steps
            changed.epochs = 0
        }
        if let seed { changed.seed = seed }
        if let threads { changed.machine.threads = threads }
        if let problem = changed.problem { throw .recipe(path: recipe, reason: problem) }
        return changed
    }
}

/// Trains for hours, on a thread of its own.
private actor TrainingThread {
    private let executor = ThreadExecutor(name: "whorl-train")

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    func run(_ command: TrainCommand, selection: KernelSelection) throws {
        let progress = TrainingProgress()
        do {
            let recipe = try command.changedRecipe()
            let dataset = try CropDataset.open(path: command.data)
            let given = try command.validation.map { try CropDataset.open(path: $0) }
            let data = try TrainingData(recipe, dataset: dataset, given: given, makers: .standard(for: recipe))
            let cores = min(ProcessInfo.processInfo.activeProcessorCount, ThreadTeam.sizes.upperBound)
            let threads = recipe.machine.threads > 0 ? recipe.machine.threads : cores
            let options = TrainingRun.Options(
                folder: command.output, isResuming: command.resume,
                recipeFolder: URL(fileURLWithPath: command.recipe).deletingLastPathComponent().path, selection: selection, threads: threads,
                created: { .now })
            let run = try TrainingRun(recipe, data: data, options: options) { start, recipe, pictures in
                try TrainableResNet(start, form: recipe.start.norm.form, batch: pictures, selection: selection, threads: threads)
            }
            for note in run.notes { progress.note(note) }
            let signals = StopSignals()
            let outcome = try run.run(shouldStop: { signals.haveCome }, report: { progress.show($0, steps: data.steps) })
            progress.clear()
            switch outcome {
            case .finished(let step): print("\(command.output)/model.safetensors: trained for \(step) steps")
            case .stoppedEarly(let step): print("\(command.output)/model.safetensors: stopped by validation after \(step) steps")
            case .interrupted(let step):
                StandardError.write("whorl: stopped after step \(step); the same command with --resume goes on")
                throw ExitStatus.failure
            }
        } catch let error as TrainingError {
            progress.clear()
            throw CommandFailure(error)
        } catch let error as CropsError {
            progress.clear()
            throw CommandFailure(.badInput, code: "bad_dataset", "\(error)")
        }
    }
}

extension CommandFailure {
    init(_ error: TrainingError) {
        switch error {
        case .data: self.init(.badInput, code: "bad_dataset", "\(error)")
        case .recipe: self.init(.badInput, code: "bad_recipe", "\(error)")
        case .weights: self.init(.failure, code: "bad_checkpoint", "\(error)")
        case .state: self.init(.failure, code: "cannot_resume", "\(error)")
        case .unwritable: self.init(.failure, code: "unwritable_output", "\(error)")
        case .diverged: self.init(.failure, code: "training_diverged", "\(error)")
        }
    }
}
