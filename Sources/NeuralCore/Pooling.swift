import CKernels

/// Pooling and per-channel reductions over one `[C, H, W]` image.
public enum Pooling {
    /// Extent after a 3×3 maximum with stride 2 and padding 1.
    public static func maxPooledExtent(_ extent: Int) -> Int { (extent - 1) / 2 + 1 }

    /// 3×3 maximum, stride 2, padding 1: `[channels, height, width]` to `[channels, (h−1)/2+1, (w−1)/2+1]`.
    public static func maximum3x3Stride2(
        input: UnsafePointer<Float>, channels: Int, height: Int, width: Int, output: UnsafeMutablePointer<Float>
    ) {
        precondition(height > 0 && width > 0)
        max_pool_3x3s2_f32(input, channels, height, width, output)
    }

    /// Mean of each plane of `planeCount` values: `[channels, planeCount]` to `[channels]`.
    public static func globalAverage(
        input: UnsafePointer<Float>, channels: Int, planeCount: Int, output: UnsafeMutablePointer<Float>
    ) {
        precondition(planeCount > 0)
        global_average_pool_f32(input, channels, planeCount, output)
    }

    /// True if no value is a NaN or an infinity.
    public static func isFinite(_ values: UnsafeBufferPointer<Float>) -> Bool {
        guard let base = values.baseAddress else { return true }
        return all_finite_f32(base, values.count) != 0
    }

    /// Σ_k weights[k] · input[k, i] for each place i of the plane, summed in double.
    public static func weightedSum(
        weights: [Double], input: UnsafePointer<Float>, planeCount: Int
    ) -> [Double] {
        [Double](unsafeUninitializedCapacity: planeCount) { output, initializedCount in
            if let base = output.baseAddress {
                weighted_plane_sum_f64(weights, input, weights.count, planeCount, base)
            }
            initializedCount = planeCount
        }
    }
}
