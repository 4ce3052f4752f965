import Foundation

/// What a checkpoint says about itself; kept as JSON under the key `card` of the safetensors metadata.
public struct ModelCard: Codable, Sendable, Equatable {
    /// What turns the mean feature into a logit.
    public enum Head: String, Codable, Sendable, CaseIterable {
        /// 512 → 1.
        case linear
        /// 512 → 512, max(0, x), 512 → 1.
        case mlp
    }

    /// What a model looks at.
    public enum Region: String, Codable, Sendable, CaseIterable {
        /// The whole picture, squeezed to the input's size.
        case frame
        /// Each face by itself.
        case face
    }

    /// torchvision's ImageNet mean of red, green and blue.
    public static let imageNetMean = [0.485, 0.456, 0.406]
    /// torchvision's ImageNet standard deviation of red, green and blue.
    public static let imageNetStd = [0.229, 0.224, 0.225]

    public var name: String
    public var version: String
    /// The network; always `resnet18`.
    public var architecture: String
    public var head: Head
    /// False if the weights are random: verdicts of such a model are `uncertain`.
    public var trained: Bool
    /// What of the picture the model was trained on.
    public var region: Region
    /// How a face is cut out for it; nil for whole frames.
    public var faceCrop: FaceCropRule?
    /// Frames sampled from a clip.
    public var frames: Int
    /// Width and height of the network's input in pixels; always 224.
    public var inputSize: Int
    /// Mean of red, green and blue on the scale 0…1.
    public var mean: [Double]
    /// Standard deviation of red, green and blue on the scale 0…1.
    public var std: [Double]
    /// Calibration: P(fake) = sigmoid(logit / temperature).
    public var temperature: Double
    /// P(fake) from which a clip is called fake.
    public var threshold: Double
    /// P(fake) within this closed range `[low, high]` is called uncertain.
    public var abstention: [Double]
    /// How its probabilities are spread over people that it did not learn from; nil where nobody measured it.
    public var scores: ScoreDistribution?
    /// What random weights were made from, if they were.
    public var seed: UInt64?
    /// When the checkpoint was made, RFC 3339 in UTC.
    public var created: String?
    public var notes: String
    /// Number format of the weights; always `float32`.
    public var precision: String

    /// A card with the defaults of an uncalibrated model on whole frames.
    public init(
        name: String, version: String, architecture: String = "resnet18", head: Head = .linear, trained: Bool,
        region: Region = .frame, faceCrop: FaceCropRule? = nil, frames: Int = 16, inputSize: Int = 224, mean: [Double] = ModelCard.imageNetMean,
        std: [Double] = ModelCard.imageNetStd, temperature: Double = 1, threshold: Double = 0.5,
        abstention: [Double] = [0.4, 0.6], scores: ScoreDistribution? = nil, seed: UInt64? = nil, created: String? = nil,
        notes: String = "", precision: String = "float32"
    ) {
        self.name = name
        self.version = version
        self.architecture = architecture
        self.head = head
        self.trained = trained
        self.region = region
        self.faceCrop = faceCrop
        self.frames = frames
        self.inputSize = inputSize
        self.mean = mean
        self.std = std
        self.temperature = temperature
        self.threshold = threshold
        self.abstention = abstention
        self.scores = scores
        self.seed = seed
        self.created = created
        self.notes = notes
        self.precision = precision
    }
}

/// How a face is cut out of a picture for a network: a square about the middle of its box.
public struct FaceCropRule: Codable, Sendable, Equatable {
    public enum Alignment: String, Codable, Sendable, CaseIterable {
        /// Upright as the picture is.
        case none
        /// Turned so that the eyes are level.
        case eyes
    }

    /// The square's side over the longer side of the face's box, 1…4.
    public var scale: Double
    public var alignment: Alignment

    /// By default a quarter of margin and no turning.
    public init(scale: Double = 1.25, alignment: Alignment = .none) {
        self.scale = scale
        self.alignment = alignment
    }
}

extension ModelCard {
    /// The first thing wrong with the card, nil if it can be used.
    var problem: String? {
        if name.isEmpty || version.isEmpty { return "name and version must not be empty" }
        if max(name.utf8.count, version.utf8.count) > 200 || notes.utf8.count > 10_000 {
            return "name, version or notes is too long (200, 200 and 10,000 bytes)"
        }
        if architecture != "resnet18" { return "architecture is \"\(architecture)\", this program has \"resnet18\"" }
        if precision != "float32" { return "precision is \"\(precision)\", this program has \"float32\"" }
        if (region == .face) != (faceCrop != nil) { return "faceCrop belongs to the region face, and to it alone" }
        if let faceCrop, !(1...4).contains(faceCrop.scale) { return "faceCrop.scale is \(faceCrop.scale), not within 1…4" }
        if !(1...ResNetDetector.maximumFrames).contains(frames) {
            return "frames is \(frames), not within 1…\(ResNetDetector.maximumFrames)"
        }
        if inputSize != ResNetArchitecture.inputSize { return "inputSize is \(inputSize), this program has 224" }
        if mean.count != 3 || !mean.allSatisfy({ abs($0) <= 1e3 }) { return "mean must be three numbers within ±1000" }
        if std.count != 3 || !std.allSatisfy({ (1e-3...1e3).contains($0) }) { return "std must be three numbers within 0.001…1000" }
        if !(temperature.isFinite && temperature > 0) { return "temperature must be above 0" }
        if !(threshold > 0 && threshold < 1) { return "threshold must lie between 0 and 1" }
        guard abstention.count == 2, abstention[0] <= abstention[1], abstention[0] >= 0, abstention[1] <= 1 else {
            return "abstention must be a range [low, high] within 0…1"
        }
        return scores?.problem
    }

    func encoded() throws(CheckpointError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        } catch {
            throw .invalidCard("it cannot be written as JSON: \(error)")
        }
    }

    static func decoded(from json: String) throws(CheckpointError) -> ModelCard {
        do {
            return try JSONDecoder().decode(ModelCard.self, from: Data(json.utf8))
        } catch let DecodingError.keyNotFound(key, _) {
            throw .invalidCard("\(key.stringValue) is missing")
        } catch let DecodingError.typeMismatch(_, context), let DecodingError.valueNotFound(_, context) {
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            throw .invalidCard("\(path) has the wrong type")
        } catch let DecodingError.dataCorrupted(context) where !context.codingPath.isEmpty {
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            throw .invalidCard("\(path) has a value that this program does not know")
        } catch {
            throw .invalidCard("it is not the JSON of a card")
        }
    }
}
