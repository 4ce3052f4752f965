import NeuralCore

/// A tensor that a file holds, described before any of its bytes are read.
struct TensorEntry: Sendable {
    let name: String
    let shape: [Int]
    let type: ElementType
    /// Reads, widens to float32 and, if need be, inflates the values.
    let load: @Sendable () throws(CheckpointError) -> Tensor
}
