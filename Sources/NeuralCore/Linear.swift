import CKernels

/// A fully connected layer: y = W x + b, summed in double in one fixed order.
public struct Linear: Sendable {
    /// Length of x.
    public let inputCount: Int
    /// Length of y.
    public let outputCount: Int
    private let weights: Tensor
    private let bias: Tensor

    /// A layer with `weights` `[outputCount, inputCount]` and `bias` `[outputCount]`.
    public init(weights: Tensor, bias: Tensor) {
        precondition(weights.shape.count == 2 && bias.shape == [weights.shape[0]], "weights [out, in] and bias [out]")
        outputCount = weights.shape[0]
        inputCount = weights.shape[1]
        self.weights = weights
        self.bias = bias
    }

    /// W x + b for `input` of `inputCount` values.
    public func apply(_ input: [Float]) -> [Double] {
        precondition(input.count == inputCount, "\(input.count) inputs, \(inputCount) wanted")
        return weights.withUnsafeBuffer { w in
            bias.withUnsafeBuffer { b in
                [Double](unsafeUninitializedCapacity: outputCount) { output, initializedCount in
                    if let w = w.baseAddress, let b = b.baseAddress, let y = output.baseAddress {
                        linear_f64(w, b, input, outputCount, inputCount, y)
                    }
                    initializedCount = outputCount
                }
            }
        }
    }

    /// The gradient with respect to x, given the gradient with respect to y: Wᵀ g.
    public func inputGradient(outputGradient: [Double]) -> [Double] {
        precondition(outputGradient.count == outputCount)
        var gradient = [Double](repeating: 0, count: inputCount)
        weights.withUnsafeBuffer { w in
            for row in 0..<outputCount where outputGradient[row] != 0 {
                for column in 0..<inputCount {
                    gradient[column] += outputGradient[row] * Double(w[row * inputCount + column])
                }
            }
        }
        return gradient
    }
}
