import CKernels

/// torchvision's `ToTensor` and `Normalize`: RGB24 to (value / 255 − mean) / std, the channels of a pixel side by side.
public struct ImageNormalization: Sendable {
    /// What each byte of red, green and blue becomes, `[3][256]`: computed once, in float32 as torchvision does.
    private let table: [Float]

    /// One mean and one standard deviation for each of red, green and blue, on the scale 0…1.
    public init(mean: [Float], std: [Float]) {
        precondition(mean.count == 3 && std.count == 3 && std.allSatisfy { $0 > 0 })
        table = (0..<3).flatMap { channel in (0..<256).map { (Float($0) / 255 - mean[channel]) / std[channel] } }
    }

    /// `[pixelCount, 3]` bytes to `[pixelCount, 3]` floats.
    public func apply(rgb: UnsafePointer<UInt8>, pixelCount: Int, output: UnsafeMutablePointer<Float>) {
        normalize_rgb8_f32(rgb, pixelCount, table, output)
    }
}
