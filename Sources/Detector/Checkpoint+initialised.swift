import Foundation
import NeuralCore

extension Checkpoint {
    /// Random weights of an untrained network: the same for the same seed, everywhere.
    ///
    /// Convolutions are He-normal over the fan-out, as torchvision initialises them (He et al. 2015, arXiv:1502.01852,
    /// equation 14); normalisations are the identity; the head is normal with deviation 0.01 and bias 0. The card says
    /// `trained: false`. Without `created` the card has no time, and the file is the same to the byte each time.
    public static func initialised(
        seed: UInt64, head: ModelCard.Head = .linear, created: Date? = nil
    ) throws(CheckpointError) -> Checkpoint {
        var tensors: [String: Tensor] = [:]
        for spec in ResNetArchitecture.convolutions {
            let fanOut = spec.outChannels * spec.kernel * spec.kernel
            tensors[spec.weightName] = normalTensor(
                spec.weightShape, deviation: (2 / Double(fanOut)).squareRoot(), seed: seed, name: spec.weightName)
            for (name, value) in zip(spec.normTensorNames, [1, 0, 0, 1] as [Float]) {
                tensors[name] = Tensor(
                    shape: [spec.outChannels], elements: [Float](repeating: value, count: spec.outChannels))
            }
        }
        tensors.merge(freshHead(head, seed: seed)) { _, fresh in fresh }
        let card = ModelCard(
            name: "resnet18-untrained", version: "seed-\(seed)", head: head, trained: false, seed: seed,
            created: created.map(rfc3339), notes: "Random weights: its verdicts mean nothing.")
        return try Checkpoint(card: card, tensors: tensors)
    }

    static func freshHead(_ head: ModelCard.Head, seed: UInt64) -> [String: Tensor] {
        var tensors: [String: Tensor] = [:]
        for (name, shape) in ResNetArchitecture.headShapes(head) {
            tensors[name] =
                shape.count == 2
                ? normalTensor(shape, deviation: shape[0] == 1 ? 0.01 : (2 / Double(shape[1])).squareRoot(), seed: seed, name: name)
                : Tensor(shape: shape, elements: [Float](repeating: 0, count: shape[0]))
        }
        return tensors
    }

    static func rfc3339(_ date: Date) -> String {
        date.formatted(.iso8601)
    }

    private static func normalTensor(_ shape: [Int], deviation: Double, seed: UInt64, name: String) -> Tensor {
        var source = SeededRandom(seed: seed, stream: name)
        return Tensor(shape: shape) { values in
            for index in values.indices { values[index] = Float(deviation * source.normal()) }
        }
    }
}
