import Foundation
import Testing

/// `evaluate` and `calibrate` as a user runs them.
@Suite struct EvaluateTests {
    private static let samples = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("samples").path

    /// An untrained model of faces.
    private static let model: Result<String, any Error> = Result {
        let path = "\(WhorlProcess.folder)/whorl-tests/seed-9-face.safetensors"
        let outcome = try WhorlProcess.run(["model", "init", "--seed", "9", "--region", "face", "--output", path, "--force"])
        try #require(outcome.status == 0, "\(outcome.error)")
        return path
    }

    /// Two reals and two fakes of two people, and a note.
    private static func fill(_ folder: borrowing TestFolder) throws {
        for name in ["data/real", "data/fake"] {
            try FileManager.default.createDirectory(atPath: "\(folder.path)/\(name)", withIntermediateDirectories: true)
        }
        for (name, source, filter) in [
            ("real/001", "real", "null"), ("real/002", "real", "hflip"), ("fake/Blending_001", "blended", "null"),
            ("fake/Blending_002", "blended", "hflip"),
        ] {
            _ = try folder.ffmpeg("data/\(name).mp4", [
                "-i", "\(samples)/astronaut-\(source).mp4", "-vf", "\(filter),scale=240:-2", "-t", "1", "-c:v", "libx264",
            ])
        }
        _ = try folder.write("data/real/README.txt", "a note".utf8)
    }

    private static func evaluate(_ folder: borrowing TestFolder, _ arguments: [String] = []) throws -> Outcome {
        try WhorlProcess.run(
            ["evaluate", try model.get(), "--data", "\(folder.path)/data", "--output", "\(folder.path)/report", "--bootstrap", "50", "--frames", "2"]
                + arguments)
    }

    @Test func aReportIsWritten() throws {
        let folder = try TestFolder()
        try Self.fill(folder)
        let outcome = try Self.evaluate(folder, ["--shortcuts", "--errors", "1"])
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(outcome.output.contains("4 of 4 clips judged: 2 real, 2 fake, 2 groups"))
        #expect(outcome.output.contains("AUC Blending") && outcome.output.contains("by bitrate"))
        #expect(outcome.error.contains("1 files are no clips"))
        let object = try JSONSerialization.jsonObject(with: Data(folder.bytes("report/evaluation.json"))) as? [String: Any]
        let groups = try #require(object?["groups"] as? [[String: Any]])
        #expect(groups.compactMap { $0["name"] as? String } == ["001", "002"])
        let page = String(decoding: try folder.bytes("report/evaluation.html"), as: UTF8.self)
        #expect(page.hasPrefix("<!DOCTYPE html>") && page.contains("Blending"))

        // The same logits calibrate the model, without the clips.
        let calibrated = try WhorlProcess.run([
            "calibrate", try Self.model.get(), "--fit", "\(folder.path)/report/evaluation.json", "--output", "\(folder.path)/calibrated.safetensors",
            "--target-error", "0.5",
        ])
        #expect(calibrated.output.contains("temperature"), "\(calibrated.error)")
        let inspected = try WhorlProcess.run(["model", "inspect", "\(folder.path)/calibrated.safetensors", "--json"])
        #expect(inspected.output.contains("temperature"))
    }

    @Test func oneGroupHasNoIntervalsOverGroups() throws {
        let folder = try TestFolder()
        try Self.fill(folder)
        let outcome = try Self.evaluate(folder, ["--pattern", "[0-9]"])
        #expect(outcome.status == 0 && outcome.output.contains("one group only"), "\(outcome.output) \(outcome.error)")
    }

    @Test func whatIsMissingIsNamed() throws {
        let folder = try TestFolder()
        let nothing = try Self.evaluate(folder)
        #expect(nothing.status == 1 && nothing.error.contains("real/"), "\(nothing.error)")
        try FileManager.default.createDirectory(atPath: "\(folder.path)/data/real", withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: "\(folder.path)/data/fake", withIntermediateDirectories: true)
        let empty = try Self.evaluate(folder)
        #expect(empty.status == 1 && empty.error.contains("there are no real clips"), "\(empty.error)")
        #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/report"))
        #expect(try Self.evaluate(folder, ["--pattern", "("]).status == 2)
        let model = try WhorlProcess.run(["evaluate", "\(folder.path)/none", "--data", "\(folder.path)/data", "--output", "\(folder.path)/report"])
        #expect(model.status == 1 && model.error.contains("none"))
    }

    @Test func calibrationOfLogits() throws {
        let folder = try TestFolder()
        func calibrate(_ logits: String, _ arguments: [String] = []) throws -> Outcome {
            let path = try folder.write("logits.json", logits.utf8)
            return try WhorlProcess.run(
                ["calibrate", try Self.model.get(), "--fit", path, "--output", "\(folder.path)/c.safetensors", "--force"] + arguments)
        }
        let fine = try calibrate(
            """
            [{"isFake": true, "logit": 3}, {"isFake": false, "logit": -2}, {"isFake": false, "logit": 1}, {"isFake": true, "logit": 2}]
            """)
        #expect(fine.status == 0 && fine.output.contains("0 of them wrong"), "\(fine.error) \(fine.output)")
        let hopeless = try calibrate("[{\"isFake\": true, \"logit\": -3}, {\"isFake\": false, \"logit\": 2}]")
        #expect(hopeless.status == 1 && hopeless.error.contains("no band"))
        let one = try calibrate("[{\"isFake\": true, \"logit\": -3}]")
        #expect(one.status == 1 && one.error.contains("no real clips"))
        #expect(try calibrate("{\"x\": 1}").status == 1)
    }
}
