import Augmentation
import Crops
import NeuralCore
import Video

/// Pairs by the self-blender.
public struct BlendPairs: PairMaking {
    private let blender: SelfBlender

    public init(settings: BlendSettings) {
        blender = SelfBlender(settings: settings, pixels: PictureSize.side)
    }

    public func pairs(of crops: [CropPicture], random: SeededRandom) throws -> [(real: RGBImage, fake: RGBImage)] {
        let sources = crops.map(\.blendSource)
        let pairs = sources.count == 1 ? [try blender.pair(of: sources[0], random: random)] : try blender.clip(of: sources, random: random)
        return pairs.map { ($0.real, $0.fake) }
    }
}

/// Pictures that are varied by chance, for recipes with given fakes.
public struct VariedPictures: PictureMaking {
    private let augmentation: PictureAugmentation

    public init(settings: PictureSettings) {
        augmentation = PictureAugmentation(settings: settings, pixels: PictureSize.side)
    }

    public func picture(of crop: CropPicture, random: SeededRandom) throws -> RGBImage {
        try augmentation.picture(of: crop.blendSource, random: random)
    }
}

/// Pictures as a network gets them in use.
public enum PicturesInUse: PictureMaking {
    /// The face, cut as the model's card says.
    case face(UseCrop)
    /// The whole stored picture, squeezed to a square.
    case frame

    public func picture(of crop: CropPicture, random: SeededRandom) throws -> RGBImage {
        switch self {
        case .face(let cut): try cut.picture(of: crop.picture, box: crop.blendSource.box)
        case .frame: crop.picture.resized(width: PictureSize.side, height: PictureSize.side)
        }
    }
}

extension CropPicture {
    /// As the augmentations have it.
    var blendSource: BlendSource {
        let box = BlendSource.Box(x: crop.box.x, y: crop.box.y, width: crop.box.width, height: crop.box.height)
        return BlendSource(picture: picture, box: box, landmarks: crop.landmarks, mesh: crop.mesh)
    }
}

extension TrainingData.Makers {
    /// What a recipe asks for.
    public static func standard(for recipe: Recipe) -> TrainingData.Makers {
        TrainingData.Makers(
            pairs: BlendPairs(settings: recipe.blend), pictures: VariedPictures(settings: recipe.augmentation),
            use: recipe.region == .face ? PicturesInUse.face(UseCrop(pixels: PictureSize.side)) : .frame)
    }
}

extension CropDataset: CropReading {
    public func cropPicture(_ crop: Int) throws -> RGBImage {
        try picture(crop)
    }
}
