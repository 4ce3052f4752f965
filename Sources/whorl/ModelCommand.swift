import ArgumentParser
import Detector
import Foundation

/// Everything about checkpoints.
struct ModelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model",
        abstract: "Make, import, inspect and verify model checkpoints.",
        subcommands: [
            ModelInitCommand.self, ModelImportCommand.self, ModelInspectCommand.self, ModelVerifyCommand.self,
            ModelStoreCommand.self,
        ])
}

/// Where a checkpoint is written.
struct CheckpointOutput: ParsableArguments {
    @Option(name: .customLong("output"), help: ArgumentHelp("The safetensors file to write.", valueName: "path"))
    var path: String

    @Flag(help: "Overwrite the output if it exists.")
    var force = false

    /// Refuses early what could not be written late.
    func check() throws(CommandFailure) { try OutputFile(path: path).check(force: force) }

    /// Writes the checkpoint, and the folder it goes to if there is none, and says what was written.
    func write(_ checkpoint: Checkpoint) throws {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw CommandFailure(
                .failure, code: "unwritable_output", "its folder cannot be made: \(error.localizedDescription)").about(path)
        }
        try checkpoint.write(to: path)
        let card = checkpoint.card
        print(
            "\(Terminal.printable(path)): \(Terminal.printable(card.name)) \(Terminal.printable(card.version)), "
                + "\(card.head.rawValue) head, \(card.trained ? "trained" : "UNTRAINED"), sha256 \(checkpoint.sha256)")
    }
}

extension ModelCard.Head: ExpressibleByArgument {}
extension ModelCard.Region: ExpressibleByArgument {}
extension FaceCropRule.Alignment: ExpressibleByArgument {}

/// What a checkpoint's card says that it looks at.
struct RegionOptions: ParsableArguments {
    @Option(help: ArgumentHelp("What the model looks at: the whole frame, or each face.", valueName: "frame|face"))
    var region: ModelCard.Region?

    @Option(help: ArgumentHelp("Side of the square about a face, over the longer side of its box. Default: 1.25.", valueName: "x"))
    var faceScale: Double?

    @Option(help: ArgumentHelp("Whether the square is turned so that the eyes are level. Default: none.", valueName: "none|eyes"))
    var faceAlignment: FaceCropRule.Alignment?

    func validate() throws {
        if region != .face, faceScale != nil || faceAlignment != nil {
            throw ValidationError("--face-scale and --face-alignment go with --region face")
        }
        if let faceScale, !(1...4).contains(faceScale) { throw ValidationError("--face-scale must be 1 to 4") }
    }

    /// The card with what was asked for; as it is when nothing was.
    func applied(to card: ModelCard) -> ModelCard {
        guard let region else { return card }
        var card = card
        let rule = FaceCropRule()
        card.region = region
        card.faceCrop = region == .face
            ? FaceCropRule(scale: faceScale ?? rule.scale, alignment: faceAlignment ?? rule.alignment) : nil
        return card
    }
}

/// Makes random weights.
struct ModelInitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make a checkpoint of random weights, the same for the same seed.",
        discussion: "It says of itself that it is untrained, and every verdict from it is uncertain: for trying things out.")

    @Option(help: ArgumentHelp("What the weights are made from.", valueName: "n"))
    var seed: UInt64

    @Option(help: ArgumentHelp("The head: linear (512 to 1) or mlp (512 to 512 to 1).", valueName: "head"))
    var head = ModelCard.Head.linear

    @OptionGroup var region: RegionOptions

    @OptionGroup var output: CheckpointOutput

    func run() async throws {
        try output.check()
        let checkpoint = try Checkpoint.initialised(seed: seed, head: head)
        let card = region.applied(to: checkpoint.card)
        try output.write(card == checkpoint.card ? checkpoint : checkpoint.with(card: card))
    }
}

/// Turns another program's checkpoint into ours.
struct ModelImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Turn a PyTorch, NumPy or safetensors checkpoint of a ResNet18 into one of Whorl's.",
        discussion: """
            Reads PyTorch .pth (zip and legacy), NumPy .npz and .safetensors, told by their contents. Nothing in the file is \
            executed: a pickle that refers to anything but tensors is refused. Names are torchvision's, after any prefix; the \
            head is found by its shape.
            """)

    @Argument(help: "The checkpoint to read.", completion: .file())
    var source: String

    @OptionGroup var output: CheckpointOutput

    @Option(help: ArgumentHelp("Make a random head from this seed if the source has none; untrained then.", valueName: "n"))
    var headSeed: UInt64?

    @Option(help: ArgumentHelp("The model's name. Default: the card's, else the source file's.", valueName: "text"))
    var name: String?

    @Option(help: ArgumentHelp("The model's version. Default: the card's, else 1.", valueName: "text"))
    var modelVersion: String?

    @OptionGroup var region: RegionOptions

    @Flag(help: "Say on the card that the weights were never trained, so that every verdict is uncertain.")
    var untrained = false

    func run() async throws {
        try output.check()
        do throws(CheckpointError) {
            var checkpoint = try CheckpointImporter.read(
                path: source, options: .init(headSeed: headSeed, name: name, version: modelVersion))
            // A source with a card of its own keeps it but for what was asked for here.
            var card = region.applied(to: checkpoint.card)
            card.name = name ?? card.name
            card.version = modelVersion ?? card.version
            if untrained { card.trained = false }
            if card != checkpoint.card { checkpoint = try checkpoint.with(card: card) }
            try write(checkpoint)
        } catch {
            throw CommandFailure(.failure, code: "bad_checkpoint", "\(error)").about(source)
        }
    }

    private func write(_ checkpoint: Checkpoint) throws(CheckpointError) {
        do {
            try output.write(checkpoint)
        } catch let error as CheckpointError {
            throw error
        } catch {
            throw .unwritable(path: output.path, reason: "\(error)")
        }
    }
}
