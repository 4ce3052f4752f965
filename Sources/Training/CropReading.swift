import Crops
import NeuralCore
import Video

/// Sources and crops, as batches and validation need them.
public protocol CropReading: Sendable {
    var settings: CropSettings { get }
    var sources: [CropSource] { get }
    var crops: [Crop] { get }
    /// The stored picture of a crop; safe to call from several threads.
    func cropPicture(_ crop: Int) throws -> RGBImage
}

/// A crop with its picture.
public struct CropPicture: Sendable {
    public var crop: Crop
    public var picture: RGBImage

    public init(crop: Crop, picture: RGBImage) {
        self.crop = crop
        self.picture = picture
    }
}

/// Makes fakes of reals.
public protocol PairMaking: Sendable {
    /// A real and its own fake, 224 × 224, of each crop; several crops are of one clip, in order, and are treated alike.
    func pairs(of crops: [CropPicture], random: SeededRandom) throws -> [(real: RGBImage, fake: RGBImage)]
}

/// Makes a network's input of a crop.
public protocol PictureMaking: Sendable {
    /// 224 × 224 pixels; at training by chance, otherwise always the same.
    func picture(of crop: CropPicture, random: SeededRandom) throws -> RGBImage
}
