import ArgumentParser
import Crops
import Datasets
import Foundation
import Training

/// Draws fakes as a recipe makes them.
struct DatasetBlendsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "blends",
        abstract: "Draw some of a dataset's reals beside the fakes that self-blending makes of them.",
        discussion: "A sheet to look at before hours are spent on training: what differs between a real and its fake is all that a network can learn.")

    @Argument(help: ArgumentHelp("The dataset's folder.", valueName: "dir"), completion: .directory)
    var path: String

    @Option(help: ArgumentHelp("The sheet, a JPEG file.", valueName: "file"), completion: .file(extensions: ["jpg", "jpeg"]))
    var output: String

    @Flag(help: "Overwrite the output if it exists.")
    var force = false

    @Option(help: ArgumentHelp("The recipe that says how fakes are made. Default: a recipe's defaults.", valueName: "file"), completion: .file())
    var recipe: String?

    @Option(help: ArgumentHelp("Pairs to draw, 1 to 64.", valueName: "n"))
    var pairs = 12

    @Option(help: ArgumentHelp("What the pairs are drawn from.", valueName: "n"))
    var seed: UInt64 = 1

    func validate() throws {
        guard BlendSheet.pairRange.contains(pairs) else { throw ValidationError("--pairs must be 1 to 64") }
    }

    func run() throws {
        try OutputFile(path: output).check(force: force)
        let recipe: Recipe
        do throws(TrainingError) {
            recipe = try self.recipe.map { path throws(TrainingError) in try RecipeReader.read(path: path) } ?? Recipe(kind: .selfBlend)
        } catch {
            throw CommandFailure(error)
        }
        let sheet: [UInt8]
        do {
            sheet = try BlendSheet(CropDataset.open(path: path), settings: recipe.blend, pairs: pairs, seed: seed).encoded()
        } catch let error as CropsError {
            throw CommandFailure(error)
        } catch let error as DatasetError {
            throw CommandFailure(error)
        }
        do {
            try Data(sheet).write(to: URL(fileURLWithPath: output), options: .atomic)
        } catch {
            throw CommandFailure(.failure, code: "unwritable_output", "\(Terminal.printable(output)) cannot be written: \(error.localizedDescription)")
        }
    }
}
