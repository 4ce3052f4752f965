/// Recognises a binary head by its shapes, whatever its tensors are called.
struct HeadFinder {
    /// The head's tensors under the checkpoint's own names.
    private(set) var tensors: [String: TensorEntry] = [:]
    /// What is no part of the head.
    private(set) var rest: [TensorEntry]

    private static let features = ResNetArchitecture.featureCount

    /// - Parameter entries: everything that is not of the backbone.
    init(entries: [TensorEntry]) {
        rest = entries
    }

    /// The head's kind; nil if no tensor is `[1, 512]`, or several are. A bias that is missing stays missing.
    mutating func find() -> ModelCard.Head? {
        let outputs = rest.filter { $0.shape == [1, HeadFinder.features] }
        guard outputs.count == 1, let output = outputs.first else { return nil }
        let hidden = rest.filter { $0.shape == [HeadFinder.features, HeadFinder.features] }
        guard hidden.count <= 1 else { return nil }
        if let hidden = hidden.first {
            take(hidden, as: "fc.0", biasShape: [HeadFinder.features])
            take(output, as: "fc.2", biasShape: [1])
            return .mlp
        }
        take(output, as: "fc", biasShape: [1])
        return .linear
    }

    /// Takes a weight and its bias: the one named like it, else the only one of the right shape.
    private mutating func take(_ weight: TensorEntry, as name: String, biasShape: [Int]) {
        tensors[name + ".weight"] = weight
        rest.removeAll { $0.name == weight.name }
        let suffix = "weight"
        let siblingName = weight.name.hasSuffix(suffix) ? weight.name.dropLast(suffix.count) + "bias" : ""
        let fitting = rest.filter { $0.shape == biasShape }
        let sibling = fitting.first { $0.name == siblingName }
        guard let bias = sibling ?? (fitting.count == 1 ? fitting.first : nil) else { return }
        tensors[name + ".bias"] = bias
        rest.removeAll { $0.name == bias.name }
    }
}
