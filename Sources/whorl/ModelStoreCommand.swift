import ArgumentParser
import Detector

extension Checkpoint.Storage: ExpressibleByArgument {}

/// Writes a model's weights in another number format.
struct ModelStoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store",
        abstract: "Write a model's weights in another number format.",
        discussion: """
            float16 takes half the bytes. Rounding changes the probabilities a little; `whorl evaluate` on both files tells how much. What is computed \
            stays what --precision and the kernels say.
            """)

    @Argument(help: ArgumentHelp("The checkpoint.", valueName: "path"))
    var model: String

    @Option(name: .customLong("as"), help: ArgumentHelp("The number format.", valueName: "float32|float16"))
    var storage = Checkpoint.Storage.float16

    @OptionGroup
    var output: CheckpointOutput

    func run() async throws {
        try output.check()
        let checkpoint: Checkpoint
        do throws(CheckpointError) {
            checkpoint = try Checkpoint.open(path: model).stored(as: storage)
        } catch {
            throw CommandFailure(.failure, code: "bad_checkpoint", "\(error)").about(model)
        }
        try output.write(checkpoint)
    }
}
