import Foundation
import Testing
import TinyTraining
import Training

/// What may not be resumed, and why.
@Suite struct StateTests {
    private func trainer(_ path: String, _ recipe: Recipe, dataset: MemoryCrops = TinyRun.dataset(), resuming: Bool = true) throws -> Trainer {
        try TinyRun.trainer(recipe, folder: RunFolder(path: path, resuming: resuming), dataset: dataset)
    }

    private func reason(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "no error"
        } catch {
            return "\(error)"
        }
    }

    @Test func refusesWhatIsNotItsOwn() throws {
        let folder = try ScratchFolder()
        let recipe = TinyRun.recipe(steps: 12)
        _ = try trainer(folder.path, recipe, resuming: false).run()
        let state = try folder.bytes("state.whorl")
        let metrics = try folder.bytes("metrics.jsonl")

        // A folder that is in use without --resume, and one that is in use.
        #expect(reason { _ = try RunFolder(path: folder.path, resuming: false) }.contains("not empty"))
        let held = try RunFolder(path: folder.path, resuming: true)
        #expect(reason { _ = try RunFolder(path: folder.path, resuming: true) }.contains("another process"))
        _ = consume held

        var longer = recipe
        longer.steps = 13
        #expect(reason { _ = try trainer(folder.path, longer).run() }.contains("with this recipe"))
        var dataset = TinyRun.dataset()
        dataset.sources[0].sha256 = "changed"
        #expect(reason { _ = try trainer(folder.path, recipe, dataset: dataset).run() }.contains("other data"))
        // What only says how it is computed may change.
        var other = recipe
        other.machine.threads = 2
        other.machine.loaders = 1
        other.machine.batchesAhead = 9
        #expect(try trainer(folder.path, other).run() == .finished(step: 12))

        func damaged(_ change: (inout Data) -> Void) throws -> String {
            var bytes = state
            change(&bytes)
            try folder.write("state.whorl", bytes)
            return reason { _ = try trainer(folder.path, recipe).run() }
        }
        #expect(try damaged { $0.removeLast(40) }.contains("bytes, not"))
        #expect(try damaged { $0 = $0.prefix(100) }.contains("cut short"))
        #expect(try damaged { $0 = $0.prefix(30) }.contains("no state"))
        #expect(try damaged { $0 = Data("text".utf8) }.contains("no state"))
        #expect(try damaged { $0 = Data() }.contains("no state"))
        #expect(try damaged { $0[$0.count - 100] ^= 1 }.contains("damaged"))
        #expect(try damaged { $0[20] = 0 }.contains("damaged"))
        let version = try #require(state.firstRange(of: Data("\"version\":1".utf8)))
        #expect(try damaged { $0[version.upperBound - 1] = UInt8(ascii: "7") }.contains("version 7"))

        try folder.write("state.whorl", state)
        try folder.write("metrics.jsonl", metrics.dropLast(10))
        #expect(reason { _ = try trainer(folder.path, recipe).run() }.contains("cut or replaced"))
        try folder.write("metrics.jsonl", Data(repeating: UInt8(ascii: "x"), count: metrics.count))
        #expect(reason { _ = try trainer(folder.path, recipe).run() }.contains("line 1 is damaged"))
        // What comes after the state's part is of a run that was killed.
        try folder.write("metrics.jsonl", metrics + Data("{\"half".utf8))
        #expect(try trainer(folder.path, recipe).run() == .finished(step: 12))
        #expect(try folder.bytes("metrics.jsonl") == metrics)
    }

    @Test func resumingNothingBeginsAnew() throws {
        let folder = try ScratchFolder()
        #expect(try trainer(folder.path, TinyRun.recipe(steps: 5)).run() == .finished(step: 5))
    }
}
