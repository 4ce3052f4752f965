import Analysis
import Augmentation
import Crops
import NeuralCore
import Video

/// A picture of fakes as training makes them: each real beside its own fake and what of it was blended, for a person who sets a recipe.
public struct BlendSheet: Sendable {
    public static let pairRange = 1...64

    private static let perRow = 3
    private static let picturePixels = 168
    private static let gap = 6
    private static let headerHeight = 40
    private static let text = Ink(236, 238, 243)

    private let dataset: CropDataset
    private let blender: SelfBlender
    private let pairs: Int
    private let seed: UInt64

    /// `pairs` of the dataset's reals, from sources spread over all of them.
    public init(_ dataset: CropDataset, settings: BlendSettings, pairs: Int = 12, seed: UInt64 = 1) {
        precondition(Self.pairRange.contains(pairs), "\(pairs) pairs")
        self.dataset = dataset
        blender = SelfBlender(settings: settings, pixels: Self.picturePixels)
        self.pairs = pairs
        self.seed = seed
    }

    /// The sheet as a JPEG file; throws what reading a crop throws, and `DatasetError.noReals` where nothing can be blended.
    public func encoded() throws(DatasetError) -> [UInt8] {
        let picture = try draw()
        do throws(VideoError) {
            return try JPEGEncoder(quality: 92, chroma: .full).encode(picture)
        } catch {
            throw .sheet(error)
        }
    }

    /// The sheet; rows of real, fake and mask, three times.
    public func draw() throws(DatasetError) -> RGBImage {
        let made = try blended()
        guard !made.isEmpty else { throw .noReals }
        let rows = (made.count + Self.perRow - 1) / Self.perRow
        let tripleWidth = 3 * (Self.picturePixels + Self.gap) + 2 * Self.gap
        var canvas = Canvas(
            width: Self.perRow * tripleWidth, height: Self.headerHeight + rows * (Self.picturePixels + 2 * Self.gap),
            background: Ink(17, 19, 24))
        canvas.write("a real, the fake made of it, and how much of each pixel was blended in", x: Self.gap, y: 12, scale: 2, Self.text)
        for (place, pair) in made.enumerated() {
            let x = Self.gap + place % Self.perRow * tripleWidth
            let y = Self.headerHeight + place / Self.perRow * (Self.picturePixels + 2 * Self.gap)
            for (column, picture) in [pair.real, pair.fake, Self.picture(of: pair.mask)].enumerated() {
                canvas.place(picture, x: x + column * (Self.picturePixels + Self.gap), y: y)
            }
        }
        return canvas.image
    }

    private func blended() throws(DatasetError) -> [BlendedPair] {
        let bySource = dataset.cropsBySource()
        let reals = dataset.sources.indices.filter { dataset.sources[$0].label == .real && !bySource[$0].isEmpty }
        var made: [BlendedPair] = []
        // Those that cannot be blended make room for the next ones, as in training.
        for turn in 0..<4 * pairs where made.count < pairs && !reals.isEmpty {
            let spread = reals.count < pairs ? turn : turn % pairs * reals.count / pairs + turn / pairs
            let crops = bySource[reals[spread % reals.count]]
            let place = crops[turn * 5 % crops.count], crop = dataset.crops[place]
            do {
                let source = BlendSource(
                    picture: try dataset.picture(place),
                    box: BlendSource.Box(x: crop.box.x, y: crop.box.y, width: crop.box.width, height: crop.box.height),
                    landmarks: crop.landmarks, mesh: crop.mesh)
                made.append(try blender.pair(of: source, random: SeededRandom(seed: seed, stream: "sheet \(turn)")))
            } catch let error as CropsError {
                throw .crops(error)
            } catch AugmentationError.video(let error) {
                throw .sheet(error)
            } catch {
                continue
            }
        }
        return made
    }

    private static func picture(of mask: [Float]) -> RGBImage {
        RGBImage(
            width: picturePixels, height: picturePixels,
            pixels: mask.flatMap { [UInt8](repeating: UInt8(min(255, max(0, $0 * 255))), count: 3) })
    }
}
