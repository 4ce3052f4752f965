import Crops
import Foundation
import Testing

/// A cache that is not what it should be is refused with what is wrong.
@Suite struct DamagedDatasetTests {
    private static func made(_ folder: borrowing CropFolder) throws {
        let writer = try CropDatasetWriter(path: folder.dataset, settings: CropSettings())
        _ = writer.add(.made("real/a.mp4", group: "a"))
        for frame in 0..<3 {
            try writer.add(.made(source: 0, frame: frame, side: 20, mesh: 468), picture: noise(20, seed: UInt64(frame)))
        }
        try writer.finish()
    }

    private static func opening(_ path: String) -> CropsError? {
        refusal { () throws(CropsError) in _ = try CropDataset.open(path: path) }
    }

    @Test func nothingThere() throws {
        let folder = try CropFolder()
        #expect(Self.opening(folder.dataset) == .unreadable(path: folder.dataset, reason: "No such file or directory"))
        #expect(Self.opening(folder.path) == .notADataset(path: folder.path, reason: "it has no dataset.json"))
    }

    @Test func anotherVersionIsNamed() throws {
        let folder = try CropFolder()
        try Self.made(folder)
        try folder.change("dataset.json", from: "\"version\":2", to: "\"version\":3")
        let error = Self.opening(folder.dataset)
        #expect(error == .otherVersion(path: folder.dataset, found: 3, known: CropDataset.formatVersion))
        #expect("\(try #require(error))".contains("index the clips again"))
    }

    /// Another version may have quite another list: the header is read by itself.
    @Test func anotherVersionMayLookOtherwise() throws {
        let folder = try CropFolder()
        try Self.made(folder)
        try folder.change("dataset.json") { $0 = Array(#"{"format":"whorl-crops","version":7,"parts":[]}"#.utf8) }
        #expect(Self.opening(folder.dataset) == .otherVersion(path: folder.dataset, found: 7, known: CropDataset.formatVersion))
    }

    @Test func anotherFormatIsNone() throws {
        let folder = try CropFolder()
        try Self.made(folder)
        try folder.change("dataset.json", from: "whorl-crops", to: "something")
        guard case .notADataset? = Self.opening(folder.dataset) else {
            Issue.record("it was opened")
            return
        }
    }

    @Test(arguments: [0, 1, 10, 200, 700]) func aListThatIsCut(_ kept: Int) throws {
        let folder = try CropFolder()
        try Self.made(folder)
        try folder.change("dataset.json") { $0 = Array($0.prefix(kept)) }
        guard case .damaged? = Self.opening(folder.dataset) else {
            Issue.record("it was opened")
            return
        }
    }

    @Test(arguments: [-1, 1, -4_000, 5_000]) func dataOfAnotherLength(_ change: Int) throws {
        let folder = try CropFolder()
        try Self.made(folder)
        try folder.change("pictures.bin") { $0 = change < 0 ? Array($0.dropLast(-change)) : $0 + [UInt8](repeating: 0, count: change) }
        guard case .damaged(_, let reason)? = Self.opening(folder.dataset) else {
            Issue.record("it was opened")
            return
        }
        #expect(reason.contains("bytes and should have"))
    }

    @Test func noData() throws {
        let folder = try CropFolder()
        try Self.made(folder)
        try FileManager.default.removeItem(atPath: "\(folder.dataset)/pictures.bin")
        guard case .unreadable? = Self.opening(folder.dataset) else {
            Issue.record("it was opened")
            return
        }
    }

    @Test func aMeshThatWasChanged() throws {
        let folder = try CropFolder()
        try Self.made(folder)
        try folder.change("pictures.bin") { $0[$0.count - 100] ^= 0x10 }
        #expect(Self.opening(folder.dataset) == .damaged(path: folder.dataset, reason: "the meshes are not those that were written"))
    }

    /// Wherever a bit of a picture is changed, that picture says so and the others are as they were.
    @Test func aPictureThatWasChanged() throws {
        let folder = try CropFolder()
        try Self.made(folder)
        let whole = try CropDataset.open(path: folder.dataset)
        let pictures = try (0..<3).map { try whole.picture($0) }
        // Noise does not shrink: three pictures of about 1,300 bytes each.
        for place in stride(from: 1_400, to: 2_500, by: 37) {
            try folder.change("pictures.bin") { $0[place] ^= 0x04 }
            let dataset = try CropDataset.open(path: folder.dataset)
            guard case .damaged? = refusal({ () throws(CropsError) in _ = try dataset.picture(1) }) else {
                Issue.record("byte \(place) was not missed")
                return
            }
            #expect(try dataset.picture(0) == pictures[0] && dataset.picture(2) == pictures[2])
            try folder.change("pictures.bin") { $0[place] ^= 0x04 }
        }
    }

    @Test(arguments: [
        ("\"offset\":0", "\"offset\":1"), ("\"source\":0", "\"source\":3"), ("\"source\":0", "\"source\":-1"), ("\"width\":20", "\"width\":0"),
        ("\"meshPoints\":468", "\"meshPoints\":-1"), ("\"scale\":0.75", "\"scale\":2"), ("\"pictureBytes\":", "\"pictureBytes\":9"),
        ("\"bytes\":1", "\"bytes\":-1"), ("\"offset\":0", "\"offset\":9223372036854775807"), ("\"label\":\"real\"", "\"label\":\"maybe\""),
    ])
    func partsThatContradictEachOther(_ old: String, _ new: String) throws {
        let folder = try CropFolder()
        try Self.made(folder)
        try folder.change("dataset.json", from: old, to: new)
        guard case .damaged? = Self.opening(folder.dataset) else {
            Issue.record("\(new) was taken")
            return
        }
    }

    @Test func picturesOfAnotherSize() throws {
        let folder = try CropFolder()
        try Self.made(folder)
        try folder.change("dataset.json", from: "\"width\":20", to: "\"width\":21")
        let dataset = try CropDataset.open(path: folder.dataset)
        guard case .damaged(_, let reason)? = refusal({ () throws(CropsError) in _ = try dataset.picture(0) }) else {
            Issue.record("it was taken")
            return
        }
        #expect(reason == "the picture of crop 0 has 20×20 pixels, not 21×20")
    }
}
