import Foundation
import DetectionMetrics

/// Pictures that a run is judged on but never learns from: the same at every validation.
public protocol ValidationPictures: Sendable {
    /// What each picture is of.
    var items: [ValidationItem] { get }
    /// 224 × 224 × 3 bytes of RGB.
    func picture(_ item: Int) throws -> [UInt8]
}

/// What a picture of a validation is of.
public struct ValidationItem: Sendable, Equatable {
    /// Pictures of one source are judged together; any number.
    public var source: Int
    public var isFake: Bool
    /// How the fake was made.
    public var method: String

    public init(source: Int, isFake: Bool, method: String) {
        self.source = source
        self.isFake = isFake
        self.method = method
    }
}

/// What a finished model says of one source that it did not learn from: what a calibration is fitted to.
public struct JudgedSource: Codable, Sendable, Equatable {
    public let isFake: Bool
    public let logit: Double
}

/// Pictures under the name that metrics and curves have for them.
public struct ValidationSet: Sendable {
    /// Name of the set that `--validation` gives.
    static let given = "given"

    public let name: String
    public let pictures: any ValidationPictures

    public init(name: String, pictures: any ValidationPictures) {
        self.name = name
        self.pictures = pictures
    }

    /// Pictures that are judged in one go.
    private static let chunk = 32

    /// Judges all pictures, which `loaders` threads make meanwhile; nil if a logit is not finite.
    func evaluate(_ scorer: any PictureScoring, loaders: Int) throws -> ValidationResult? {
        let logits = try logits(scorer, loaders: loaders)
        return logits.allSatisfy(\.isFinite) ? Self.result(items: pictures.items, logits: logits) : nil
    }

    /// The mean logit of each source, in their order.
    func sources(_ scorer: any PictureScoring, loaders: Int) throws -> [JudgedSource] {
        Self.sources(items: pictures.items, logits: try logits(scorer, loaders: loaders))
            .map { JudgedSource(isFake: $0.item.isFake, logit: $0.logit) }
    }

    /// One an item.
    private func logits(_ scorer: any PictureScoring, loaders: Int) throws -> [Double] {
        let items = pictures.items
        let count = (items.count + Self.chunk - 1) / Self.chunk
        let prefetch = BatchPrefetch(Chunks(pictures: pictures, picturesPerBatch: Self.chunk), steps: 0..<count, loaders: loaders, depth: loaders + 1)
        defer { prefetch.stop() }
        var logits: [Double] = []
        for _ in 0..<count {
            let batch = try prefetch.next()
            logits += try scorer.logits(rgb: batch.rgb, count: batch.count)
        }
        return logits
    }

    /// The figures of given logits, one an item.
    static func result(items: [ValidationItem], logits: [Double]) -> ValidationResult {
        let sources = sources(items: items, logits: logits)
        let methods = Set(sources.filter(\.item.isFake).map(\.item.method))
        var byMethod: [String: Double] = [:]
        for method in methods {
            let chosen = sources.filter { !$0.item.isFake || $0.item.method == method }
            byMethod[method] = area(chosen)
        }
        let loss = items.isEmpty ? 0 : BinaryCrossEntropy().evaluate(logits: logits, labels: items.map(\.isFake)).loss
        let fakes = sources.count(where: \.item.isFake)
        return ValidationResult(
            auc: area(sources), aucByMethod: byMethod, loss: loss, reals: sources.count - fakes, fakes: fakes, pictures: items.count)
    }

    private static func sources(items: [ValidationItem], logits: [Double]) -> [(item: ValidationItem, logit: Double)] {
        var sums: [Int: (item: ValidationItem, sum: Double, count: Int)] = [:]
        for (item, logit) in zip(items, logits) {
            let old = sums[item.source] ?? (item, 0, 0)
            sums[item.source] = (item, old.sum + logit, old.count + 1)
        }
        return sums.sorted { $0.key < $1.key }.map { (item: $0.value.item, logit: $0.value.sum / Double($0.value.count)) }
    }

    private static func area(_ sources: [(item: ValidationItem, logit: Double)]) -> Double? {
        ROCCurve(labels: sources.map(\.item.isFake), scores: sources.map(\.logit))?.area
    }

    /// Pictures as batches, so that they are made ahead as those of training are.
    private struct Chunks: BatchSource {
        let pictures: any ValidationPictures
        let picturesPerBatch: Int

        func batch(step: Int) throws -> TrainingBatch {
            let items = pictures.items
            let range = step * picturesPerBatch..<min(items.count, (step + 1) * picturesPerBatch)
            return TrainingBatch(
                rgb: try range.flatMap { try pictures.picture($0) }, labels: range.map { items[$0].isFake }, weights: range.map { _ in 1 })
        }
    }
}
