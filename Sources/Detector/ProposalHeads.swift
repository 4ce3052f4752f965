import Glibc
import NeuralCore

/// The first net's heads, over the whole of a level: of its tens of thousands of places only the few that may hold a face get more than one
/// number.
struct ProposalHeads: Sendable {
    /// By how much the quick difference of the logits may be off.
    private static let slack: Float = 1e-3

    /// `[outputs][channels]`.
    private let weights: [Float]
    private let bias: [Float]
    /// The second logit less the first.
    private let difference: PixelProjection
    private let channels: Int
    private let pixelFloats: Int

    init(_ weights: FaceDetectorWeights, selection: KernelSelection) {
        (self.weights, bias) = FaceNet.proposal.headParameters(weights)
        channels = self.weights.count / bias.count
        pixelFloats = (channels + 15) / 16 * 16
        let (first, second) = (self.weights[..<channels], self.weights[channels..<2 * channels])
        difference = PixelProjection(
            weights: zip(first, second).map { $1 - $0 }, bias: bias[1] - bias[0], pixelFloats: pixelFloats, selection: selection)
    }

    /// Calls `body` with the place and the outputs of each pixel whose probability may be `threshold` or more.
    func eachLikely(
        _ pixels: UnsafePointer<Float>, count: Int, pixelFloats: Int, threshold: Float, differences: UnsafeMutablePointer<Float>,
        _ body: (_ place: Int, _ outputs: UnsafePointer<Float>) -> Void
    ) {
        precondition(pixelFloats == self.pixelFloats, "pixels of \(pixelFloats) floats")
        difference.apply(pixels, pixelCount: count, into: differences)
        let least = logf(threshold / (1 - threshold)) - ProposalHeads.slack
        withUnsafeTemporaryAllocation(of: Float.self, capacity: bias.count) { outputs in
            outputs.initialize(repeating: 0)
            guard let base = outputs.baseAddress else { return }
            for place in 0..<count where differences[place] > least {
                compute(pixels + place * pixelFloats, into: base)
                body(place, base)
            }
        }
    }

    /// All outputs of one pixel.
    func compute(_ pixel: UnsafePointer<Float>, into outputs: UnsafeMutablePointer<Float>) {
        for output in bias.indices {
            outputs[output] = (0..<channels).reduce(bias[output]) { $0 + weights[output * channels + $1] * pixel[$1] }
        }
    }
}
