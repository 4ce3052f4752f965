import NeuralCore
import Video

/// What a recipe with given fakes does to each picture, real or fake, by itself.
public struct PictureSettings: Codable, Sendable, Equatable {
    /// What of a picture the network gets.
    public enum Region: String, Codable, Sendable, CaseIterable {
        /// A square about the face.
        case face
        /// The whole picture, squeezed to a square.
        case frame
    }

    public var region = Region.face
    /// How the square that is worked on is cut; for whole frames only its `flipChance` counts.
    public var patch = BlendSettings.Patch()
    public var photometric = BlendSettings.Photometric()
    public var compression = BlendSettings.Compression()
    /// Of the face; whole frames are not cropped.
    public var crop = BlendSettings.FinalCrop()

    public init() {}

    /// The first thing that makes no sense, nil if all can be used.
    public var problem: String? {
        var all = BlendSettings()
        (all.patch, all.photometric, all.compression, all.crop) = (patch, photometric, compression, crop)
        return all.problem
    }
}

extension PictureSettings: PartialSettings {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case region, patch, photometric, compression, crop
    }

    public init(from decoder: any Decoder) throws {
        self.init()
        try adjust(from: decoder)
        if let problem { throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: problem)) }
    }

    mutating func adjust(from decoder: any Decoder) throws {
        let read = try SettingReader(decoder, CodingKeys.self)
        try read(.region, &region)
        try read.part(.patch, &patch)
        try read.part(.photometric, &photometric)
        try read.part(.compression, &compression)
        try read.part(.crop, &crop)
    }
}

/// Changes one picture for training: mirrored, its colours changed, compressed, cropped about its face with some play.
///
/// All that is random comes from the generator that is given: the same one with the same source gives the same bytes, on any thread.
public struct PictureAugmentation: Sendable {
    public let settings: PictureSettings
    /// Of the pictures that are made, a side.
    public let pixels: Int

    /// Settings whose `problem` is not nil are a programmer's mistake, since decoding refuses them.
    public init(settings: PictureSettings, pixels: Int = 224) {
        if let problem = settings.problem { preconditionFailure(problem) }
        precondition(pixels > 0, "pictures have pixels")
        self.settings = settings
        self.pixels = pixels
    }

    /// The picture as `[pixels, pixels, 3]`. Landmarks and mesh are not needed, and for whole frames neither is the box. Throws `unusableBox`, and
    /// where compression fails.
    public func picture(of source: BlendSource, random: SeededRandom) throws(AugmentationError) -> RGBImage {
        var random = random
        let draw = FacePatch.Draw(settings.patch, random: &random)
        let isPhotometric = random.chance(settings.photometric.chance)
        let color = ColorChange(settings.photometric.color, random: &random)
        let compression = CompressionChange(settings.compression, random: &random)
        let crop = CropDraw(settings.crop, random: &random)
        var picture: FloatPicture
        let square: SquareCrop
        switch settings.region {
        case .face:
            try source.checkBox()
            let longer = source.box.longer
            let size = draw.pixels(longer: longer, limits: settings.patch.sidePixels)
            let patch = FacePatch(
                about: source.box, draw: draw, pixels: size, keepsPixels: draw.isUnscaled(pixels: size, longer: longer))
            picture = patch.cut(from: source.picture)
            square = crop.square(about: patch.box(source.box))
        case .frame:
            // Twice the size is room enough for what compression does, and no more work than a face is.
            let side = 2 * pixels
            let (width, height) = (source.picture.width, source.picture.height)
            let columns = ResamplingAxis.crop(from: 0, side: Double(width), count: side, limit: width)
            picture = FloatPicture(
                source.picture, rows: .crop(from: 0, side: Double(height), count: side, limit: height),
                columns: draw.isMirrored ? columns.reversed() : columns)
            square = SquareCrop(centerX: Double(pixels), centerY: Double(pixels), side: Double(side))
        }
        if isPhotometric { color.apply(to: &picture) }
        let compressed = try compression.stills([picture.image])
        return square.cut(from: compressed[0], pixels: pixels)
    }
}
