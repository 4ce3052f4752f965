import Foundation
import NeuralCore
import Synchronization
import Testing
import TinyTraining
import Training

@Suite struct TrainerTests {
    /// What a run leaves that must be the same to the byte.
    static let exactFiles = ["state.whorl", "metrics.jsonl", "curves.svg"]

    private func run(
        in path: String, _ recipe: Recipe, resuming: Bool = false, threads: Int = 1, stopAfter: Int? = nil
    ) throws -> Trainer.Outcome {
        let folder = try RunFolder(path: path, resuming: resuming)
        var steps = 0
        return try TinyRun.trainer(recipe, folder: folder, threads: threads).run(
            shouldStop: {
                steps += 1
                return steps == stopAfter
            })
    }

    private func expectSame(_ first: borrowing ScratchFolder, _ second: borrowing ScratchFolder, _ comment: Comment? = nil) throws {
        for name in Self.exactFiles {
            let same = try first.bytes(name) == second.bytes(name)
            #expect(same, "\(name) differs \(comment ?? "")")
        }
    }

    @Test func learnsToTellPicturesApart() throws {
        let folder = try ScratchFolder()
        let recipe = TinyRun.recipe(steps: 80) { $0.validation.everySteps = 20 }
        var validations: [TrainingMetrics.Validation] = []
        var first: Double?
        var last = 0.0
        let trainer = try TinyRun.trainer(recipe, folder: RunFolder(path: folder.path, resuming: false))
        let outcome = try trainer.run(report: { event in
            switch event {
            case .step(let step, let loss, let rate, _):
                first = first ?? step.loss
                last = loss
                #expect(rate > 0)
            case .validation(let validation): validations.append(validation)
            default: break
            }
        })
        #expect(outcome == .finished(step: 80))
        #expect(last < 0.5 * (first ?? 0), "the loss went from \(first ?? 0) to \(last)")
        #expect(validations.map(\.step) == [20, 40, 60, 80])
        let blends = try #require(validations.last?.sets["blends"])
        #expect(blends.auc == 1 && blends.reals == 3 && blends.fakes == 3)
        // Reals alone have no curve.
        #expect(validations.last?.sets["held out"]?.auc == nil)
        let curves = String(decoding: try folder.bytes("curves.svg"), as: UTF8.self)
        #expect(curves.hasPrefix("<svg") && curves.contains("blends 1.000") && curves.hasSuffix("</svg>\n"))
        let lines = try folder.bytes("metrics.jsonl").split(separator: UInt8(ascii: "\n"))
        #expect(lines.count == 84)
        #expect(String(decoding: lines[0], as: UTF8.self).contains("\"kind\":\"step\",\"loss\":"))
        #expect(try JSONDecoder().decode(TrainingMetrics.self, from: lines[84 - 1]) == .validation(validations[3]))
        #expect(try folder.bytes("timings.jsonl").split(separator: UInt8(ascii: "\n")).count == 80)
    }

    @Test(arguments: [OptimiserSettings.Kind.adamw, .sgd], [0, 0.05])
    func resumedIsUninterrupted(kind: OptimiserSettings.Kind, radius: Double) throws {
        let recipe = TinyRun.recipe(steps: 23) {
            $0.optimiser.kind = kind
            $0.optimiser.sharpnessRadius = radius
            $0.validation.patience = 50
        }
        let whole = try ScratchFolder()
        #expect(try run(in: whole.path, recipe) == .finished(step: 23))
        // Other threads, and stops at steps that are and are not those of a validation or of a saved state.
        let parts = try ScratchFolder()
        var recipeOfParts = recipe
        recipeOfParts.machine.loaders = 3
        recipeOfParts.machine.batchesAhead = 2
        #expect(try run(in: parts.path, recipeOfParts, threads: 2, stopAfter: 1) == .interrupted(step: 1))
        #expect(try run(in: parts.path, recipeOfParts, resuming: true, threads: 3, stopAfter: 6) == .interrupted(step: 7))
        #expect(try run(in: parts.path, recipeOfParts, resuming: true, stopAfter: 5) == .interrupted(step: 12))
        #expect(try run(in: parts.path, recipeOfParts, resuming: true) == .finished(step: 23))
        try expectSame(whole, parts)
        // A finished run has nothing left to do.
        #expect(try run(in: parts.path, recipeOfParts, resuming: true) == .finished(step: 23))
        try expectSame(whole, parts)
        // Another seed is another run: the comparison would notice.
        let other = try ScratchFolder()
        var otherRecipe = recipe
        otherRecipe.seed = 2
        _ = try run(in: other.path, otherRecipe)
        #expect(try other.bytes("metrics.jsonl") != whole.bytes("metrics.jsonl"))
    }

    @Test(arguments: [0, 0.05]) func killedAtAnyStepIsUninterrupted(radius: Double) throws {
        let steps = 30
        let whole = try ScratchFolder()
        #expect(try probe(whole.path, steps: steps, radius: radius, killAfter: nil) == 0)
        let killed = try ScratchFolder()
        var random = SeededRandom(seed: 11, stream: "kills \(radius)")
        var kills = 0
        while true {
            // Each life is of some lines; a saved state in between makes sure that the run gets on.
            let status = try probe(killed.path, steps: steps, radius: radius, killAfter: kills < 8 ? 1 + random.index(below: 9) : nil)
            if status == 0 { break }
            #expect(status == SIGKILL)
            kills += 1
            try #require(kills <= 8)
        }
        #expect(kills >= 3)
        try expectSame(whole, killed, "after \(kills) kills")
    }

