import Crops
import Foundation
import NeuralCore
import Training
import Video

/// Sources and crops in memory; a crop's picture has one colour, which tells its source.
public struct MemoryCrops: CropReading {
    public var settings = CropSettings()
    public var sources: [CropSource] = []
    public var crops: [Crop] = []

    public init() {}

    /// Appends a source with its crops.
    public mutating func add(
        _ label: CropSource.Label, kind: CropSource.Kind = .clip, method: String? = nil, group: String? = nil, crops count: Int = 3
    ) {
        let number = sources.count
        sources.append(
            CropSource(
                path: "\(label.rawValue)/\(number).mp4", sha256: "sha-\(label.rawValue)-\(number)", kind: kind, label: label,
                method: method ?? (label == .real ? "real" : "unknown"), group: group ?? "group \(number)", width: 64, height: 64,
                durationSeconds: 1, bytes: 1, codec: "h264"))
        for frame in 0..<count {
            crops.append(
                Crop(
                    source: number, track: 0, frameNumber: frame, timestampSeconds: Double(frame), width: 8, height: 8,
                    box: .init(x: 2, y: 2, width: 4, height: 4), landmarks: .init(repeating: .zero, count: 5), mesh: nil, scale: 1, score: 1,
                    meanLuma: 100, sharpness: 1))
        }
    }

    public func cropPicture(_ crop: Int) throws -> RGBImage {
        let color = UInt8(crops[crop].source % 200)
        return RGBImage(width: 8, height: 8, pixels: [UInt8](repeating: color, count: 8 * 8 * 3))
    }
}

/// Stands for the blender: a fake is brighter in its middle than its real; the colour of both is by chance.
public struct TinyPairs: PairMaking {
    public init() {}

    public func pairs(of crops: [CropPicture], random: SeededRandom) throws -> [(real: RGBImage, fake: RGBImage)] {
        var random = random
        let shade = UInt8(60 + random.index(below: 80))
        return crops.map { crop in
            let real = TinyPictures.picture(shade: shade, first: crop.picture.pixels[0], middle: 0)
            return (real, TinyPictures.picture(shade: shade, first: crop.picture.pixels[0], middle: 60))
        }
    }
}

/// Pictures that tell their crop's source in their first byte.
public struct TinyPictures: PictureMaking {
    private let fakes: Set<UInt8>

    /// `fakes`: colours of sources whose pictures have a bright middle.
    public init(fakes: Set<UInt8> = []) {
        self.fakes = fakes
    }

    public func picture(of crop: CropPicture, random: SeededRandom) throws -> RGBImage {
        var random = random
        let color = crop.picture.pixels[0]
        return Self.picture(shade: UInt8(60 + random.index(below: 80)), first: color, middle: fakes.contains(color) ? 60 : 0)
    }

    static func picture(shade: UInt8, first: UInt8, middle: UInt8) -> RGBImage {
        let side = PictureSize.side
        var pixels = [UInt8](repeating: shade, count: PictureSize.bytes)
        let row = [UInt8](repeating: shade + middle, count: side * 3 / 2)
        for y in side / 4..<side * 3 / 4 { pixels.replaceSubrange((y * side + side / 4) * 3..<(y * side + side / 4) * 3 + row.count, with: row) }
        pixels[0] = first
        return RGBImage(width: side, height: side, pixels: pixels)
    }
}

/// A whole run of the tiny model, as tests and the probe have it.
public enum TinyRun {
    /// Eight people, clips and stills.
    public static func dataset() -> MemoryCrops {
        var crops = MemoryCrops()
        for number in 0..<10 { crops.add(.real, kind: number % 2 == 0 ? .clip : .still, crops: number % 2 == 0 ? 5 : 1) }
        return crops
    }

    public static func recipe(steps: Int, change: (inout Recipe) -> Void = { _ in }) -> Recipe {
        var recipe = Recipe(kind: .selfBlend)
        recipe.batch = 4
        recipe.steps = steps
        recipe.optimiser.rate = 0.02
        recipe.optimiser.headRate = 0.05
        recipe.schedule.warmUpSteps = 3
        recipe.split.heldOut = 0.3
        recipe.average = 0.9
        recipe.validation.everySteps = 7
        recipe.validation.blendsPerSource = 2
        recipe.validation.cropsPerSource = 2
        recipe.machine.saveEverySteps = 4
        recipe.machine.loaders = 2
        change(&recipe)
        return recipe
    }

    /// The trainer of a recipe over the data set in memory.
    public static func trainer(
        _ recipe: Recipe, folder: RunFolder, model: TinyModel = TinyModel(seed: 1), dataset: MemoryCrops = TinyRun.dataset(), threads: Int = 1
    ) throws -> Trainer {
        let fakes = Set(dataset.sources.indices.filter { dataset.sources[$0].label == .fake }.map { UInt8($0) })
        let pictures = TinyPictures(fakes: fakes)
        let data = try TrainingData(recipe, dataset: dataset, given: nil, makers: .init(pairs: TinyPairs(), pictures: pictures, use: pictures))
        let settings = Trainer.Settings(recipe, steps: data.steps, data: data.digest, kernels: "tiny")
        return Trainer(
            settings, model: model, source: data.source, validation: data.validation, folder: folder, team: ThreadTeam(size: threads)
        ) { _, parameters, _ in TinyScorer(parameters) }
    }
}
