/// Pictures of one step with what they are.
public struct TrainingBatch: Sendable, Equatable {
    /// `[count, 224, 224, 3]` bytes of RGB.
    public var rgb: [UInt8]
    /// True is fake; `[count]`.
    public var labels: [Bool]
    /// What each picture's loss is multiplied with, ≥ 0; `[count]`.
    public var weights: [Double]

    public var count: Int { labels.count }

    public init(rgb: [UInt8], labels: [Bool], weights: [Double]) {
        precondition(rgb.count == labels.count * PictureSize.bytes && weights.count == labels.count, "pictures, labels and weights of one number")
        self.rgb = rgb
        self.labels = labels
        self.weights = weights
    }
}

/// Where batches come from.
///
/// A batch depends on the source and the step alone, so a resumed run needs nothing but the step's number, and threads may make several at once.
public protocol BatchSource: Sendable {
    /// Pictures of each batch.
    var picturesPerBatch: Int { get }
    /// The batch of a step, counted from 0.
    func batch(step: Int) throws -> TrainingBatch
}
