import Foundation
import Testing

/// `dataset index` and `train` as a user runs them: from clips to a model that judges one.
@Suite struct TrainTests {
    private static let sample = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("samples/astronaut-real.mp4").path

    private static let recipe = """
        kind: self-blend
        name: tiny
        seed: 3
        batch: 2
        steps: 3
        split: {heldOut: 0.34}
        mix: {clipShare: 1}
        validation: {everySteps: 2, cropsPerSource: 1, blendsPerSource: 1}
        machine: {saveEverySteps: 1}
        """

    /// Three people, all of them real, cut out.
    private static func index(_ folder: borrowing TestFolder) throws {
        try FileManager.default.createDirectory(atPath: "\(folder.path)/clips", withIntermediateDirectories: true)
        for (name, filter) in [("a", "null"), ("b", "hflip"), ("c", "eq=brightness=0.1")] {
            _ = try folder.ffmpeg("clips/\(name).mp4", ["-i", sample, "-vf", filter, "-frames:v", "6", "-c:v", "libx264", "-crf", "12"])
        }
        let outcome = try WhorlProcess.run([
            "dataset", "index", "\(folder.path)/clips", "--label", "real", "--frames", "3", "--output", "\(folder.path)/data",
        ])
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(outcome.output.contains("meshes for 9 of 9 crops"), "\(outcome.output)")
        #expect(FileManager.default.fileExists(atPath: "\(folder.path)/data/samples.jpg"))
    }

    private static func train(_ folder: borrowing TestFolder, _ output: String, _ arguments: [String] = []) throws -> Outcome {
        let recipe = try folder.write("recipe.yaml", recipe.utf8)
        return try WhorlProcess.run(
            ["train", recipe, "--data", "\(folder.path)/data", "--output", "\(folder.path)/\(output)", "--threads", "2"] + arguments)
    }

    @Test func fromClipsToAModelThatJudges() throws {
        let folder = try TestFolder()
        try Self.index(folder)
        let outcome = try Self.train(folder, "run")
        #expect(outcome.status == 0 && outcome.output.contains("trained for 3 steps"), "\(outcome.error)")
        let shown = try WhorlProcess.run(["model", "inspect", "\(folder.path)/run/model.safetensors", "--json"])
        #expect(shown.output.contains("\"trained\" : true") || shown.output.contains("\"trained\":true"), "\(shown.output)")

        let judged = try JSONSerialization.jsonObject(with: Data(folder.bytes("run/held-out.json"))) as? [[String: Any]]
        #expect(Set((judged ?? []).compactMap { $0["isFake"] as? Bool }) == [true, false])
        let lines = String(decoding: try folder.bytes("run/metrics.jsonl"), as: UTF8.self).split(separator: "\n")
        #expect(lines.count { $0.contains("\"step\"") && $0.contains("gradientNorm") } == 3)

        // Another number of threads changes no byte of what was learnt.
        let again = try Self.train(folder, "again", ["--threads", "1"])
        #expect(again.status == 0, "\(again.error)")
        for name in ["metrics.jsonl", "held-out.json", "curves.svg"] {
            #expect(try folder.bytes("run/\(name)") == folder.bytes("again/\(name)"), "\(name)")
        }

        let notes = try folder.write("notes.txt", "Made in a test.\nIt judges nothing.\n".utf8)
        let half = try WhorlProcess.run([
            "model", "store", "\(folder.path)/run/model.safetensors", "--output", "\(folder.path)/half.safetensors", "--notes", notes,
            "--version", "7",
        ])
        #expect(half.status == 0, "\(half.error)")
        let card = try WhorlProcess.run(["model", "inspect", "\(folder.path)/half.safetensors", "--json"]).output
        #expect(card.contains("Made in a test.\\nIt judges nothing.\"") && card.contains("\"version\" : \"7\""))
        let none = try WhorlProcess.run([
            "model", "store", "\(folder.path)/half.safetensors", "--output", "\(folder.path)/x.safetensors", "--notes", "\(folder.path)/none",
        ])
        #expect(none.status == 3 && none.error.contains("none") && !FileManager.default.fileExists(atPath: "\(folder.path)/x.safetensors"))
        let verdict = try WhorlProcess.run([
            "analyze", Self.sample, "--model", "\(folder.path)/half.safetensors", "--frames", "2", "--json",
        ])
        #expect(verdict.status == 0 && verdict.output.contains("tiny"), "\(verdict.error)")
    }

    @Test func whatIsMissingIsNamed() throws {
        let folder = try TestFolder()
        let noData = try Self.train(folder, "run")
        #expect(noData.status == 3 && noData.error.contains("data"), "\(noData.status) \(noData.error)")
        try Self.index(folder)
        #expect(try WhorlProcess.run(["dataset", "show", "\(folder.path)/data"]).status == 0)
        let blends = ["dataset", "blends", "\(folder.path)/data", "--pairs", "2", "--output", "\(folder.path)/blends.jpg"]
        #expect(try WhorlProcess.run(blends).status == 0)
        let sheet = try folder.bytes("blends.jpg")
        let refused = try WhorlProcess.run(blends + ["--seed", "2"])
        #expect(refused.status == 1 && refused.error.contains("--force"), "\(refused.error)")
        #expect(try folder.bytes("blends.jpg") == sheet)
        #expect(try WhorlProcess.run(blends + ["--seed", "2", "--force"]).status == 0)
        #expect(try folder.bytes("blends.jpg") != sheet)
        let bad = try folder.write("bad.yaml", "kind: self-blend\nsteps: 3\nbacth: 2\n".utf8)
        let typo = try WhorlProcess.run(["train", bad, "--data", "\(folder.path)/data", "--output", "\(folder.path)/run"])
        #expect(typo.status == 3 && typo.error.contains("bacth") && typo.error.contains("batch"), "\(typo.error)")
        let baseline = try folder.write("baseline.yaml", "kind: baseline\nsteps: 3\n".utf8)
        let noFakes = try WhorlProcess.run(["train", baseline, "--data", "\(folder.path)/data", "--output", "\(folder.path)/run"])
        #expect(noFakes.status == 3 && noFakes.error.contains("fake"), "\(noFakes.error)")
        #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/run/model.safetensors"))
        #expect(try Self.train(folder, "run").status == 0)
        let twice = try Self.train(folder, "run")
        #expect(twice.status == 1 && twice.error.contains("--resume"), "\(twice.error)")
    }
}
