import Augmentation
import Crops
import Foundation
import NeuralCore
import Testing
import Training
import Video

/// A cache of faces on disk, the blender and the batches together.
@Suite struct BlendMakerTests {
    /// A picture with a face's colours in an oval; the crop's landmarks lie where eyes, nose and mouth would.
    private func crop(source: Int, frame: Int) -> (crop: Crop, picture: RGBImage) {
        let side = 160
        var random = SeededRandom(seed: UInt64(source), stream: "frame \(frame)")
        var pixels = [UInt8](repeating: 0, count: side * side * 3)
        for y in 0..<side {
            for x in 0..<side {
                let (dx, dy) = (Double(x - 80) / 30, Double(y - 80) / 38)
                let base = dx * dx + dy * dy < 1 ? 150 + source * 5 : 60
                let noise = random.index(below: 24)
                for channel in 0..<3 { pixels[(y * side + x) * 3 + channel] = UInt8(base + noise + channel * 8) }
            }
        }
        let landmarks: [SIMD2<Float>] = [.init(68, 70), .init(92, 70), .init(80, 82), .init(70, 96), .init(90, 96)]
        let crop = Crop(
            source: source, track: 0, frameNumber: frame, timestampSeconds: Double(frame), width: side, height: side,
            box: .init(x: 48, y: 44, width: 64, height: 74), landmarks: landmarks, mesh: nil, scale: 1, score: 1, meanLuma: 120, sharpness: 9)
        return (crop, RGBImage(width: side, height: side, pixels: pixels))
    }

    private func write(_ path: String) throws -> CropDataset {
        let writer = try CropDatasetWriter(path: path, settings: CropSettings())
        for number in 0..<5 {
            let label: CropSource.Label = number == 4 ? .fake : .real
            let place = writer.add(
                CropSource(
                    path: "\(label.rawValue)/\(number).mp4", sha256: "\(number)", kind: .clip, label: label, method: label == .real ? "real" : "m",
                    group: "g\(number)", width: 160, height: 160, durationSeconds: 1, bytes: 9, codec: "h264"))
            for frame in 0..<3 {
                var (crop, picture) = crop(source: number, frame: frame)
                crop.source = place
                try writer.add(crop, picture: picture)
            }
        }
        try writer.finish()
        return try CropDataset.open(path: path)
    }

    @Test(arguments: [1, 3]) func blendsFromTheCacheAreTheSameOnAnyNumberOfThreads(frames: Int) throws {
        let folder = try ScratchFolder()
        let dataset = try write(folder.path + "/data")
        var recipe = Recipe(kind: .selfBlend)
        recipe.batch = 3
        recipe.mix.framesPerClip = frames
        recipe.split.heldOut = 0.25
        let data = try TrainingData(recipe, dataset: dataset, given: nil, makers: .standard(for: recipe))
        let expected = try (0..<4).map { try data.source.batch(step: $0) }
        for loaders in 1...3 {
            let prefetch = BatchPrefetch(data.source, steps: 0..<4, loaders: loaders, depth: 2)
            for step in 0..<4 { #expect(try prefetch.next() == expected[step], "step \(step) of \(loaders) loaders") }
            prefetch.stop()
        }
        for batch in expected {
            #expect(batch.labels == [false, true, false, true, false, true])
            for pair in 0..<3 {
                let pictures = [2 * pair, 2 * pair + 1].map { batch.rgb[$0 * PictureSize.bytes..<($0 + 1) * PictureSize.bytes] }
                let differing = zip(pictures[0], pictures[1]).count { $0 != $1 }
                #expect(differing > 0, "a fake is not its real")
            }
        }
        let blends = try #require(data.validation.first { $0.name == "blends" }?.pictures)
        #expect(try blends.items.count > 0 && blends.picture(0) == blends.picture(0) && blends.picture(0) != blends.picture(1))
    }

    @Test func picturesInUseAreThoseOfTheCrop() throws {
        let (crop, picture) = crop(source: 1, frame: 0)
        let given = CropPicture(crop: crop, picture: picture)
        let face = try PicturesInUse.face(UseCrop()).picture(of: given, random: SeededRandom(seed: 1))
        #expect(face == (try UseCrop().picture(of: picture, box: .init(x: 48, y: 44, width: 64, height: 74))))
        let frame = try PicturesInUse.frame.picture(of: given, random: SeededRandom(seed: 1))
        #expect(frame == picture.resized(width: 224, height: 224))
        let varied = VariedPictures(settings: PictureSettings())
        let first = try varied.picture(of: given, random: SeededRandom(seed: 1))
        #expect(first.width == 224 && first.height == 224)
        #expect(try varied.picture(of: given, random: SeededRandom(seed: 1)) == first)
        #expect(try varied.picture(of: given, random: SeededRandom(seed: 2)) != first)
    }

    @Test func aDamagedPictureIsAnErrorAtOnce() throws {
        let folder = try ScratchFolder()
        let dataset = try write(folder.path + "/data")
        var recipe = Recipe(kind: .selfBlend)
        recipe.split.heldOut = 0
        let data = try TrainingData(recipe, dataset: dataset, given: nil, makers: .standard(for: recipe))
        let file = try #require(FileHandle(forWritingAtPath: folder.path + "/data/pictures.bin"))
        try file.write(contentsOf: Data(repeating: 0, count: 100_000))
        try file.close()
        #expect(throws: CropsError.self) { try data.source.batch(step: 0) }
    }

    @Test func blendSettingsAreReadFromTheRecipe() throws {
        let recipe = try RecipeReader.recipe(
            yaml: "kind: self-blend\nblend:\n  patch: {flipChance: 0.25}\n  compression: {crf: [20, 30]}", path: "r")
        var expected = BlendSettings()
        expected.patch.flipChance = 0.25
        expected.compression.crf = 20...30
        #expect(recipe.blend == expected)
        let frames = try RecipeReader.recipe(yaml: "kind: baseline\nregion: frame", path: "r")
        #expect(frames.augmentation.region == .frame)
        for (yaml, words) in [
            ("blend: {patch: {flipChance: 2}}", "flipChance"), ("blend: {patch: {flipChanse: 0.2}}", "did you mean flipChance?"),
            ("region: face\naugmentation: {region: frame}", "augmentation.region"),
        ] {
            do {
                _ = try RecipeReader.recipe(yaml: "kind: baseline\n\(yaml)", path: "r")
                Issue.record("\(yaml) was taken")
            } catch {
                #expect("\(error)".contains(words), "\(error)")
            }
        }
    }
}
