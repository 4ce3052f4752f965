import Crypto
import Detector
import Foundation
import NeuralCore

/// One training from recipe to model: the folder with its state, metrics and curves, and the finished model with its card.
public final class TrainingRun {
    /// Makes the network that learns, from the checkpoint that it starts from.
    public typealias ModelFactory = (_ start: Checkpoint, _ recipe: Recipe, _ picturesPerBatch: Int) throws -> any TrainableModel

    /// What is not the recipe's to say.
    public struct Options {
        /// Of the run; made if it is not there.
        public var folder: String
        /// Goes on with the run that is in the folder.
        public var isResuming: Bool
        /// Where the recipe lies: what its paths start from.
        public var recipeFolder: String
        /// Kernels that judge at validation, and in words those of the training.
        public var selection: KernelSelection
        /// Compute threads.
        public var threads: Int
        /// The time on the finished model's card, asked once at the end; without one a run gives the same file each time.
        public var created: () -> Date?

        public init(
            folder: String, isResuming: Bool, recipeFolder: String, selection: KernelSelection, threads: Int, created: @escaping () -> Date? = { nil }
        ) {
            self.folder = folder
            self.isResuming = isResuming
            self.recipeFolder = recipeFolder
            self.selection = selection
            self.threads = threads
            self.created = created
        }
    }

    public let trainer: Trainer
    /// What a user should know before it begins: what the weights' file lacked, what the data are.
    public let notes: [String]
    private let recipe: Recipe
    private let data: TrainingData
    private let options: Options
    private let folder: RunFolder
    private let model: any TrainableModel

    /// Opens the folder, makes the network and finds what there is to go on with; nothing is trained yet.
    public init(_ recipe: Recipe, data: TrainingData, options: Options, makeModel: ModelFactory, makeScorer: ScorerFactory? = nil) throws {
        self.recipe = recipe
        self.data = data
        self.options = options
        let card = TrainingRun.card(of: recipe, created: nil, notes: "In training.")
        let start = try StartingWeights.make(recipe.start, folder: options.recipeFolder, card: card, seed: recipe.seed)
        notes = ["the network starts with: " + (start.notes.isEmpty ? recipe.start.weights : start.notes.joined(separator: "; ")), data.summary]
        model = try makeModel(start.checkpoint, recipe, data.source.picturesPerBatch)
        folder = try RunFolder(path: options.folder, resuming: options.isResuming)
        // The card of the start is the same for the same recipe, so its digest stands for its tensors.
        let identity = Data("\(data.digest) \(start.checkpoint.sha256)".utf8).sha256Hexadecimal
        let settings = Trainer.Settings(recipe, steps: data.steps, data: identity, kernels: "\(options.selection)")
        let (threads, selection) = (options.threads, options.selection)
        trainer = Trainer(
            settings, model: model, source: data.source, validation: data.validation, folder: folder, team: ThreadTeam(size: threads),
            makeScorer: makeScorer ?? { model, parameters, statistics in
                let checkpoint = try model.checkpoint(card: card, parameters: parameters, statistics: statistics)
                return try DetectorScorer(checkpoint, threads: threads, selection: selection)
            })
    }

    /// Trains, and writes the model once nothing is left to train: the last moving average, by no choice, and beside it the best one only where the
    /// recipe stops early.
    public func run(shouldStop: () -> Bool = { false }, report: (Trainer.Event) -> Void = { _ in }) throws -> Trainer.Outcome {
        // That of a run that is gone on with stays: it says what a refused recipe should have been.
        if access(folder.recipePath, F_OK) != 0 {
            try DurableFile.write(folder.recipePath, text: String(decoding: recipe.canonicalJSON, as: UTF8.self) + "\n")
        }
        let outcome = try trainer.run(shouldStop: shouldStop, report: report)
        if case .interrupted = outcome { return outcome }
        let created = options.created()
        let step = switch outcome {
        case .finished(let step), .stoppedEarly(let step), .interrupted(let step): step
        }
        let judged = try trainer.heldOutSources()
        if !judged.isEmpty {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            try DurableFile.write(folder.heldOutPath, text: String(decoding: try encoder.encode(judged), as: UTF8.self) + "\n")
        }
        try write(trainer.result, to: folder.modelPath, created: created, what: "step \(step), the last")
        if let best = trainer.bestResult {
            try write((best.parameters, best.statistics), to: folder.bestPath, created: created, what: "step \(best.at.step), the best by validation")
        }
        return outcome
    }

    private func write(
        _ values: (parameters: ParameterBuffer, statistics: ParameterBuffer), to path: String, created: Date?, what: String
    ) throws(TrainingError) {
        var notes = "Recipe \(recipe.kind.rawValue), digest \(recipe.digest.prefix(16)), seed \(recipe.seed); moving average after \(what). "
        notes += "Data digest \(data.digest.prefix(16)): \(data.summary)."
        if let validation = trainer.lastValidation {
            for (name, result) in validation.sets.sorted(by: { $0.key < $1.key }) {
                guard let auc = result.auc else { continue }
                notes += " Step \(validation.step), \(name): AUC \(String(format: "%.3f", auc)) of \(result.reals) real and "
                notes += "\(result.fakes) fake sources."
            }
        }
        let card = TrainingRun.card(of: recipe, created: created, notes: notes)
        do {
            try model.checkpoint(card: card, parameters: values.parameters, statistics: values.statistics).write(to: path)
        } catch {
            throw .unwritable(path: path, reason: "\(error)")
        }
    }

    private static func card(of recipe: Recipe, created: Date?, notes: String) -> ModelCard {
        ModelCard(
            name: recipe.name, version: recipe.version, trained: true, region: recipe.region, faceCrop: recipe.region == .face ? FaceCropRule() : nil,
            seed: recipe.seed, created: created?.formatted(.iso8601), notes: notes)
    }
}
