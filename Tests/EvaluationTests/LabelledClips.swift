import Detector
import Evaluation
import Foundation
import JobModel
import Testing
import Video

/// A handful of clips with labels, made once: two people (one of them the mirror of the other) real and blended, a clip without a face, and a file
/// that is no clip.
enum LabelledClips {
    static let folder: Result<String, any Error> = Result {
        let folder = FileManager.default.temporaryDirectory.path + "/whorl-evaluation-tests-\(ProcessInfo.processInfo.processIdentifier)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let samples = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("samples").path
        for (name, source, filter) in [
            ("real-1.mp4", "astronaut-real.mp4", "null"), ("real-2.mp4", "astronaut-real.mp4", "hflip"),
            ("fake-1.mp4", "astronaut-blended.mp4", "null"), ("fake-2.mp4", "astronaut-blended.mp4", "hflip"),
            ("fake-nobody.mp4", "astronaut-real.mp4", "crop=200:100:280:380,scale=480:240"),
        ] {
            try ffmpeg(["-i", "\(samples)/\(source)", "-vf", "\(filter),scale=320:-2", "-t", "1", "-c:v", "libx264", "\(folder)/\(name)"])
        }
        try Data("no clip at all".utf8).write(to: URL(fileURLWithPath: "\(folder)/real-broken.mp4"))
        return folder
    }

    static func all() throws -> [EvaluationClip] {
        let folder = try folder.get()
        func clip(_ name: String, _ label: EvaluationClip.Label, _ method: String, _ group: String) -> EvaluationClip {
            EvaluationClip(path: "\(folder)/\(name).mp4", name: "\(label.rawValue)/\(name)", label: label, method: method, group: group)
        }
        return [
            clip("real-1", .real, "real", "one"), clip("real-2", .real, "real", "two"), clip("real-broken", .real, "real", "two"),
            clip("fake-1", .fake, "Blending", "one"), clip("fake-2", .fake, "Blending", "two"), clip("fake-nobody", .fake, "Nobody", "one"),
        ]
    }

    static func checkpoint(region: ModelCard.Region = .face) throws -> Checkpoint {
        let checkpoint = try Checkpoint.initialised(seed: 5)
        var card = checkpoint.card
        card.region = region
        card.faceCrop = region == .face ? FaceCropRule() : nil
        return try checkpoint.with(card: card)
    }

    static let options = EvaluationOptions(
        sampling: Sampling(count: 4), robustness: [RobustnessCell(crf: 40, scale: 0.75, frameShare: 0.5)], shortcuts: true, explanations: true,
        untrainedBaseline: true, resamples: 60, seed: 3, explanationClips: 2, worstErrors: 1)

    private static let product = Task { () async throws -> EvaluationRun.Product in
        try await EvaluationRun(checkpoint: checkpoint(), threads: 1, options: options).run(all(), date: Date(timeIntervalSince1970: 1_700_000_000))
    }

    /// One run with everything in it, shared by the tests that look at its report.
    static func run() async throws -> EvaluationRun.Product { try await product.value }

    static func ffmpeg(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/ffmpeg")
        process.arguments = ["-nostdin", "-v", "error", "-y"] + arguments
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "ffmpeg \(arguments)")
    }
}
