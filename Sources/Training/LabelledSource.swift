import Crops
import NeuralCore

/// Batches of given reals and given fakes.
public struct LabelledSource: BatchSource {
    /// How labels are mixed.
    public enum Balance: String, Codable, Sendable, CaseIterable {
        /// Half of a batch is real, half is fake: each drawn by source, then crop; fakes by their methods' shares.
        case equal
        /// Every crop once an epoch, in an order of the epoch's own.
        case natural
    }

    public let picturesPerBatch: Int
    private let dataset: any CropReading
    private let reals: CropIndex
    /// Fakes by method with the upper bound of its share, in the methods' order.
    private let fakes: [(method: String, index: CropIndex, upTo: Double)]
    private let all: [Int]
    private let maker: any PictureMaking
    private let balance: Balance
    private let clipShare: Double
    private let seed: UInt64

    /// Sources among `included`; `shares` of the fakes by method, which need not sum to 1; without any, each method has what it has of sources.
    public init(
        _ dataset: any CropReading, including included: Set<Int>, maker: any PictureMaking, pictures: Int, balance: Balance,
        shares: [String: Double], clipShare: Double, seed: UInt64
    ) throws(TrainingError) {
        precondition(pictures >= 1, "\(pictures) pictures")
        self.dataset = dataset
        self.maker = maker
        self.balance = balance
        self.clipShare = clipShare
        self.seed = seed
        picturesPerBatch = pictures
        reals = CropIndex(dataset) { included.contains($0) && $1.label == .real }
        guard !reals.isEmpty else { throw .noReals }
        let methods = Set(dataset.sources.enumerated().filter { included.contains($0.offset) && $0.element.label == .fake }.map(\.element.method))
        guard !methods.isEmpty else {
            throw .noFakes
        }
        if let strange = shares.keys.sorted().first(where: { !methods.contains($0) }) {
            let known = methods.sorted().joined(separator: ", ")
            throw .data("the recipe gives a share to fakes by \(strange), of which there are none; there are \(known)")
        }
        var total = 0.0
        var fakes: [(method: String, index: CropIndex, upTo: Double)] = []
        for method in methods.sorted() {
            let index = CropIndex(dataset) { included.contains($0) && $1.label == .fake && $1.method == method }
            let share = shares.isEmpty ? Double(index.count) : shares[method] ?? 0
            guard share > 0, !index.isEmpty else { continue }
            total += share
            fakes.append((method, index, total))
        }
        guard !fakes.isEmpty else { throw .data("no fakes are left to train on: none has crops, or every share is 0") }
        self.fakes = fakes
        let used = Set((fakes.map(\.index) + [reals]).flatMap { ($0.clips + $0.stills).flatMap(\.crops) })
        all = used.sorted()
    }

    /// Crops of one epoch.
    public var cropCount: Int { all.count }

    public func batch(step: Int) throws -> TrainingBatch {
        let crops = balance == .equal ? equalCrops(step: step) : naturalCrops(step: step)
        var rgb: [UInt8] = []
        rgb.reserveCapacity(picturesPerBatch * PictureSize.bytes)
        for (place, crop) in crops.enumerated() {
            let source = CropPicture(crop: dataset.crops[crop], picture: try dataset.cropPicture(crop))
            rgb += try checked(maker.picture(of: source, random: SeededRandom(seed: seed, stream: "step \(step) picture \(place)")))
        }
        let labels = crops.map { dataset.sources[dataset.crops[$0].source].label == .fake }
        return TrainingBatch(rgb: rgb, labels: labels, weights: [Double](repeating: 1, count: labels.count))
    }

    private func equalCrops(step: Int) -> [Int] {
        (0..<picturesPerBatch).map { place in
            var random = SeededRandom(seed: seed, stream: "step \(step) crop \(place)")
            let member: CropIndex.Member
            if place % 2 == 0 {
                member = reals.draw(clipShare: clipShare, &random)
            } else {
                let at = random.uniform() * (fakes.last?.upTo ?? 1)
                let method = fakes.first { at <= $0.upTo } ?? fakes[fakes.count - 1]
                member = method.index.draw(clipShare: clipShare, &random)
            }
            return member.crops[random.index(below: member.crops.count)]
        }
    }

    private func naturalCrops(step: Int) -> [Int] {
        let first = step * picturesPerBatch
        var epoch = -1
        var order: [Int] = []
        return (first..<first + picturesPerBatch).map { position in
            if position / all.count != epoch {
                epoch = position / all.count
                var random = SeededRandom(seed: seed, stream: "epoch \(epoch)")
                order = all
                // Fisher and Yates, spelled out: the standard library's order may change with its version.
                for last in stride(from: order.count - 1, to: 0, by: -1) { order.swapAt(last, random.index(below: last + 1)) }
            }
            return order[position % all.count]
        }
    }
}
