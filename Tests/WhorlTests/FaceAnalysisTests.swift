import Foundation
import JobModel
import Testing

/// What a person sees of a model that looks at faces, and of the frames themselves.
@Suite struct FaceAnalysisTests {
    private static let sample = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("samples/astronaut-real.mp4").path

    private static let model: Result<String, any Error> = Result {
        let path = "\(WhorlProcess.folder)/whorl-tests/seed-7-face.safetensors"
        let outcome = try WhorlProcess.run(["model", "init", "--seed", "7", "--region", "face", "--output", path, "--force"])
        try #require(outcome.status == 0, "\(outcome.error)")
        return path
    }

    private static func verdict(_ arguments: [String]) throws -> Verdict {
        let outcome = try WhorlProcess.run(["analyze", "--json", "--model", try model.get()] + arguments)
        try #require(outcome.status == 0, "\(outcome.error)")
        return try WhorlJSON.decoder().decode(Verdict.self, from: Data(outcome.output.utf8))
    }

    /// The sample with a filter over it.
    private static func filtered(_ folder: borrowing TestFolder, _ filter: String) throws -> String {
        let path = "\(folder.path)/filtered.mp4"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/ffmpeg")
        process.arguments = ["-nostdin", "-v", "error", "-y", "-i", sample, "-vf", filter, "-c:v", "libx264", path]
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return path
    }

    @Test func aFaceIsFoundAndFollowed() throws {
        let verdict = try Self.verdict([Self.sample])
        #expect(verdict.model.region == "face" && verdict.tracks.count == 1 && verdict.decidedBy == 0)
        let track = verdict.tracks[0]
        #expect(track.frames.map(\.index) == Array(0..<16))
        // The face of samples/README.md drifts a little; its box must go with it and never jump.
        for (earlier, later) in zip(track.frames, track.frames.dropFirst()) {
            let one = try #require(earlier.box), other = try #require(later.box)
            #expect(abs(one.x - other.x) < 0.05 && abs(one.y - other.y) < 0.05 && abs(one.width - other.width) < 0.05)
        }
        #expect(abs(track.frames.reduce(0) { $0 + $1.contribution } - track.logit) < 1e-9)
    }

    /// Each kind of clip without a face to judge says which it is, and invents no number.
    @Test(arguments: [
        ("lutyuv=y=16+(val-16)*0.12:u=128+(val-128)*0.12:v=128+(val-128)*0.12", Verdict.Reason.tooDark), ("gblur=sigma=9", .tooBlurred),
        ("scale=64:64,pad=480:480:40:40", .tooSmall), ("crop=200:100:280:380,scale=480:240", .noFace),
    ])
    func nobodyFitToJudge(_ filter: String, _ reason: Verdict.Reason) throws {
        let folder = try TestFolder()
        let verdict = try Self.verdict([try Self.filtered(folder, filter)])
        #expect(verdict.label == .uncertain && verdict.reasons.contains(reason), "\(verdict.reasons)")
        #expect(verdict.probability == nil && verdict.logit == nil && verdict.confidence == nil && verdict.decidedBy == nil)
    }

    @Test func twoPeopleAreTwoTracks() throws {
        let folder = try TestFolder()
        let verdict = try Self.verdict([try Self.filtered(folder, "split[a][b];[b]hflip[c];[a][c]hstack")])
        #expect(verdict.tracks.count == 2 && verdict.tracks.allSatisfy { $0.frames.count == 16 })
        let decidedBy = try #require(verdict.decidedBy)
        #expect(verdict.tracks.allSatisfy { $0.logit <= verdict.tracks[decidedBy].logit })
        #expect(verdict.logit == verdict.tracks[decidedBy].logit)
    }

    @Test func theEvidenceFolderHoldsTheFaces() throws {
        let folder = try TestFolder()
        let output = "\(folder.path)/evidence"
        let outcome = try WhorlProcess.run([
            "analyze", Self.sample, "--model", try Self.model.get(), "--frames", "3", "--output", output, "--picture-side", "240",
            "--jpeg-quality", "60",
        ])
        #expect(outcome.status == 0)
        let names = try FileManager.default.contentsOfDirectory(atPath: output).sorted()
        let faces = (0..<3).flatMap { ["face-0\($0).jpg", "face-gradcam-0\($0).jpg"] }
        let pictures = (0..<3).flatMap { ["frame-0\($0).jpg", "gradcam-0\($0).jpg", "gradcam-0\($0).png"] }
        #expect(names == (faces + pictures + ["contact-sheet.png", "verdict.json"]).sorted())
    }

    @Test func framesForPeopleAndPrograms() throws {
        let folder = try TestFolder()
        let written = try WhorlProcess.run(["frames", Self.sample, "--frames", "4", "--output", "\(folder.path)/frames"])
        #expect(written.status == 0 && written.output.isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/frames").sorted() == (0..<4).map { "frame-0\($0).png" })
        let report = try #require(try JSONSerialization.jsonObject(with: Data(written.error.utf8)) as? [String: Any])
        let frames = try #require(report["frames"] as? [[String: Any]])
        #expect(frames.compactMap { $0["frameNumber"] as? Int } == [12, 37, 62, 87])
        #expect((report["decoding"] as? [String: Any])?["sequentialBecause"] == nil)
        let late = try WhorlProcess.run(["frames", Self.sample, "--raw", "--start", "7"])
        #expect(late.status == 3 && late.error.contains("empty_range") && late.output.isEmpty)
        let missing = try WhorlProcess.run(["frames", "\(folder.path)/nothing.mp4", "--raw"])
        #expect(missing.status == 3)
    }

    /// The raw pixels are those of ffmpeg's own decode, byte for byte.
    @Test func rawPixelsAreTheSources() throws {
        let folder = try TestFolder()
        let raw = "\(folder.path)/ours.rgb"
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = [
            "-c", "'\(WhorlProcess.folder)/whorl' frames '\(Self.sample)' --raw --size source --windows 1x64 --start 0 --end 2.56 > '\(raw)' 2>/dev/null",
        ]
        try shell.run()
        shell.waitUntilExit()
        #expect(shell.terminationStatus == 0)
        let flags = "bilinear+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact"
        let reference = Process()
        reference.executableURL = URL(fileURLWithPath: "/usr/bin/ffmpeg")
        reference.arguments = [
            "-nostdin", "-v", "error", "-y", "-i", Self.sample, "-frames:v", "64", "-sws_flags", flags, "-vf",
            "scale=in_range=limited:flags=\(flags),format=rgb24", "-f", "rawvideo", "\(folder.path)/theirs.rgb",
        ]
        try reference.run()
        reference.waitUntilExit()
        #expect(reference.terminationStatus == 0)
        let ours = try Data(contentsOf: URL(fileURLWithPath: raw))
        let isEqual = ours == (try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/theirs.rgb")))
        #expect(isEqual && ours.count == 64 * 480 * 480 * 3)
    }
}
