/// One line of metrics.jsonl.
public enum TrainingMetrics: Codable, Sendable, Equatable {
    /// What a step did.
    public struct Step: Codable, Sendable, Equatable {
        /// From 1.
        public var step: Int
        /// Mean over the batch, before the update.
        public var loss: Double
        /// Share of the batch on the right side of 0.
        public var accuracy: Double
        /// Before clipping.
        public var gradientNorm: Double
        public var rate: Double
        public var headRate: Double
    }

    /// What the moving average is worth after a step.
    public struct Validation: Codable, Sendable, Equatable {
        public var step: Int
        /// By the set's name.
        public var sets: [String: ValidationResult]
    }

    case step(Step)
    case validation(Validation)

    private enum Kind: String, Codable {
        case step, validation
    }

    private enum CodingKeys: CodingKey {
        case kind
    }

    public init(from decoder: any Decoder) throws {
        switch try decoder.container(keyedBy: CodingKeys.self).decode(Kind.self, forKey: .kind) {
        case .step: self = .step(try Step(from: decoder))
        case .validation: self = .validation(try Validation(from: decoder))
        }
    }

    /// The values beside their kind, without a level between.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .step(let step):
            try container.encode(Kind.step, forKey: .kind)
            try step.encode(to: encoder)
        case .validation(let validation):
            try container.encode(Kind.validation, forKey: .kind)
            try validation.encode(to: encoder)
        }
    }
}

/// How well one set of pictures was judged.
public struct ValidationResult: Codable, Sendable, Equatable {
    /// Area under the ROC curve over sources, the logit of each being the mean of its pictures'; nil where only one label is there.
    public var auc: Double?
    /// The same of each method's fakes against all reals.
    public var aucByMethod: [String: Double]
    /// Mean cross entropy over pictures, unweighted.
    public var loss: Double
    /// Sources and pictures.
    public var reals: Int
    public var fakes: Int
    public var pictures: Int
}

/// One line of timings.jsonl: nothing in it is the same twice.
struct StepTiming: Codable, Sendable {
    var step: Int
    var picturesPerSecond: Double
    var seconds: Double
    /// Of those, seconds in which the network waited for its batch.
    var waitingSeconds: Double
    var time: Double
}
