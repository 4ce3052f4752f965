import Crops
import Datasets
import Foundation
import Testing
import Video

@Suite(.serialized) struct IndexTests {
    @Test func clipsAndStillsBecomeCrops() async throws {
        let folder = try IndexFolder()
        try folder.clip("real/anna.mp4")
        try folder.clip("fake/Deepfakes_bert.mp4", from: 1)
        for (ending, seconds) in [("jpg", 2.0), ("png", 2.2), ("webp", 2.4), ("bmp", 2.6)] {
            try folder.still("real/still-\(ending).\(ending)", at: seconds)
        }
        let dataset = try await folder.index()
        #expect(
            dataset.sources.map(\.path) == [
                "data/fake/Deepfakes_bert.mp4", "data/real/anna.mp4", "data/real/still-bmp.bmp", "data/real/still-jpg.jpg",
                "data/real/still-png.png", "data/real/still-webp.webp",
            ])
        #expect(dataset.sources.map(\.label) == [.fake, .real, .real, .real, .real, .real])
        #expect(dataset.sources.map(\.method) == ["Deepfakes", "real", "real", "real", "real", "real"])
        #expect(dataset.sources.map(\.group) == ["bert", "anna", "still-bmp", "still-jpg", "still-png", "still-webp"])
        #expect(dataset.sources.map(\.kind) == [.clip, .clip, .still, .still, .still, .still])
        #expect(dataset.sources.allSatisfy { $0.width == 480 && $0.height == 480 && $0.sha256.count == 64 && $0.bytes > 1_000 })
        #expect(dataset.sources[1].codec == "h264" && abs(dataset.sources[1].durationSeconds - 0.48) < 0.01)
        #expect(dataset.crops.map(\.source) == [0, 0, 0, 1, 1, 1, 2, 3, 4, 5])
        #expect(dataset.crops[0..<3].map(\.frameNumber) == [2, 6, 10])
        #expect(dataset.skipped.isEmpty)
        for (place, crop) in dataset.crops.enumerated() {
            #expect(try dataset.picture(place).width == crop.width)
            #expect(crop.width == crop.height && crop.width <= 448 && crop.track == 0 && crop.mesh == nil && crop.score > 0.9)
            #expect((20...200).contains(crop.meanLuma) && crop.sharpness > 20)
            let side = max(crop.box.width, crop.box.height)
            #expect(abs(Double(crop.width) - 2.4 * side) <= 1 && (crop.scale == 1 || crop.width == 448))
            // The face is in the middle, its features in its box: eyes over the nose over the mouth.
            #expect(abs(crop.box.x + crop.box.width / 2 - Double(crop.width) / 2) <= 1)
            #expect(abs(crop.box.y + crop.box.height / 2 - Double(crop.width) / 2) <= 1)
            #expect(crop.landmarks[0].x < crop.landmarks[1].x && crop.landmarks[0].y < crop.landmarks[2].y)
            #expect(crop.landmarks[2].y < crop.landmarks[4].y)
        }
    }

    /// All of the picture, its longer side bounded, and the face where it is in it.
    @Test func wholeFrames() async throws {
        let folder = try IndexFolder()
        try folder.still("real/wide.bmp", filter: "crop=480:300:0:0")
        try folder.still("real/small.bmp", filter: "crop=300:240:100:0")
        let dataset = try await folder.index(folder.request(CropSettings(framesPerClip: 1, pixels: 320, wholeFrames: true)))
        #expect(dataset.settings.wholeFrames && dataset.crops.count == 2)
        let (small, wide) = (dataset.crops[0], dataset.crops[1])
        #expect(small.width == 300 && small.height == 240 && small.scale == 1)
        #expect(wide.width == 320 && wide.height == 200 && abs(wide.scale - 320.0 / 480) < 1e-9)
        // The small picture is the wide one's, 100 pixels in: so are its face and its eyes, but for the detector's own unsteadiness.
        let scale = wide.scale
        #expect(abs((small.box.x + 100) * scale - wide.box.x) < 6 && abs(small.box.y * scale - wide.box.y) < 6)
        #expect(abs(Double(small.landmarks[0].x + 100) * scale - Double(wide.landmarks[0].x)) < 6)
        #expect(try dataset.picture(1).height == 200)
        let bitmap = try folder.bytes("data/real/small.bmp"), picture = try dataset.picture(0)
        let start = Int(bitmap[10]) | Int(bitmap[11]) << 8
        #expect(picture.pixels[0..<3] == [bitmap[start + 239 * 900 + 2], bitmap[start + 239 * 900 + 1], bitmap[start + 239 * 900]])
    }

    /// A crop that is not shrunk is the still's own pixels; where it reaches over the edge, the edge repeats.
    @Test func pixelsAreTheSources() async throws {
        let folder = try IndexFolder()
        try folder.still("real/a.bmp", filter: "crop=300:240:100:0")
        // A mesh of the picture's corner says where in the crop that is.
        let dataset = try await folder.index(folder.request(CropSettings(contextScale: 4, pixels: 2_048))) { _, _ in ([.zero], 1) }
        let bitmap = try folder.bytes("data/real/a.bmp")
        let start = Int(bitmap[10]) | Int(bitmap[11]) << 8
        let crop = dataset.crops[0], picture = try dataset.picture(0)
        let corner = try #require(crop.mesh?.first)
        try #require(crop.width > 300 && crop.scale == 1 && corner.x == corner.x.rounded() && corner.y == corner.y.rounded())
        var wrong = 0
        for y in 0..<picture.height {
            // Rows of a bitmap go up, and its colours from blue to red.
            let row = start + (239 - min(max(y - Int(corner.y), 0), 239)) * 900
            for x in 0..<picture.width {
                let (at, from) = ((y * picture.width + x) * 3, row + min(max(x - Int(corner.x), 0), 299) * 3)
                for part in 0..<3 where picture.pixels[at + part] != bitmap[from + 2 - part] { wrong += 1 }
            }
        }
        #expect(wrong == 0)
    }

    @Test func largeFacesAreShrunk() async throws {
        let folder = try IndexFolder()
        try folder.still("real/a.png")
        let whole = try await folder.index(folder.request(CropSettings(pixels: 2_048)))
        let request = DatasetIndexer.Request(
            folders: [folder.data], output: "\(folder.path)/small", settings: CropSettings(pixels: 100), threads: 1)
        let small = try await folder.index(request)
        let (one, other) = (whole.crops[0], small.crops[0])
        #expect(other.width == 100 && one.width > 150)
        #expect(abs(other.scale * Double(one.width) - 100) < 1)
        #expect(abs(other.box.width / other.scale - one.box.width) < 0.01)
        // The mean of a picture survives its shrinking.
        func mean(_ picture: RGBImage) -> Double { Double(picture.pixels.reduce(0) { $0 + Int($1) }) / Double(picture.pixels.count) }
        #expect(abs(mean(try whole.picture(0)) - mean(try small.picture(0))) < 1)
    }

    /// A source beyond the size that faces are looked for in: the scale is that of the source's own pixels.
    @Test func scaleIsAgainstTheSource() async throws {
        let folder = try IndexFolder()
        try folder.still("real/a.jpg")
        try folder.still("real/b.jpg", filter: "scale=2400:2400")
        let crops = try await folder.index().crops
        let faces = crops.map { max($0.box.width, $0.box.height) / $0.scale }
        #expect(abs(faces[1] / faces[0] - 5) < 0.4 && crops[1].width == 448, "\(faces)")
    }

    @Test func meshesAreMovedIntoTheCrop() async throws {
        let folder = try IndexFolder()
        try folder.still("real/a.png")
        try folder.still("real/b.png", at: 3)
        // The mesh here is the landmarks themselves, over and over; one picture's is not sure enough.
        let dataset = try await folder.index { face, picture in
            let isSure = picture.pixels[0] < 255
            return (points: (0..<468).map { face.landmarks[$0 % 5] }, score: isSure ? 0.9 : 0.1)
        }
        for crop in dataset.crops {
            let mesh = try #require(crop.mesh)
            #expect(mesh.count == 468)
            for (place, point) in mesh.enumerated() { #expect(point == crop.landmarks[place % 5]) }
        }
        let request = DatasetIndexer.Request(folders: [folder.data], output: "\(folder.path)/none", settings: CropSettings(), threads: 1)
        let none = try await folder.index(request) { face, _ in (points: face.landmarks, score: 0.49) }
        #expect(none.crops.allSatisfy { $0.mesh == nil })
    }

    @Test func whoIsSeenLargestIsKept() async throws {
        let folder = try IndexFolder()
        try folder.clip("real/two.mp4", filter: "split[a][b];[b]hflip,scale=300:300,pad=300:480[c];[a][c]hstack")
        let dataset = try await folder.index()
        #expect(dataset.crops.count == 3 && dataset.crops.allSatisfy { $0.track == 0 })
        let all = try await folder.index(
            DatasetIndexer.Request(
                folders: [folder.data], output: "\(folder.path)/all", settings: CropSettings(framesPerClip: 3, keepsEveryone: true), threads: 2))
        #expect(all.crops.map(\.track) == [0, 1, 0, 1, 0, 1])
        #expect(all.crops.map(\.frameNumber) == [2, 2, 6, 6, 10, 10])
        #expect(all.crops[0].box.width > 1.3 * all.crops[1].box.width)
        #expect(all.crops[0].box.width == dataset.crops[0].box.width)
    }

    @Test func aShortClipsFramesAreKeptOnce() async throws {
        let folder = try IndexFolder()
        try folder.clip("real/short.mp4", frames: 2)
        let dataset = try await folder.index(folder.request(CropSettings(framesPerClip: 9)))
        #expect(dataset.crops.map(\.frameNumber) == [0, 1] && dataset.sources[0].kind == .clip)
    }

    @Test func thePhotographersTurnIsTakenBack() async throws {
        let folder = try IndexFolder()
        try folder.still("real/upright.jpg")
        try folder.still("x/turned.jpg", filter: "transpose=2")
        // Orientation 6: the picture is to be turned clockwise.
        let exif: [UInt8] = [0xFF, 0xE1, 0, 34] + Array("Exif\0\0II*\0".utf8) + [8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0]
        let turned = try folder.bytes("data/x/turned.jpg")
        try folder.write("real/turned.jpg", turned[0..<2] + exif + turned[2...])
        try FileManager.default.removeItem(atPath: "\(folder.data)/x")
        let dataset = try await folder.index()
        #expect(dataset.crops.count == 2)
        let (one, other) = (dataset.crops[0], dataset.crops[1])
        #expect(abs(one.box.width - other.box.width) < 6 && abs(one.landmarks[2].y - other.landmarks[2].y) < 6)
    }

    // MARK: The same input, the same bytes

    @Test func threadsChangeNoByte() async throws {
        let folder = try IndexFolder()
        for (number, name) in ["c", "a", "b"].enumerated() { try folder.clip("real/\(name).mp4", from: Double(number) / 2) }
        for number in 0..<4 { try folder.still("fake/F_\(number).jpg", at: Double(number) / 2) }
        try folder.write("real/broken.mp4", Array("not a clip".utf8))
        var names: [String] = []
        for (run, threads) in [1, 2, 2, 5].enumerated() {
            let output = "\(folder.path)/out-\(run)"
            _ = try await folder.index(
                DatasetIndexer.Request(folders: [folder.data], output: output, settings: CropSettings(framesPerClip: 3), threads: threads),
                meshOf: { face, _ in (face.landmarks, 1) })
            names.append(output)
        }
        for file in ["dataset.json", "pictures.bin", "report.json", "samples.jpg"] {
            let first = try Data(contentsOf: URL(fileURLWithPath: "\(names[0])/\(file)"))
            #expect(!first.isEmpty)
            for name in names.dropFirst() {
                let isSame = try Data(contentsOf: URL(fileURLWithPath: "\(name)/\(file)")) == first
                #expect(isSame, "\(name)/\(file)")
            }
        }
    }

    @Test func progressRises() async throws {
        let folder = try IndexFolder()
        for number in 0..<3 { try folder.still("real/\(number).jpg", at: Double(number)) }
        let (stream, continuation) = AsyncStream<DatasetIndexer.Progress>.makeStream()
        let decoder = DecoderProcess(executablePath: ProcessInfo.processInfo.environment["WHORL_DECODER"])
        _ = try await DatasetIndexer(decoder: decoder).index(folder.request()) { continuation.yield($0) }
        continuation.finish()
        var steps: [String] = []
        for await step in stream { steps.append("\(step.step) \(step.done)/\(step.total)") }
        #expect(
            steps == [
                "hashing 1/3", "hashing 2/3", "hashing 3/3", "indexing 1/3", "indexing 2/3", "indexing 3/3", "drawing 0/1", "drawing 1/1",
            ])
    }
}
