import NeuralCore

/// What turns the clip's mean feature `[512]` into one logit.
enum ClassifierHead: Sendable {
    case linear(Linear)
    /// 512 → 512, max(0, x), 512 → 1.
    case mlp(hidden: Linear, output: Linear)

    /// The head of a checkpoint whose tensors have been validated.
    init(kind: ModelCard.Head, tensors: [String: Tensor]) {
        func layer(_ name: String) -> Linear {
            guard let weights = tensors[name + ".weight"], let bias = tensors[name + ".bias"] else {
                preconditionFailure("\(name) is missing from a validated checkpoint")
            }
            return Linear(weights: weights.copied(), bias: bias.copied())
        }
        switch kind {
        case .linear: self = .linear(layer("fc"))
        case .mlp: self = .mlp(hidden: layer("fc.0"), output: layer("fc.2"))
        }
    }

    func logit(of features: [Float]) -> Double {
        switch self {
        case .linear(let layer): layer.apply(features)[0]
        case .mlp(let hidden, let output): output.apply(hidden.apply(features).map { $0 < 0 ? 0 : Float($0) })[0]
        }
    }

    /// The logit's gradient with respect to the features, at `features`.
    func gradient(at features: [Float]) -> [Double] {
        switch self {
        case .linear(let layer): return layer.inputGradient(outputGradient: [1])
        case .mlp(let hidden, let output):
            let activations = hidden.apply(features)
            let outer = output.inputGradient(outputGradient: [1])
            return hidden.inputGradient(outputGradient: zip(outer, activations).map { $1 > 0 ? $0 : 0 })
        }
    }
}
