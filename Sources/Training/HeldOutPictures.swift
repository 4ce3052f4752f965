import Crops
import NeuralCore
import Video

/// Crops of held-out sources, cut as in use.
public struct HeldOutCrops: ValidationPictures {
    public let items: [ValidationItem]
    private let places: [Int]
    private let dataset: any CropReading
    private let maker: any PictureMaking

    /// At most `cropsPerSource` crops of each of the `included` sources, spread evenly over those that there are.
    public init(_ dataset: any CropReading, including included: Set<Int>, maker: any PictureMaking, cropsPerSource: Int) {
        self.dataset = dataset
        self.maker = maker
        places = CropSpread.places(dataset, including: included, count: cropsPerSource)
        items = places.map { place in
            let source = dataset.crops[place].source
            let about = dataset.sources[source]
            return ValidationItem(source: source, isFake: about.label == .fake, method: about.method)
        }
    }

    public func picture(_ item: Int) throws -> [UInt8] {
        let crop = CropPicture(crop: dataset.crops[places[item]], picture: try dataset.cropPicture(places[item]))
        return try checked(maker.picture(of: crop, random: SeededRandom(seed: 0)))
    }
}

/// Reals of held-out people beside fakes that are blended from them, always the same ones.
public struct HeldOutBlends: ValidationPictures {
    public let items: [ValidationItem]
    private let places: [Int]
    private let dataset: any CropReading
    private let maker: any PairMaking
    private let seed: UInt64

    /// `perSource` pairs of each real among the `included` sources.
    public init(_ dataset: any CropReading, including included: Set<Int>, maker: any PairMaking, perSource: Int, seed: UInt64) throws {
        self.dataset = dataset
        self.maker = maker
        self.seed = seed
        let reals = included.filter { dataset.sources[$0].label == .real }
        let wanted = CropSpread.places(dataset, including: reals, count: perSource)
        // What cannot be blended is left out now, so that no validation fails over it.
        places = try wanted.filter { place in
            do {
                _ = try Self.pair(place, dataset, maker, seed)
                return true
            } catch is CropsError {
                throw TrainingError.data("a held-out picture cannot be read: crop \(place)")
            } catch {
                return false
            }
        }
        items = places.flatMap { place in
            let source = dataset.crops[place].source
            return [
                ValidationItem(source: 2 * source, isFake: false, method: "real"),
                ValidationItem(source: 2 * source + 1, isFake: true, method: "blend"),
            ]
        }
    }

    public func picture(_ item: Int) throws -> [UInt8] {
        let pair = try Self.pair(places[item / 2], dataset, maker, seed)
        return try checked(item % 2 == 0 ? pair.real : pair.fake)
    }

    private static func pair(
        _ place: Int, _ dataset: any CropReading, _ maker: any PairMaking, _ seed: UInt64
    ) throws -> (real: RGBImage, fake: RGBImage) {
        let crop = CropPicture(crop: dataset.crops[place], picture: try dataset.cropPicture(place))
        guard let pair = try maker.pairs(of: [crop], random: SeededRandom(seed: seed, stream: "validation crop \(place)")).first else {
            throw TrainingError.data("no pair was made of crop \(place)")
        }
        return pair
    }
}

/// Chooses few of many.
enum CropSpread {
    /// Places of at most `count` crops of each source, evenly spread, in the order of sources and crops.
    static func places(_ dataset: any CropReading, including included: Set<Int>, count: Int) -> [Int] {
        var bySource: [Int: [Int]] = [:]
        for (place, crop) in dataset.crops.enumerated() where included.contains(crop.source) { bySource[crop.source, default: []].append(place) }
        return bySource.sorted { $0.key < $1.key }.flatMap { _, places in
            guard places.count > count else { return places }
            return (0..<count).map { places[(2 * $0 + 1) * places.count / (2 * count)] }
        }
    }
}
