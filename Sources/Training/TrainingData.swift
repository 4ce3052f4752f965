import Crops
import Crypto
import Detector
import Foundation

/// What a recipe makes of a data set: batches, validations, and figures for the model's card.
public struct TrainingData: Sendable {
    public let source: any BatchSource
    public let validation: [ValidationSet]
    /// SHA-256 over the sources and crops in use, in lower-case hexadecimal.
    public let digest: String
    /// Sources and crops by label, in words.
    public let summary: String
    /// Length of the run.
    public let steps: Int

    /// Makers of pictures, which a test may replace.
    public struct Makers: Sendable {
        public var pairs: any PairMaking
        public var pictures: any PictureMaking
        /// Cuts a picture as it is cut in use.
        public var use: any PictureMaking

        public init(pairs: any PairMaking, pictures: any PictureMaking, use: any PictureMaking) {
            self.pairs = pairs
            self.pictures = pictures
            self.use = use
        }
    }

    /// Divides the data and checks that it does for the recipe: no reals, no fakes where they are needed, one group only are errors.
    ///
    /// `given` is a validation set of its own, which must share no group and no file with the training data.
    public init(_ recipe: Recipe, dataset: any CropReading, given: (any CropReading)?, makers: Makers) throws {
        try Self.requireRegion(recipe, [dataset] + (given.map { [$0] } ?? []))
        let (training, heldOut) = try Self.divided(recipe, dataset)
        if let given { try SourceSplit.requireApart(training: dataset.sources, validation: given.sources) }
        let epoch: Int
        switch recipe.kind {
        case .selfBlend:
            let blends = try SelfBlendSource(
                dataset, including: training, maker: makers.pairs, pairs: recipe.batch, clipShare: recipe.mix.clipShare,
                framesPerClip: recipe.mix.framesPerClip, seed: recipe.seed)
            source = blends
            epoch = blends.sourceCount
        case .baseline:
            let labelled = try LabelledSource(
                dataset, including: training, maker: makers.pictures, pictures: recipe.batch, balance: recipe.mix.balance, shares: recipe.mix.methods,
                clipShare: recipe.mix.clipShare, seed: recipe.seed)
            source = labelled
            epoch = labelled.cropCount
        }
        steps = recipe.epochs > 0 ? recipe.epochs * ((epoch + recipe.batch - 1) / recipe.batch) : recipe.steps
        validation = try Self.validation(recipe, dataset, heldOut: heldOut, given: given, makers: makers)
        if recipe.validation.patience > 0, validation.isEmpty {
            throw TrainingError.data("the recipe stops early by validation, but nothing is held out: raise split.heldOut or give --validation")
        }
        digest = Self.digest([dataset] + (given.map { [$0] } ?? []))
        summary = Self.summary(dataset, training: training, heldOut: heldOut)
    }

    /// A face cut from a shrunk frame would be coarser than in use, and a frame cannot be had from a face.
    private static func requireRegion(_ recipe: Recipe, _ datasets: [any CropReading]) throws {
        for dataset in datasets where dataset.settings.wholeFrames != (recipe.region == .frame) {
            throw TrainingError.data(
                dataset.settings.wholeFrames
                    ? "the recipe's region is face, and the dataset holds whole frames; index the sources without --whole-frames"
                    : "the recipe's region is frame, and the dataset holds faces; index the sources with --whole-frames")
        }
    }

    private static func divided(_ recipe: Recipe, _ dataset: any CropReading) throws -> (training: Set<Int>, heldOut: Set<Int>) {
        let sources = dataset.sources
        guard sources.contains(where: { $0.label == .real }) else {
            throw TrainingError.noReals
        }
        if recipe.kind == .baseline, !sources.contains(where: { $0.label == .fake }) {
            throw TrainingError.noFakes
        }
        guard recipe.split.heldOut > 0 else { return (Set(sources.indices), []) }
        // Fakes of a self-blending run are only judged on: they need not be in both parts.
        let needed: Set<CropSource.Label> = recipe.kind == .selfBlend ? [.real] : [.real, .fake]
        let split = try SourceSplit(sources, validationShare: recipe.split.heldOut, seed: recipe.split.seed, needed: needed)
        return (Set(split.training), Set(split.validation))
    }

    private static func validation(
        _ recipe: Recipe, _ dataset: any CropReading, heldOut: Set<Int>, given: (any CropReading)?, makers: Makers
    ) throws -> [ValidationSet] {
        guard recipe.validation.everySteps > 0 else { return [] }
        var sets: [ValidationSet] = []
        if let given {
            let crops = HeldOutCrops(
                given, including: Set(given.sources.indices), maker: makers.use, cropsPerSource: recipe.validation.cropsPerSource)
            sets.append(ValidationSet(name: ValidationSet.given, pictures: crops))
        }
        guard !heldOut.isEmpty else { return sets }
        let crops = HeldOutCrops(dataset, including: heldOut, maker: makers.use, cropsPerSource: recipe.validation.cropsPerSource)
        sets.append(ValidationSet(name: "held out", pictures: crops))
        if recipe.kind == .selfBlend, recipe.validation.blendsPerSource > 0 {
            let blends = try HeldOutBlends(
                dataset, including: heldOut, maker: makers.pairs, perSource: recipe.validation.blendsPerSource, seed: recipe.split.seed)
            sets.append(ValidationSet(name: "blends", pictures: blends))
        }
        return sets.filter { !$0.pictures.items.isEmpty }
    }

    /// Pictures count by their sources' digests and where they were cut.
    private static func digest(_ datasets: [any CropReading]) -> String {
        var hash = SHA256()
        func add(_ words: [String]) { hash.update(data: Data((words.joined(separator: "\u{1F}") + "\n").utf8)) }
        for dataset in datasets {
            add(["dataset", "\(dataset.sources.count)", "\(dataset.crops.count)"])
            for source in dataset.sources {
                add([source.path, source.sha256, source.kind.rawValue, source.label.rawValue, source.method, source.group])
            }
            for crop in dataset.crops {
                let numbers = [crop.source, crop.track, crop.frameNumber, crop.width, crop.height, crop.mesh?.count ?? 0].map { "\($0)" }
                let measures = [crop.box.x, crop.box.y, crop.box.width, crop.box.height, crop.scale].map { "\($0)" }
                add(numbers + measures)
            }
        }
        return hash.finalize().hexadecimal
    }

    private static func summary(_ dataset: any CropReading, training: Set<Int>, heldOut: Set<Int>) -> String {
        func count(_ part: Set<Int>, _ label: CropSource.Label) -> String {
            let sources = part.filter { dataset.sources[$0].label == label }
            let crops = dataset.crops.count { sources.contains($0.source) }
            return "\(sources.count) \(label.rawValue) (\(crops) crops)"
        }
        let groups = Set(training.map { dataset.sources[$0].group }).count
        var text = "trained on \(count(training, .real)) and \(count(training, .fake)) of \(groups) groups"
        if !heldOut.isEmpty { text += ", \(count(heldOut, .real)) and \(count(heldOut, .fake)) held out" }
        return text
    }
}
