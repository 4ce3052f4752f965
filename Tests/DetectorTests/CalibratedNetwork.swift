import Detector
import Foundation
import NeuralCore

/// A whole ResNet18 of seeded weights with measured batch norms, and PyTorch's float32 results for it.
///
/// Its activations are of order 1 in every layer and its logits spread by about 1, as a trained network's do: a number
/// format's error shows here as it would there. From Tools/reference/make_calibrated_values.py.
enum CalibratedNetwork {
    /// Of the weights and of the input.
    static let seed = UInt64(stored.number("seed"))
    static let frameCount = stored.number("frames")

    /// The input that the results are of, `[frameCount, 3, 224, 224]`.
    static let input = SeededValues.frames(seed: seed, count: frameCount)
    /// Output of the last block, `[frameCount, 512, 7, 7]`.
    static let layer4 = stored.tensor("layer4").elements
    /// Means of layer4, `[frameCount, 512]`.
    static let features = stored.tensor("features").elements
    /// The head on each frame's feature.
    static let frameLogits = stored.tensor("frame_logits").elements.map(Double.init)
    /// The head on the mean feature.
    static let logit = Double(stored.tensor("logit").elements[0])
    /// Signed Grad-CAM of the logit, `[frameCount, 7, 7]`.
    static let cam = stored.tensor("cam").elements
    /// How far PyTorch's float32 layer4 is from its float64 one: largest difference / largest value.
    static let layer4Error = Double(stored.tensor("layer4_f64_error").elements[0])

    /// The seeded tensors with the measured statistics and the scaled head.
    static let tensors: [String: Tensor] = {
        var tensors: [String: Tensor] = [:]
        for (name, shape) in SeededNetwork.backboneShapes {
            let isMeasured = name.hasSuffix("running_mean") || name.hasSuffix("running_var")
            tensors[name] = isMeasured ? stored.tensor(name) : SeededValues.tensor(seed: seed, name: name, shape: shape)
        }
        for name in ["fc.weight", "fc.bias"] { tensors[name] = stored.tensor(name) }
        return tensors
    }()

    static let card = ModelCard(name: "calibrated", version: "1", trained: true)

    static func checkpoint() throws -> Checkpoint {
        try Checkpoint(card: card, tensors: tensors)
    }

    private static let stored: StoredTensors = {
        do {
            return try StoredTensors(Data(contentsOf: Fixture.url("calibrated.safetensors")))
        } catch {
            fatalError("calibrated.safetensors cannot be read: \(error)")
        }
    }()
}

/// A safetensors file of float32 tensors, read apart from the library's own reader, which wants a card.
private struct StoredTensors {
    private struct Failure: Error {
        let reason: String
    }

    private struct Header: Decodable {
        struct Name: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }

            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        struct Entry: Decodable {
            enum CodingKeys: String, CodingKey {
                case type = "dtype"
                case shape
                case place = "data_offsets"
            }

            let type: String
            let shape: [Int]
            let place: [Int]
        }

        var metadata: [String: String] = [:]
        var entries: [String: Entry] = [:]

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Name.self)
            for name in container.allKeys {
                if name.stringValue == "__metadata__" {
                    metadata = try container.decode([String: String].self, forKey: name)
                } else {
                    entries[name.stringValue] = try container.decode(Entry.self, forKey: name)
                }
            }
        }
    }

    private let metadata: [String: String]
    private let tensors: [String: Tensor]

    init(_ data: Data) throws {
        let bytes = [UInt8](data)
        guard bytes.count >= 8 else { throw Failure(reason: "\(bytes.count) bytes are no header") }
        let length = bytes[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= UInt64(bytes.count - 8) else { throw Failure(reason: "cut short within its header") }
        let start = 8 + Int(length)
        let header = try JSONDecoder().decode(Header.self, from: Data(bytes[8..<start]))
        metadata = header.metadata
        tensors = try header.entries.mapValues { entry in
            let count = entry.shape.reduce(1, *)
            guard entry.type == "F32", entry.place.count == 2, entry.place[0] >= 0, entry.place[1] - entry.place[0] == 4 * count,
                entry.place[1] <= bytes.count - start
            else { throw Failure(reason: "\(entry)") }
            return Tensor(shape: entry.shape) { values in
                for index in 0..<count {
                    let place = start + entry.place[0] + 4 * index
                    let bits = bytes[place..<place + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
                    values[index] = Float(bitPattern: bits)
                }
            }
        }
    }

    func tensor(_ name: String) -> Tensor {
        guard let tensor = tensors[name] else { fatalError("the stored values lack \(name)") }
        return tensor
    }

    /// A natural number of the metadata.
    func number(_ key: String) -> Int {
        guard let number = metadata[key].flatMap(Int.init) else { fatalError("the stored values lack the number \(key)") }
        return number
    }
}
