import Detector
import Foundation
import NeuralCore
import Testing

/// A whole ResNet18 of seeded weights, made once for all tests.
enum SeededNetwork {
    static let seed: UInt64 = 20240
    static let linear = tensors(head: ["fc.weight": [1, 512], "fc.bias": [1]])
    static let mlp = tensors(head: ["fc.0.weight": [512, 512], "fc.0.bias": [512], "fc.2.weight": [1, 512], "fc.2.bias": [1]])

    /// torchvision's names and shapes, written out apart from the library's own table.
    static let backboneShapes: [String: [Int]] = {
        var shapes: [String: [Int]] = [:]
        func add(_ convolution: String, _ norm: String, _ shape: [Int]) {
            shapes[convolution + ".weight"] = shape
            for part in ["weight", "bias", "running_mean", "running_var"] { shapes["\(norm).\(part)"] = [shape[0]] }
        }
        add("conv1", "bn1", [64, 3, 7, 7])
        for (layer, channels) in zip(1...4, [64, 128, 256, 512]) {
            let before = layer == 1 ? 64 : channels / 2
            add("layer\(layer).0.conv1", "layer\(layer).0.bn1", [channels, before, 3, 3])
            add("layer\(layer).0.conv2", "layer\(layer).0.bn2", [channels, channels, 3, 3])
            add("layer\(layer).1.conv1", "layer\(layer).1.bn1", [channels, channels, 3, 3])
            add("layer\(layer).1.conv2", "layer\(layer).1.bn2", [channels, channels, 3, 3])
            if layer > 1 {
                add("layer\(layer).0.downsample.0", "layer\(layer).0.downsample.1", [channels, before, 1, 1])
            }
        }
        return shapes
    }()

    static func card(head: ModelCard.Head = .linear) -> ModelCard {
        ModelCard(name: "seeded", version: "1", head: head, trained: false)
    }

    static func checkpoint(head: ModelCard.Head = .linear) throws -> Checkpoint {
        try Checkpoint(card: card(head: head), tensors: head == .linear ? linear : mlp)
    }

    private static func tensors(head: [String: [Int]]) -> [String: Tensor] {
        var tensors: [String: Tensor] = [:]
        for (name, shape) in backboneShapes.merging(head, uniquingKeysWith: { $1 }) {
            tensors[name] = SeededValues.tensor(seed: seed, name: name, shape: shape)
        }
        return tensors
    }
}

/// The values that Tools/reference/make_test_values.py stored.
struct NetworkValues: Decodable {
    struct Layer: Decodable {
        let name: String
        let shape: [Int]
        let norm: Double
        let maximum: Double
        let indices: [Int]
        let values: [Double]
    }

    struct Head: Decodable {
        let logit: Double
        let frameLogits: [Double]
        let cam: [Double]
    }

    let seed: UInt64
    let frames: Int
    let layers: [Layer]
    let heads: [String: Head]
    let features: [Double]

    static func load() throws -> NetworkValues {
        try JSONDecoder().decode(NetworkValues.self, from: Data(contentsOf: Fixture.url("network-values.json")))
    }
}

enum Fixture {
    static func url(_ name: String) -> URL {
        Bundle.module.bundleURL.appendingPathComponent("Fixtures").appendingPathComponent(name)
    }
}

/// A folder of its own for one test, removed afterwards.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("whorl-detector-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        do {
            try FileManager.default.removeItem(at: url)
        } catch {
            Issue.record("the test's folder stays behind: \(error)")
        }
    }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    func write(_ data: Data, _ name: String) throws -> String {
        try data.write(to: url.appendingPathComponent(name))
        return path(name)
    }
}
