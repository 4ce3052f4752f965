import Crops
import Foundation
import Testing
import Video

@Suite struct CropDatasetTests {
    /// Two sources, three crops, two of them with meshes.
    private static let crops: [(crop: Crop, picture: RGBImage)] = [
        (.made(source: 0, frame: 3, side: 24, mesh: 468), noise(24, seed: 1)),
        (.made(source: 0, frame: 9, side: 40), noise(40, seed: 2)),
        (.made(source: 1, frame: 0, side: 17, mesh: 468), noise(17, seed: 3)),
    ]

    private static func fill(_ writer: CropDatasetWriter) throws(CropsError) {
        _ = writer.add(.made("real/ä b.mp4", group: "a"))
        _ = writer.add(.made("fake/b.mp4", .fake, method: "Deepfakes", group: "b"))
        writer.add(SkippedSource(path: "real/broken.mp4", reason: "it is damaged"))
        for (crop, picture) in crops { try writer.add(crop, picture: picture) }
    }

    private static func write(_ path: String, replaces: Bool = false) throws(CropsError) {
        let writer = try CropDatasetWriter(path: path, settings: CropSettings(framesPerClip: 7), replaces: replaces)
        try fill(writer)
        try writer.finish()
    }

    @Test func whatIsWrittenIsRead() throws {
        let folder = try CropFolder()
        try Self.write(folder.dataset + "/")
        let dataset = try CropDataset.open(path: folder.dataset)
        #expect(dataset.settings == CropSettings(framesPerClip: 7))
        #expect(dataset.sources.map(\.path) == ["real/ä b.mp4", "fake/b.mp4"] && dataset.sources[1].label == .fake)
        #expect(dataset.crops == Self.crops.map(\.crop))
        #expect(dataset.skipped == [SkippedSource(path: "real/broken.mp4", reason: "it is damaged")])
        #expect(dataset.cropsBySource() == [[0, 1], [2]])
        for place in [2, 0, 1, 0] { #expect(try dataset.picture(place) == Self.crops[place].picture) }
        #expect(try folder.names() == ["dataset"])
    }

    @Test func picturesAreReadOnManyThreads() async throws {
        let folder = try CropFolder()
        try Self.write(folder.dataset)
        let dataset = try CropDataset.open(path: folder.dataset)
        await withTaskGroup(of: Bool.self) { group in
            for place in 0..<60 {
                group.addTask { (try? dataset.picture(place % 3)) == Self.crops[place % 3].picture }
            }
            for await isSame in group { #expect(isSame) }
        }
    }

    @Test func oneDatasetIsTheSameBytesEachTime() throws {
        let one = try CropFolder(), other = try CropFolder()
        try Self.write(one.dataset)
        try Self.write(other.dataset)
        for name in ["dataset.json", "pictures.bin"] { #expect(try one.bytes(name) == other.bytes(name)) }
    }

    @Test func anEmptyDatasetIsOne() throws {
        let folder = try CropFolder()
        try CropDatasetWriter(path: folder.dataset, settings: CropSettings()).finish()
        #expect(try CropDataset.open(path: folder.dataset).crops.isEmpty)
    }

    @Test func extrasLieBesideTheCrops() throws {
        let folder = try CropFolder()
        let writer = try CropDatasetWriter(path: folder.dataset, settings: CropSettings())
        try Self.fill(writer)
        try writer.finish { dataset throws(CropsError) in [("first.bin", try dataset.picture(0).pixels)] }
        #expect(try folder.bytes("first.bin") == Self.crops[0].picture.pixels)
    }

    // MARK: Places that are taken

    @Test func nothingIsReplacedUnasked() throws {
        let folder = try CropFolder()
        try Self.write(folder.dataset)
        guard case .occupied? = refusal({ () throws(CropsError) in try Self.write(folder.dataset) }) else {
            Issue.record("it was replaced")
            return
        }
        try FileManager.default.createDirectory(atPath: "\(folder.path)/other", withIntermediateDirectories: true)
        try Data("x".utf8).write(to: URL(fileURLWithPath: "\(folder.path)/other/mine"))
        for replaces in [false, true] {
            let error = refusal { () throws(CropsError) in try Self.write("\(folder.path)/other", replaces: replaces) }
            #expect(error == .occupied(path: "\(folder.path)/other", reason: "the folder holds other things; name one that is new"))
        }
        #expect(refusal { () throws(CropsError) in try Self.write("\(folder.path)/other/mine") } != nil)
        #expect(refusal { () throws(CropsError) in try Self.write("\(folder.path)/no/such") } != nil)
        #expect(try folder.names() == ["dataset", "other"])
    }

    @Test func anOlderOneStaysUntilTheNewOneIsWhole() throws {
        let folder = try CropFolder()
        try Self.write(folder.dataset)
        let writer = try CropDatasetWriter(path: folder.dataset, settings: CropSettings(pixels: 99), replaces: true)
        #expect(try CropDataset.open(path: folder.dataset).crops.count == 3)
        try writer.finish()
        #expect(try CropDataset.open(path: folder.dataset).settings.pixels == 99)
        #expect(try folder.names() == ["dataset"])
    }

    @Test func twoWritersOfOnePlaceDoNotMix() throws {
        let folder = try CropFolder()
        let first = try CropDatasetWriter(path: folder.dataset, settings: CropSettings())
        let second = refusal { () throws(CropsError) in _ = try CropDatasetWriter(path: folder.dataset, settings: CropSettings()) }
        #expect(second == .occupied(path: folder.dataset, reason: "another process is writing there"))
        try Self.fill(first)
        try first.finish()
        #expect(try CropDataset.open(path: folder.dataset).crops.count == 3)
    }

    @Test func whatAKilledWriterLeftIsClearedAway() throws {
        let folder = try CropFolder()
        try FileManager.default.createDirectory(atPath: "\(folder.dataset).partial", withIntermediateDirectories: true)
        try Data("half".utf8).write(to: URL(fileURLWithPath: "\(folder.dataset).partial/pictures.bin"))
        try Self.write(folder.dataset)
        #expect(try CropDataset.open(path: folder.dataset).crops.count == 3)
        #expect(try folder.names() == ["dataset"])
    }

    @Test func aWriterThatIsGivenUpLeavesNothing() throws {
        let folder = try CropFolder()
        do {
            let writer = try CropDatasetWriter(path: folder.dataset, settings: CropSettings())
            try Self.fill(writer)
            #expect(try folder.names() == ["dataset.partial"])
        }
        #expect(try folder.names().isEmpty)
    }

    // MARK: A full disk

    /// Each of the writer's system calls fails once, some after a part of the bytes.
    @Test func aFullDiskLeavesNothing() throws {
        let folder = try CropFolder()
        var calls = 0
        var isDone = false
        for room in 0..<20 where !isDone {
            calls = 0
            let error = refusal { () throws(CropsError) in
                let writer = try CropDatasetWriter(path: folder.dataset, settings: CropSettings(), replaces: false) { file, bytes, count in
                    calls += 1
                    guard calls > room else { return Foundation.write(file, bytes, min(count, 3_000)) }
                    errno = ENOSPC
                    return -1
                }
                try Self.fill(writer)
                try writer.finish()
            }
            isDone = error == nil
            if isDone { break }
            guard case .unwritable(_, let reason)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(reason == "No space left on device")
            #expect(try folder.names().isEmpty, "after \(room) calls")
        }
        #expect(isDone && calls > 3)
    }

    @Test func anErrorOfAnExtraLeavesNothing() throws {
        let folder = try CropFolder()
        let writer = try CropDatasetWriter(path: folder.dataset, settings: CropSettings())
        try Self.fill(writer)
        let error = refusal { () throws(CropsError) in
            try writer.finish { (_) throws(CropsError) in throw .unwritable(path: "sheet", reason: "no") }
        }
        #expect(error == .unwritable(path: "sheet", reason: "no"))
        #expect(try folder.names().isEmpty)
    }
}
