import Crops
import NeuralCore
import Video

/// Batches of reals and the fakes that were made of them: each picture stands beside its own fake, so nothing else tells the two apart.
public struct SelfBlendSource: BatchSource {
    /// A crop whose landmarks cannot be blended is drawn anew this often before the step is given up.
    static let attempts = 8

    public let picturesPerBatch: Int
    private let dataset: any CropReading
    private let index: CropIndex
    private let maker: any PairMaking
    private let pairs: Int
    private let clipShare: Double
    private let framesPerClip: Int
    private let seed: UInt64

    /// Real sources among `included`; `pairs` a batch, of clips `framesPerClip` frames treated alike at a time.
    public init(
        _ dataset: any CropReading, including included: Set<Int>, maker: any PairMaking, pairs: Int, clipShare: Double, framesPerClip: Int,
        seed: UInt64
    ) throws(TrainingError) {
        precondition(pairs >= 1 && framesPerClip >= 1, "\(pairs) pairs, \(framesPerClip) frames a clip")
        self.dataset = dataset
        self.maker = maker
        self.pairs = pairs
        self.clipShare = clipShare
        self.framesPerClip = framesPerClip
        self.seed = seed
        picturesPerBatch = 2 * pairs
        index = CropIndex(dataset) { included.contains($0) && $1.label == .real }
        guard !index.isEmpty else { throw .noReals }
    }

    /// Sources that it draws from.
    public var sourceCount: Int { index.count }

    public func batch(step: Int) throws -> TrainingBatch {
        var rgb: [UInt8] = []
        rgb.reserveCapacity(picturesPerBatch * PictureSize.bytes)
        var labels: [Bool] = []
        var number = 0
        while labels.count < picturesPerBatch {
            let room = pairs - labels.count / 2
            for pair in try drawn(step: step, number: number, room: room) {
                for picture in [pair.real, pair.fake] { rgb += try checked(picture) }
                labels += [false, true]
            }
            number += 1
        }
        return TrainingBatch(rgb: rgb, labels: labels, weights: [Double](repeating: 1, count: labels.count))
    }

    /// Pairs of one source, at most `room`.
    private func drawn(step: Int, number: Int, room: Int) throws -> [(real: RGBImage, fake: RGBImage)] {
        var failure: (any Error)?
        for attempt in 0..<Self.attempts {
            let name = "step \(step) pair \(number) attempt \(attempt)"
            var random = SeededRandom(seed: seed, stream: name)
            let member = index.draw(clipShare: clipShare, &random)
            let crops = window(of: member, count: min(framesPerClip, room), &random)
            do {
                let pictures = try crops.map { CropPicture(crop: dataset.crops[$0], picture: try dataset.cropPicture($0)) }
                return try maker.pairs(of: pictures, random: SeededRandom(seed: seed, stream: name + " blend"))
            } catch let error as CropsError {
                throw error
            } catch {
                failure = error
            }
        }
        throw TrainingError.data("no fake could be made for step \(step) in \(Self.attempts) attempts: \(failure.map { "\($0)" } ?? "")")
    }

    /// Frames of one person that follow each other, from a uniform start; a still has one.
    private func window(of member: CropIndex.Member, count: Int, _ random: inout SeededRandom) -> [Int] {
        let start = random.index(below: member.crops.count)
        let track = dataset.crops[member.crops[start]].track
        let following = member.crops[start...].filter { dataset.crops[$0].track == track }
        return Array(following.prefix(count))
    }
}

/// The bytes of a picture that has the network's size.
func checked(_ picture: RGBImage) throws(TrainingError) -> [UInt8] {
    guard picture.width == PictureSize.side, picture.height == PictureSize.side else {
        throw .data("a picture of \(picture.width)×\(picture.height) pixels was made where \(PictureSize.side)×\(PictureSize.side) are wanted")
    }
    return picture.pixels
}
