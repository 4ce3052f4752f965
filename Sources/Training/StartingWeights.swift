import Detector
import Foundation
import NeuralCore

/// Makes the checkpoint that a training starts from, also of a file that lacks some of the network.
public enum StartingWeights {
    /// Tensors and what became of them.
    public struct Result: Sendable {
        public var checkpoint: Checkpoint
        /// One sentence each: what the file lacked and what stands there instead.
        public var notes: [String]
    }

    /// Random weights (He-normal convolutions) where `settings.weights` is empty, else the file's, a relative path being looked for in `folder`.
    ///
    /// Of a block whose weights are missing the first convolution is He-normal over its fan-out, and the second and all biases are zero, so that
    /// the block hands on what it gets; a missing or replaced head is zero.
    public static func make(_ settings: Recipe.Start, folder: String, card: ModelCard, seed: UInt64) throws(TrainingError) -> Result {
        do {
            let fresh = try Checkpoint.initialised(seed: seed)
            guard !settings.weights.isEmpty else {
                let tensors = settings.zeroHead ? withZeroHead(fresh.tensors) : fresh.tensors
                return Result(checkpoint: try Checkpoint(card: card, tensors: tensors), notes: ["random weights"])
            }
            let path = URL(fileURLWithPath: settings.weights, relativeTo: URL(fileURLWithPath: folder, isDirectory: true)).path
            return try read(path, settings: settings, fresh: fresh.tensors, card: card, seed: seed)
        } catch let error as TrainingError {
            throw error
        } catch {
            throw .weights(path: settings.weights.isEmpty ? "(random)" : settings.weights, reason: "\(error)")
        }
    }

    private static func read(
        _ path: String, settings: Recipe.Start, fresh: [String: Tensor], card: ModelCard, seed: UInt64
    ) throws -> Result {
        do {
            let whole = try CheckpointImporter.read(path: path, options: .init(headSeed: seed))
            guard whole.card.head == .linear else { throw TrainingError.weights(path: path, reason: "its head is no linear one, which training has") }
            let tensors = settings.zeroHead || !whole.card.trained ? withZeroHead(whole.tensors) : whole.tensors
            return Result(checkpoint: try Checkpoint(card: card, tensors: tensors), notes: [])
        } catch CheckpointError.mismatch(let mismatch) where settings.missing == .initialise && mismatch.wrongShape.isEmpty {
            let dictionaries = try CheckpointImporter.readTensors(path: path)
            guard let found = dictionaries.values.map({ known($0, fresh) }).max(by: { $0.count < $1.count }) else {
                throw CheckpointError.mismatch(mismatch)
            }
            let (tensors, notes) = try completed(found, fresh: fresh, path: path, seed: seed)
            return Result(checkpoint: try Checkpoint(card: card, tensors: tensors), notes: notes)
        }
    }

    /// The tensors that have a name of the backbone's, folded or normalised, after a prefix of all names at most.
    private static func known(_ tensors: [String: Tensor], _ fresh: [String: Tensor]) -> [String: Tensor] {
        let marker = "layer1.0.conv1.weight"
        let prefix = tensors.keys.filter { $0.hasSuffix(marker) }.min().map { String($0.dropLast(marker.count)) } ?? ""
        var known: [String: Tensor] = [:]
        for (name, tensor) in tensors where name.hasPrefix(prefix) {
            let short = String(name.dropFirst(prefix.count))
            let isBias = short.hasSuffix(".bias") && fresh[short.dropLast(5) + ".weight"] != nil
            if !short.hasPrefix("fc."), fresh[short] != nil || isBias { known[short] = tensor }
        }
        return known
    }

    /// Fills in what is missing; more than a third missing is another network.
    private static func completed(
        _ found: [String: Tensor], fresh: [String: Tensor], path: String, seed: UInt64
    ) throws(TrainingError) -> (tensors: [String: Tensor], notes: [String]) {
        let convolutions = fresh.filter { $0.value.shape.count == 4 }
        let missing = convolutions.keys.filter { found[$0] == nil }.sorted()
        guard missing.count * 3 <= convolutions.count else {
            throw .weights(path: path, reason: "\(missing.count) of \(convolutions.count) convolutions are missing: it is no ResNet18")
        }
        let isFolded = found["conv1.bias"] != nil
        var tensors = found
        var notes: [String] = []
        for name in missing {
            guard let shape = fresh[name]?.shape else { continue }
            let stem = String(name.dropLast(".weight".count))
            let isSecond = stem.hasSuffix("conv2")
            let deviation = (2 / Double(shape[0] * shape[2] * shape[3])).squareRoot()
            var random = SeededRandom(seed: seed, stream: "start \(name)")
            tensors[name] = Tensor(shape: shape) { values in
                if !isSecond { for index in values.indices { values[index] = Float(deviation * random.normal()) } }
            }
            if isFolded {
                tensors[stem + ".bias"] = zeros([shape[0]])
            } else {
                let norm = normName(of: stem)
                for suffix in ["weight", "bias", "running_mean", "running_var"] where tensors["\(norm).\(suffix)"] == nil {
                    tensors["\(norm).\(suffix)"] = fresh["\(norm).\(suffix)"]
                }
            }
            notes.append("\(name) is missing in the file: \(isSecond ? "zero" : "He-normal")\(isFolded ? ", its bias zero" : "")")
        }
        return (withZeroHead(tensors), notes)
    }

    private static func normName(of convolution: String) -> String {
        convolution.hasSuffix("downsample.0")
            ? convolution.dropLast() + "1" : convolution.replacingOccurrences(of: "conv", with: "bn")
    }

    private static func withZeroHead(_ tensors: [String: Tensor]) -> [String: Tensor] {
        tensors.merging(["fc.weight": zeros([1, 512]), "fc.bias": zeros([1])]) { _, zero in zero }
    }

    private static func zeros(_ shape: [Int]) -> Tensor { Tensor(shape: shape) { _ in } }
}
