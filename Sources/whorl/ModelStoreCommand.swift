import ArgumentParser
import Detector
import Foundation

extension Checkpoint.Storage: ExpressibleByArgument {}

/// Writes a model as it is to be handed on: its weights in a number format, its card with what people should know.
struct ModelStoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store",
        abstract: "Write a model in a number format, and on its card what people should know.",
        discussion: """
            float16 takes half the bytes. Rounding changes the probabilities a little; `whorl evaluate` on both files tells how much. What is computed \
            stays what --precision and the kernels say.

            The notes on the card are shown wherever the model is: by `model inspect`, at /api/model. Say there what it was trained on and under which \
            terms, how good it is and how that was found, and what it cannot judge.
            """)

    @Argument(help: ArgumentHelp("The checkpoint.", valueName: "path"))
    var model: String

    @Option(name: .customLong("as"), help: ArgumentHelp("The number format.", valueName: "float32|float16"))
    var storage = Checkpoint.Storage.float16

    @Option(help: ArgumentHelp("The card's notes, from a text file. Default: those that it has.", valueName: "file"), completion: .file())
    var notes: String?

    @Option(help: ArgumentHelp("The model's name. Default: the one that it has.", valueName: "text"))
    var name: String?

    @Option(help: ArgumentHelp("The model's version. Default: the one that it has.", valueName: "text"))
    var version: String?

    @OptionGroup
    var output: CheckpointOutput

    func run() async throws {
        try output.check()
        let words = try notes.map { path throws(CommandFailure) in
            do {
                return try String(contentsOfFile: path, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
            } catch {
                throw CommandFailure(.badInput, code: "unreadable_input", "it cannot be read as UTF-8 text").about(path)
            }
        }
        let checkpoint: Checkpoint
        do throws(CheckpointError) {
            let whole = try Checkpoint.open(path: model)
            var card = whole.card
            if let words { card.notes = words }
            if let name { card.name = name }
            if let version { card.version = version }
            checkpoint = try whole.with(card: card).stored(as: storage)
        } catch {
            throw CommandFailure(.failure, code: "bad_checkpoint", "\(error)").about(model)
        }
        try output.write(checkpoint)
    }
}
