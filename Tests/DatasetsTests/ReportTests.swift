import Augmentation
import Crops
import Datasets
import Foundation
import Testing
import Video

@Suite struct ReportTests {
    /// Three reals in two groups, two fakes of two methods, one of them a still.
    private static func made(_ path: String) throws -> CropDataset {
        let writer = try CropDatasetWriter(path: path, settings: CropSettings())
        let sources: [(label: CropSource.Label, method: String, group: String, kind: CropSource.Kind, crops: Int)] = [
            (.real, "real", "a", .clip, 4), (.real, "real", "a", .clip, 2), (.real, "real", "b", .clip, 1), (.fake, "Deepfakes", "a", .clip, 3),
            (.fake, "FaceSwap", "c", .still, 1),
        ]
        for (place, source) in sources.enumerated() {
            _ = writer.add(
                CropSource(
                    path: "x/\(place)", sha256: "\(place)", kind: source.kind, label: source.label, method: source.method, group: source.group,
                    width: 9, height: 9, durationSeconds: 1, bytes: 1, codec: "h264"))
            for frame in 0..<source.crops {
                let crop = Crop(
                    source: place, track: 0, frameNumber: frame, timestampSeconds: 0, width: 64, height: 64,
                    box: .init(x: 16, y: 16, width: 30, height: Double(20 + 10 * place)),
                    landmarks: [.init(24, 28), .init(40, 28), .init(32, 36), .init(26, 44), .init(38, 44)],
                    mesh: place == 0 ? [.init(20, 20), .init(44, 44)] : nil, scale: 0.5, score: 1, meanLuma: Double(10 * frame), sharpness: 50)
                let pixels = (0..<64 * 64).flatMap { _ -> [UInt8] in [UInt8(40 * place), 90, 200] }
                try writer.add(crop, picture: RGBImage(width: 64, height: 64, pixels: pixels))
            }
        }
        writer.add(SkippedSource(path: "x/broken", reason: "It is broken."))
        try writer.finish()
        return try CropDataset.open(path: path)
    }

    /// Reals that can be blended are drawn, in rows of three pairs; the same seed gives the same sheet.
    @Test func fakesBesideTheirReals() throws {
        let folder = try IndexFolder()
        let dataset = try Self.made(folder.output)
        let sheet = try BlendSheet(dataset, settings: BlendSettings(), pairs: 4, seed: 3).draw()
        #expect(sheet.width == 3 * (3 * 174 + 12) && sheet.height == 40 + 2 * 180)
        #expect(try BlendSheet(dataset, settings: BlendSettings(), pairs: 4, seed: 3).draw() == sheet)
        #expect(try BlendSheet(dataset, settings: BlendSettings(), pairs: 4, seed: 4).draw() != sheet)
        // The third column is a mask: grey, and something of it is white.
        let mask = (0..<168).flatMap { y in (0..<168).map { x in ((40 + y) * sheet.width + 6 + 2 * 174 + x) * 3 } }
        #expect(mask.allSatisfy { sheet.pixels[$0] == sheet.pixels[$0 + 1] && sheet.pixels[$0] == sheet.pixels[$0 + 2] })
        #expect(mask.contains { sheet.pixels[$0] > 50 } && mask.contains { sheet.pixels[$0] == 0 })
        #expect(try BlendSheet(dataset, settings: BlendSettings(), pairs: 1).encoded().starts(with: [0xff, 0xd8]))
    }

    @Test func fakesNeedReals() throws {
        let folder = try IndexFolder()
        let writer = try CropDatasetWriter(path: folder.output, settings: CropSettings())
        try writer.finish()
        let empty = try CropDataset.open(path: folder.output)
        #expect { try BlendSheet(empty, settings: BlendSettings()).draw() } throws: { "\($0)".contains("no real") }
    }

    @Test func countsAreThoseOfTheDataset() throws {
        let folder = try IndexFolder()
        let report = DatasetReport(try Self.made(folder.output))
        func values(_ count: DatasetReport.Count) -> [Int] { [count.clips, count.stills, count.crops, count.groups] }
        #expect(values(report.all) == [4, 1, 11, 3])
        #expect(report.labels.map(\.label) == [.real, .fake] && report.labels.map(values) == [[3, 0, 7, 2], [1, 1, 4, 2]])
        #expect(report.methods.map(\.name) == ["real", "Deepfakes", "FaceSwap"])
        #expect(report.groups.map(\.name) == ["a", "b", "c"] && report.groups.map(\.crops) == [9, 1, 1])
        // Boxes of 30, 30, 40, 50, 60 pixels at half size, by the sources' crops.
        #expect(report.facePixels.least == 60 && report.facePixels.median == 60 && report.facePixels.most == 120)
        #expect(report.luma.least == 0 && report.luma.most == 30 && report.meshes == 4)
        #expect(try JSONDecoder().decode(DatasetReport.self, from: JSONEncoder().encode(report)) == report)
    }

    @Test func theTextSaysAllOfIt() throws {
        let folder = try IndexFolder()
        let text = DatasetReport(try Self.made(folder.output)).text
        for words in ["Deepfakes", "meshes for 4 of 11 crops", "skipped: 1", "x/broken: It is broken.", "groups: 3, of 1 to 3 sources"] {
            #expect(text.contains(words), "\(words) is not in\n\(text)")
        }
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 90 })
    }

    /// Every kind is on the sheet, and every crop while there is room.
    @Test func theSheetShowsEachKind() throws {
        let folder = try IndexFolder()
        let dataset = try Self.made(folder.output)
        let sheet = SampleSheet(dataset)
        #expect(Set(sheet.places) == Set(dataset.crops.indices) && sheet.places.count == dataset.crops.count)
        let picture = try sheet.draw()
        #expect(picture.width == 8 * 198 + 8 && picture.height > 2 * 190)
        func has(_ color: [UInt8]) -> Bool {
            stride(from: 0, to: picture.pixels.count, by: 3).contains { Array(picture.pixels[$0..<$0 + 3]) == color }
        }
        // Both labels' boxes, the mesh and the landmarks.
        for color: [UInt8] in [[88, 166, 255], [255, 122, 66], [120, 255, 140], [255, 225, 70]] { #expect(has(color), "\(color)") }
    }

    @Test func anEmptyDatasetHasAReport() throws {
        let folder = try IndexFolder()
        try CropDatasetWriter(path: folder.output, settings: CropSettings()).finish()
        let dataset = try CropDataset.open(path: folder.output)
        #expect(DatasetReport(dataset).text.contains("no real source"))
        #expect(try SampleSheet(dataset).draw().height > 0)
    }
}
