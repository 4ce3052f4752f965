import Detector
import NeuralCore

/// A model whose layers are put out of order one after the other, from the head down (Adebayo et al. 2018, arXiv:1810.03292, section 3.1): an
/// explanation that hardly changes explains the picture and not the model.
struct WeightRandomisation: Sendable {
    /// From the head down to the first convolution; each stage includes those before it.
    static let stages = ["head"] + (1...4).reversed().flatMap { layer in [1, 0].map { "layer\(layer).\($0)" } } + ["conv1"]

    let checkpoint: Checkpoint
    let seed: UInt64

    /// The model with everything from the head down to a stage (an index of `stages`) shuffled.
    ///
    /// Weights are shuffled within their tensor, so that their distribution stays and what they learned goes. A normalisation's four tensors move
    /// together: a channel's variance under another's scale would blow the layer up.
    func checkpoint(downTo stage: Int) throws(EvaluationError) -> Checkpoint {
        var tensors = checkpoint.tensors
        for (name, tensor) in checkpoint.tensors {
            guard let place = Self.stage(of: name), place <= stage else { continue }
            let layer = name.split(separator: ".").dropLast().joined(separator: ".")
            var random = SeededRandom(seed: seed, stream: tensor.shape.count > 1 ? name : layer)
            var values = tensor.elements
            for index in stride(from: values.count - 1, to: 0, by: -1) { values.swapAt(index, random.index(below: index + 1)) }
            tensors[name] = Tensor(shape: tensor.shape, elements: values)
        }
        do throws(CheckpointError) {
            return try Checkpoint(card: checkpoint.card, tensors: tensors)
        } catch {
            throw .checkpoint(error)
        }
    }

    /// The stage that a tensor belongs to, under torchvision's names.
    static func stage(of name: String) -> Int? {
        if name.hasPrefix("fc.") { return 0 }
        if name.hasPrefix("conv1.") || name.hasPrefix("bn1.") { return stages.count - 1 }
        return stages.firstIndex { name.hasPrefix($0 + ".") }
    }
}