    /// Runs the probe, kills it after so many steps, and gives its exit status or the signal that ended it.
    private func probe(_ folder: String, steps: Int, radius: Double, killAfter: Int?) throws -> Int32 {
        let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let candidates = [ProcessInfo.processInfo.environment["WHORL_BIN_DIR"].map { URL(fileURLWithPath: $0) }, tests, Self.buildFolder]
        let found = candidates.compactMap { $0?.appendingPathComponent("whorl-training-probe") }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
        let executable: URL = try #require(found, "the probe is built with the tests")
        let process = Process()
        process.executableURL = executable
        process.arguments = [folder, "\(steps)", "\(radius)"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        var lines = 0
        while let byte = try pipe.fileHandleForReading.read(upToCount: 1), let byte = byte.first {
            if byte == UInt8(ascii: "\n") { lines += 1 }
            if lines == killAfter {
                kill(process.processIdentifier, SIGKILL)
                break
            }
        }
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// Where this test's bundle lies.
    private static let buildFolder = Bundle.module.bundleURL.deletingLastPathComponent()

    @Test func stopsEarlyAndKeepsTheBest() throws {
        let folder = try ScratchFolder()
        // A model that is perfect soon cannot get better: patience runs out.
        let recipe = TinyRun.recipe(steps: 400) {
            $0.validation.patience = 3
            $0.validation.everySteps = 10
        }
        func life(resuming: Bool) throws -> (outcome: Trainer.Outcome, best: TrainingState.Best?, bestValues: [Float], lastValues: [Float]) {
            let trainer = try TinyRun.trainer(recipe, folder: RunFolder(path: folder.path, resuming: resuming))
            let outcome = try trainer.run()
            let best = trainer.bestResult
            return (outcome, best?.at, best.map { Array($0.parameters.values) } ?? [], Array(trainer.result.parameters.values))
        }
        let first = try life(resuming: false)
        guard case .stoppedEarly(let step) = first.outcome else {
            Issue.record("the run went on to its end")
            return
        }
        #expect(first.best?.auc == 1 && first.best?.step == step - 30)
        #expect(first.bestValues != first.lastValues)
        // Asked again, it has not forgotten.
        let again = try life(resuming: true)
        #expect(again.outcome == first.outcome && again.best == first.best && again.bestValues == first.bestValues)
    }

    @Test func stopsWhenTheGradientIsNoNumber() throws {
        let folder = try ScratchFolder()
        let recipe = TinyRun.recipe(steps: 30) { $0.validation.everySteps = 0 }
        let model = TinyModel(seed: 1)
        model.poisonedForward = 11
        var failure: TrainingError?
        do {
            _ = try TinyRun.trainer(recipe, folder: RunFolder(path: folder.path, resuming: false), model: model).run()
        } catch let error as TrainingError {
            failure = error
        }
        #expect(failure == .diverged(step: 11, what: "the gradient", savedStep: 8))
        #expect("\(try #require(failure))".contains("at step 11"))
        #expect(model.parameters.values.allSatisfy { $0.isFinite }, "nothing was changed")
        // The saved state is whole, and with a sane model the run ends as if nothing had happened.
        #expect(try run(in: folder.path, recipe, resuming: true) == .finished(step: 30))
        let whole = try ScratchFolder()
        _ = try run(in: whole.path, recipe)
        try expectSame(whole, folder)
    }

    @Test func stopsWhenTheLossIsNoNumber() throws {
        let folder = try ScratchFolder()
        let model = TinyModel(seed: 1)
        model.poisonedLogits = 6
        #expect(throws: TrainingError.diverged(step: 6, what: "the loss", savedStep: 4)) {
            try TinyRun.trainer(TinyRun.recipe(steps: 9), folder: RunFolder(path: folder.path, resuming: false), model: model).run()
        }
    }

    @Test func valuesThatAreNoNumbersAreNeverSaved() throws {
        let folder = try ScratchFolder()
        // Rates as no recipe allows: the first update overflows, though loss and gradient are finite.
        let recipe = TinyRun.recipe(steps: 9) {
            $0.optimiser.kind = .sgd
            $0.optimiser.rate = 1e38
            $0.optimiser.headRate = 1e38
            $0.optimiser.clipNorm = 0
            $0.schedule.warmUpSteps = 0
            $0.loss.fakeWeight = 1e6
            $0.machine.saveEverySteps = 1
            $0.validation.everySteps = 0
        }
        #expect(throws: TrainingError.diverged(step: 1, what: "a parameter or moment", savedStep: 0)) {
            try TinyRun.trainer(recipe, folder: RunFolder(path: folder.path, resuming: false)).run()
        }
    }

    @Test func aFullDiskKeepsTheLastState() throws {
        let folder = try ScratchFolder()
        let recipe = TinyRun.recipe(steps: 30)
        #expect(try run(in: folder.path, recipe, stopAfter: 5) == .interrupted(step: 5))
        let saved = try folder.bytes("state.whorl")
        // /dev/full is a disk without room.
        try FileManager.default.createSymbolicLink(atPath: folder.path + "/state.whorl.partial", withDestinationPath: "/dev/full")
        do {
            _ = try run(in: folder.path, recipe, resuming: true)
            Issue.record("it wrote to a full disk")
        } catch TrainingError.unwritable(let path, let reason) {
            #expect(path.hasSuffix("state.whorl") && reason.contains("No space"))
        }
        #expect(try folder.bytes("state.whorl") == saved)
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/state.whorl.partial"))
        #expect(try run(in: folder.path, recipe, resuming: true) == .finished(step: 30))
        let whole = try ScratchFolder()
        _ = try run(in: whole.path, recipe)
        try expectSame(whole, folder)
    }
}
