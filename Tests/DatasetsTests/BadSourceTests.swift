import Crops
import Datasets
import Foundation
import Testing
import Video

/// Sources that are at fault are skipped with their reason; rules that cannot hold end the index and leave nothing.
@Suite(.serialized) struct BadSourceTests {
    private static func code(_ skipped: SkippedSource) -> String {
        skipped.reason.split(separator: "[").last.map { String($0.dropLast()) } ?? ""
    }

    @Test func brokenSourcesAreListed() async throws {
        let folder = try IndexFolder()
        try folder.still("real/good.jpg")
        try folder.clip("real/whole.mp4")
        let (clip, still) = (try folder.bytes("data/real/whole.mp4"), try folder.bytes("data/real/good.jpg"))
        try folder.write("real/cut.mp4", clip.prefix(clip.count / 3))
        try folder.write("real/empty.mp4", [])
        try folder.write("real/text.mp4", Array("this is no clip at all".utf8))
        try folder.write("real/cut.jpg", still.prefix(still.count / 2))
        try folder.write("real/text.png", Array("this is no picture".utf8))
        try folder.write("real/notes.txt", Array("x".utf8))
        try folder.write("real/.hidden.mp4", Array("x".utf8))
        try folder.ffmpeg("real/sound.mp4", ["-f", "lavfi", "-i", "sine=duration=1"])
        try folder.ffmpeg("real/nobody.mp4", ["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=10", "-frames:v", "10"])
        try folder.still("real/dark.png", filter: "lutyuv=y=16+(val-16)*0.12:u=128+(val-128)*0.12:v=128+(val-128)*0.12")
        try folder.still("real/small.png", filter: "scale=64:64,pad=480:480:40:40")
        try folder.still("real/soft.png", filter: "gblur=sigma=9")
        try FileManager.default.createSymbolicLink(atPath: "\(folder.data)/real/gone.mp4", withDestinationPath: "/nowhere")
        let dataset = try await folder.index()
        #expect(dataset.sources.map(\.path) == ["data/real/good.jpg", "data/real/whole.mp4"])
        let codes = Dictionary(uniqueKeysWithValues: dataset.skipped.map { ($0.path, Self.code($0)) })
        #expect(
            codes == [
                "data/real/cut.mp4": "truncated", "data/real/empty.mp4": "empty_file", "data/real/text.mp4": "not_a_video",
                "data/real/cut.jpg": "truncated_tail", "data/real/text.png": "not_a_video", "data/real/sound.mp4": "audio_only",
                "data/real/nobody.mp4": "no_face", "data/real/dark.png": "too_dark", "data/real/small.png": "too_small",
                "data/real/soft.png": "too_blurred", "data/real/notes.txt": "Its name is not that of a clip or a picture",
            ], "\(codes)")
        #expect(DatasetReport(dataset).skipped.count == dataset.skipped.count)
    }

    @Test func copiesAreTakenOnce() async throws {
        let folder = try IndexFolder()
        try folder.still("real/a.jpg")
        try folder.still("real/z.jpg", at: 3)
        try FileManager.default.copyItem(atPath: "\(folder.data)/real/a.jpg", toPath: "\(folder.data)/real/b.jpg")
        let dataset = try await folder.index()
        #expect(dataset.sources.map(\.path) == ["data/real/a.jpg", "data/real/z.jpg"])
        #expect(dataset.skipped.map(\.reason) == ["It has the same bytes as data/real/a.jpg. [copy]"])
        // Whoever is known by either name is known by both.
        #expect(dataset.sources[0].group == "a+b")
    }

    @Test func theSameBytesUnderTwoLabelsAreAnError() async throws {
        let folder = try IndexFolder()
        try folder.still("real/a.jpg")
        _ = try folder.place("fake/x")
        try FileManager.default.copyItem(atPath: "\(folder.data)/real/a.jpg", toPath: "\(folder.data)/fake/b.jpg")
        let error = try await folder.refusal()
        #expect("\(error)".contains("data/fake/b.jpg says fake") && "\(error)".contains("data/real/a.jpg says real"), "\(error)")
    }

    @Test func aTableSaysWhatIsMissing() async throws {
        let folder = try IndexFolder()
        try folder.still("x/a.jpg")
        let rules = try SourceRules(table: (name: "t.csv", text: "path,label,group\na.jpg,real,anna\nb.jpg,fake,bert\n"))
        let dataset = try await folder.index(folder.request(rules: rules))
        #expect(dataset.sources.map(\.group) == ["anna"])
        #expect(dataset.skipped == [SkippedSource(path: "b.jpg", reason: "The table names it, and it is not there.")])
    }

    @Test func unlabelledSourcesAreAnError() async throws {
        let folder = try IndexFolder()
        try folder.still("clips/a.jpg")
        let error = try await folder.refusal()
        guard case .crops(.unlabelled("data/clips/a.jpg")) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(try await folder.index(folder.request(rules: SourceRules(label: .real))).sources.map(\.label) == [.real])
    }

    @Test func foldersWithoutSources() async throws {
        let folder = try IndexFolder()
        guard case .unreadableFolder = try await folder.refusal() else {
            Issue.record("a folder that is not there was read")
            return
        }
        try folder.write("notes.txt", Array("x".utf8))
        guard case .nothingFound = try await folder.refusal() else {
            Issue.record("a text was taken for a clip")
            return
        }
        try folder.write("real/a.mp4", Array("x".utf8))
        let error = try await folder.refusal()
        guard case .noCrops(1, _) = error else {
            Issue.record("\(error)")
            return
        }
        #expect("\(error)".contains("data/real/a.mp4: The file is not a video."))
    }

    @Test(arguments: [
        CropSettings(framesPerClip: 0), CropSettings(framesPerClip: 65), CropSettings(contextScale: 0.5), CropSettings(contextScale: .nan),
        CropSettings(pixels: 10), CropSettings(pixels: 5_000),
    ])
    func optionsOutOfBounds(_ settings: CropSettings) async throws {
        let folder = try IndexFolder()
        guard case .badOption = try await folder.refusal(folder.request(settings)) else {
            Issue.record("\(settings) was taken")
            return
        }
    }

    @Test func nothingIsReplacedUnasked() async throws {
        let folder = try IndexFolder()
        try folder.still("real/a.jpg")
        _ = try await folder.index()
        do throws(DatasetError) {
            _ = try await folder.index()
            Issue.record("it was replaced")
        } catch {
            guard case .crops(.occupied) = error else {
                Issue.record("\(error)")
                return
            }
        }
        try folder.still("real/b.jpg", at: 2)
        var request = folder.request()
        request.replaces = true
        #expect(try await folder.index(request).crops.count == 2)
    }

    /// Our own fault ends the index; the sources are not blamed.
    @Test func withoutADecoderNothingIsSkipped() async throws {
        let folder = try IndexFolder()
        try folder.still("real/a.jpg")
        do throws(DatasetError) {
            _ = try await DatasetIndexer(decoder: DecoderProcess(executablePath: "/nowhere/whorl-decoder")).index(folder.request())
            Issue.record("it was indexed")
        } catch {
            guard case .decoder("data/real/a.jpg", let reason) = error, reason.code == .decoderUnavailable else {
                Issue.record("\(error)")
                return
            }
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["data"])
    }

    @Test func cancellingLeavesNothing() async throws {
        let folder = try IndexFolder()
        for number in 0..<6 { try folder.clip("real/\(number).mp4", from: Double(number) / 4) }
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        let request = folder.request()
        let decoder = DecoderProcess(executablePath: ProcessInfo.processInfo.environment["WHORL_DECODER"])
        let task = Task {
            do throws(DatasetError) {
                _ = try await DatasetIndexer(decoder: decoder).index(request) { if $0.step == .indexing { continuation.yield() } }
                return false
            } catch {
                if case .cancelled = error { return true }
                return false
            }
        }
        for await _ in stream { break }
        task.cancel()
        #expect(await task.value)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["data"])
    }

    @Test func foldersOfOneNameAreToldApart() async throws {
        let folder = try IndexFolder()
        try folder.still("one/real/a.jpg")
        try folder.still("two/real/a.jpg", at: 3)
        var request = folder.request()
        request.folders = ["\(folder.data)/one/real", "\(folder.data)/two/real/", "\(folder.data)/one"]
        let dataset = try await folder.index(request)
        #expect(dataset.sources.map(\.path) == ["one/real/a.jpg", "two/real/a.jpg"])
    }
}
