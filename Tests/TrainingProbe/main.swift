import Foundation
import TinyTraining
import Training

// A training that tests kill: whorl-training-probe FOLDER STEPS RADIUS. Says each step on standard output, so that it can be killed at a step.
let arguments = CommandLine.arguments
guard arguments.count == 4, let steps = Int(arguments[2]), let radius = Double(arguments[3]) else { exit(2) }
do {
    let recipe = TinyRun.recipe(steps: steps) { $0.optimiser.sharpnessRadius = radius }
    let folder = try RunFolder(path: arguments[1], resuming: true)
    let outcome = try TinyRun.trainer(recipe, folder: folder).run(report: { event in
        if case .step(let metrics, _, _, _) = event { FileHandle.standardOutput.write(Data("\(metrics.step)\n".utf8)) }
    })
    exit(outcome == .finished(step: steps) ? 0 : 1)
} catch {
    FileHandle.standardError.write(Data("\(error)\n".utf8))
    exit(1)
}
