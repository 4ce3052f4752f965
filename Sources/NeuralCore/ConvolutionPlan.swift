import CKernels

/// The geometry of a convolution over one `[C, H, W]` image and how its unrolled input is cut into tiles.
///
/// The tiles depend on the geometry alone, never on the batch or the number of threads: the same matrix products in the
/// same order make a frame's values equal to the bit wherever it is computed.
public struct ConvolutionPlan: Sendable {
    /// Floats of unrolled input a tile may take: 2 MiB, so that a tile stays in a core's second-level cache.
    private static let tileFloats = 512 * 1024

    public let inChannels: Int
    public let inHeight: Int
    public let inWidth: Int
    public let outChannels: Int
    public let outHeight: Int
    public let outWidth: Int
    /// Extent of the square kernel.
    public let kernel: Int
    public let stride: Int
    /// Zeros on each side.
    public let padding: Int
    /// Output rows computed by one matrix product.
    public let rowsPerTile: Int

    /// A plan for a square kernel; the picture with its padding must be at least as large as the kernel.
    public init(
        inChannels: Int, height: Int, width: Int, outChannels: Int, kernel: Int, stride: Int = 1, padding: Int = 0
    ) {
        precondition(inChannels > 0 && outChannels > 0 && kernel > 0 && stride > 0 && padding >= 0)
        precondition(height + 2 * padding >= kernel && width + 2 * padding >= kernel, "the kernel exceeds the picture")
        self.inChannels = inChannels
        inHeight = height
        inWidth = width
        self.outChannels = outChannels
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
        outHeight = (height + 2 * padding - kernel) / stride + 1
        outWidth = (width + 2 * padding - kernel) / stride + 1
        let rowFloats = inChannels * kernel * kernel * outWidth
        rowsPerTile = min(outHeight, max(1, ConvolutionPlan.tileFloats / rowFloats))
    }

    /// Values of one input image.
    public var inputCount: Int { inChannels * inHeight * inWidth }
    /// Values of one output image.
    public var outputCount: Int { outChannels * outHeight * outWidth }
    /// Values of the weights `[outChannels, inChannels, kernel, kernel]`.
    public var weightCount: Int { outChannels * depth }
    /// Length of one unrolled column.
    public var depth: Int { inChannels * kernel * kernel }
    /// Floats of scratch that `Convolution.apply` needs; none for a 1×1 kernel, whose input is its own unrolling.
    public var scratchCount: Int { isPointwise ? 0 : depth * rowsPerTile * outWidth }

    var isPointwise: Bool { kernel == 1 && stride == 1 && padding == 0 }

    /// The same geometry for the C kernels.
    public var kernelShape: conv2d_shape {
        conv2d_shape(
            in_channels: inChannels, in_height: inHeight, in_width: inWidth, out_channels: outChannels,
            out_height: outHeight, out_width: outWidth, kernel: kernel, stride: stride, padding: padding)
    }
}
