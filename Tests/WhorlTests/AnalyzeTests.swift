import Foundation
import JobModel
import Testing

@Suite struct AnalyzeTests {
    @Test func jsonIsTheAPIsVerdict() throws {
        let folder = try TestFolder()
        let clip = try folder.clip()
        let outcome = try WhorlProcess.analyze([clip, "--json"])
        #expect(outcome.status == 0)
        #expect(outcome.error.isEmpty)

        let object = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
        #expect(Set(object.keys) == [
            "label", "probability", "confidence", "logit", "threshold", "abstention", "model", "video", "sampling", "tracks",
            "decidedBy", "reasons", "warnings", "reused", "timings",
        ])
        let verdict = try WhorlJSON.decoder().decode(Verdict.self, from: Data(outcome.output.utf8))
        let printed = try WhorlJSON.encoder(pretty: true).encode(verdict)
        #expect(String(decoding: printed, as: UTF8.self) + "\n" == outcome.output)
        #expect(verdict.label == .uncertain)
        #expect(verdict.reasons.contains(.untrainedModel))
        #expect(!verdict.model.trained)
        #expect(verdict.video.width == 160 && verdict.video.height == 120 && verdict.video.frameCount == 30)
        let digest = try sha256(of: clip)
        #expect(verdict.video.sha256 == digest)
    }

    @Test func contributionsAddUpToTheLogit() throws {
        let folder = try TestFolder()
        let outcome = try WhorlProcess.analyze([try folder.clip(), "--json"])
        let verdict = try WhorlJSON.decoder().decode(Verdict.self, from: Data(outcome.output.utf8))
        let track = try #require(verdict.tracks.first)
        #expect(track.frames.count == 16)
        #expect(track.frames.map(\.index) == Array(0..<16))
        let logit = try #require(verdict.logit)
        // The shares are exact quotients in Double; only their sum rounds.
        #expect(abs(track.frames.reduce(0) { $0 + $1.contribution } - logit) < 1e-9)
        #expect(abs(1 / (1 + exp(-logit / verdict.model.temperature)) - (verdict.probability ?? -1)) < 1e-12)
    }

    @Test func verdictForPeople() throws {
        let folder = try TestFolder()
        let outcome = try WhorlProcess.analyze([try folder.clip(frames: 9), "--frames", "12"])
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("UNCERTAIN"))
        #expect(outcome.output.contains("probability of fake 0."))
        #expect(outcome.output.contains("Untrained model"))
        #expect(outcome.output.contains("fewer frames than are sampled"))
        #expect(outcome.output.contains("What it rests on"))
        #expect(outcome.output.split(separator: "\n").filter { $0.contains("│") && $0.contains("·") }.count == 12)
        #expect(!outcome.output.contains("\u{1B}"))
        #expect(outcome.error.isEmpty, "no progress bar where no terminal is")
    }

    @Test func asciiWhereTheLocaleIs() throws {
        let folder = try TestFolder()
        let outcome = try WhorlProcess.analyze([try folder.clip()], environment: ["LANG": "C"])
        #expect(outcome.status == 0)
        #expect(outcome.output.utf8.allSatisfy { $0 < 128 })
        #expect(outcome.output.contains("|...."))
    }

    @Test func aVerdictThatNobodyGotIsNoSuccess() throws {
        let folder = try TestFolder()
        let line = "exec '\(WhorlProcess.folder)/whorl' analyze --json --model '\(try WhorlProcess.model.get())' '\(try folder.clip())'"
        for (redirection, expected) in [("> /dev/full", Int32(1)), ("> /dev/null 2> /dev/full", 0)] {
            let shell = Process()
            shell.executableURL = URL(fileURLWithPath: "/bin/sh")
            shell.arguments = ["-c", "\(line) \(redirection)"]
            shell.standardError = FileHandle.nullDevice
            try shell.run()
            shell.waitUntilExit()
            #expect(shell.terminationReason == .exit && shell.terminationStatus == expected)
        }
    }

    @Test func evidenceOfAnEarlierRunDoesNotStay() throws {
        let folder = try TestFolder()
        let clip = try folder.clip()
        let output = "\(folder.path)/evidence"
        for count in ["6", "2"] {
            #expect(try WhorlProcess.analyze([clip, "--frames", count, "--output", output]).status == 0)
        }
        let frames = try FileManager.default.contentsOfDirectory(atPath: output).filter { $0.hasPrefix("frame-") }
        #expect(frames.count == 2)
    }

    @Test func severalFiles() throws {
        let folder = try TestFolder()
        let good = try folder.clip()
        let bad = try folder.write("notes.mp4", "no video\n".utf8)
        let outcome = try WhorlProcess.analyze([good, bad, "\(folder.path)/missing.mp4", good, "--json"])
        #expect(outcome.status == 3)
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.count == 4)
        struct Line: Decodable {
            var file: String
            var verdict: Verdict?
            var error: JobError?
        }
        let parsed = try lines.map { try WhorlJSON.decoder().decode(Line.self, from: Data($0.utf8)) }
        #expect(parsed.map(\.file) == [good, bad, "\(folder.path)/missing.mp4", good])
        #expect(parsed.map { $0.verdict != nil } == [true, false, false, true])
        #expect(parsed[1].error?.code == "not_a_video")
        #expect(parsed[2].error?.code == "unreadable_input")
        let complaints = outcome.error.split(separator: "\n")
        #expect(complaints.count == 2 && complaints.allSatisfy { $0.hasPrefix("whorl: ") })
    }

    @Test func outputHoldsTheEvidence() throws {
        let folder = try TestFolder()
        let clip = try folder.clip(size: "320x180")
        let outcome = try WhorlProcess.analyze([clip, "--output", "\(folder.path)/out/deep", "--frames", "3"])
        #expect(outcome.status == 0)
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/out/deep").sorted()
        let pictures = (0..<3).flatMap { ["frame-0\($0).jpg", "gradcam-0\($0).jpg", "gradcam-0\($0).png"] }
        #expect(names == (pictures + ["contact-sheet.png", "verdict.json"]).sorted())
        for name in pictures where name.hasSuffix("jpg") {
            #expect(try folder.bytes("out/deep/\(name)").starts(with: [0xFF, 0xD8, 0xFF]))
        }
        let png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        for name in pictures where name.hasSuffix("png") {
            let bytes = try folder.bytes("out/deep/\(name)")
            #expect(bytes.starts(with: png))
            #expect(size(ofPNG: bytes) == [7, 7])
            #expect(bytes[24] == 16 && bytes[25] == 0, "16-bit grey")
        }
        let sheet = try folder.bytes("out/deep/contact-sheet.png")
        #expect(sheet.starts(with: png))
        #expect(size(ofPNG: sheet)[0] == 1360)
        #expect(size(ofPNG: sheet)[1] > 500)
        let verdict = try WhorlJSON.decoder().decode(
            Verdict.self, from: Data(try folder.bytes("out/deep/verdict.json")))
        #expect(verdict.timings.drawMilliseconds > 0)
        #expect(outcome.output.contains("out/deep/contact-sheet.png"))
    }

    @Test func outputOfSeveralFiles() throws {
        let folder = try TestFolder()
        let clip = try folder.clip("a.mp4")
        let twin = try folder.clip("a.mkv")
        let outcome = try WhorlProcess.analyze([clip, "/dev/null", twin, "--output", "\(folder.path)/out", "--frames", "2"])
        #expect(outcome.status == 3)
        for name in ["out/a/verdict.json", "out/a-2/verdict.json"] { #expect(try folder.bytes(name).count > 100) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/out").sorted() == ["a", "a-2"])
    }

    @Test func unwritableOutputIsNoFaultOfTheClip() throws {
        let folder = try TestFolder()
        let file = try folder.write("file", [1])
        let outcome = try WhorlProcess.analyze([try folder.clip(), "--output", "\(file)/out"])
        #expect(outcome.status == 1)
        #expect(outcome.error.hasPrefix("whorl: "))
    }

    @Test func whereTheModelIs() throws {
        let folder = try TestFolder()
        let clip = try folder.clip()
        let shipped = try WhorlProcess.run(["analyze", clip, "--json"], folder: folder.path)
        #expect(shipped.status == 0, "\(shipped.error)")
        #expect(try Self.verdict(shipped).model.trained)
        let named = try WhorlProcess.run(
            ["analyze", clip, "--json"], environment: ["WHORL_MODEL_PATH": try WhorlProcess.model.get()])
        #expect(try named.status == 0 && !Self.verdict(named).model.trained)
        let missing = try WhorlProcess.run(["analyze", clip], environment: ["WHORL_MODEL_PATH": "\(folder.path)/none"])
        #expect(missing.status == 1 && missing.error.contains("none"))
    }

    private static func verdict(_ outcome: Outcome) throws -> Verdict {
        try WhorlJSON.decoder().decode(Verdict.self, from: Data(outcome.output.utf8))
    }

    /// One crude forgery: it shows that weights, card and crops belong together, not how good the model is.
    @Test func theModelThatShipsTellsTheSamplesApart() throws {
        let samples = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("samples").path
        let real = try Self.verdict(WhorlProcess.run(["analyze", "\(samples)/astronaut-real.mp4", "--json"]))
        let blended = try Self.verdict(WhorlProcess.run(["analyze", "\(samples)/astronaut-blended.mp4", "--json"]))
        #expect(real.label == .real && blended.label == .fake)
        #expect(try #require(real.probability) < 0.23 && #require(blended.probability) > 0.95)
    }

    private func size(ofPNG bytes: [UInt8]) -> [Int] {
        [16, 20].map { start in bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) } }
    }

    private func sha256(of path: String) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/sha256sum")
        process.arguments = [path]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return String(text.prefix(64))
    }
}
