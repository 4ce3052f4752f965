import CKernels

/// One number for each pixel of a plan's output: a weighted sum of its channels. For a head of few outputs most of which nobody will look at.
public struct PixelProjection: Sendable {
    private let kernels: image_kernels
    private let weights: [Float]
    private let bias: Float

    /// `weights` are those of the output's channels, `[channels]`; a pixel takes `pixelFloats` floats, the last of `plan.outputShape`.
    public init(weights: [Float], bias: Float, pixelFloats: Int, selection: KernelSelection) {
        precondition(weights.count <= pixelFloats && pixelFloats % 16 == 0)
        kernels = selection.kernels.imageKernels
        self.weights = weights + [Float](repeating: 0, count: pixelFloats - weights.count)
        self.bias = bias
    }

    /// `[pixelCount, pixelFloats]` to `[pixelCount]`; the sums' last bits depend on the kernels.
    public func apply(_ pixels: UnsafePointer<Float>, pixelCount: Int, into output: UnsafeMutablePointer<Float>) {
        kernels.pixel_dots(weights, bias, pixels, pixelCount, weights.count, output)
    }
}
