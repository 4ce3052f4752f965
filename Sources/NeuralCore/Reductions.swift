import CKernels

/// Sums over images whose channels lie innermost, `[pixels, channels]`.
public enum Reductions {
    /// Mean of each channel over all pixels.
    public static func channelMeans(
        _ input: UnsafePointer<Float>, pixels: Int, channels: Int, into output: UnsafeMutablePointer<Float>
    ) {
        precondition(pixels > 0)
        channel_means_f32(input, pixels, channels, output)
    }

    /// Σ_c weights[c] · input[p, c] for each pixel p, summed in double.
    public static func weightedSums(
        weights: [Double], _ input: UnsafePointer<Float>, pixels: Int, into output: UnsafeMutablePointer<Double>
    ) {
        channel_sums_f64(weights, input, pixels, weights.count, output)
    }

    /// True if no value is a NaN or an infinity.
    public static func isFinite(_ values: UnsafeBufferPointer<Float>) -> Bool {
        guard let base = values.baseAddress else { return true }
        return all_finite_f32(base, values.count) != 0
    }

    /// `[3, count]` planes, each `planeDistance` floats after the other, to `[count, 3]`.
    public static func interleavePlanes(
        _ planes: UnsafePointer<Float>, planeDistance: Int, count: Int, into output: UnsafeMutablePointer<Float>
    ) {
        interleave_planes_f32(planes, planes + planeDistance, planes + 2 * planeDistance, count, output)
    }
}
