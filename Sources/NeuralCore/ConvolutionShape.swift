/// The geometry of a convolution over one image: square kernel, one stride and one zero padding for both axes.
public struct ConvolutionShape: Sendable, Equatable {
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

    /// The picture with its padding must be at least as large as the kernel.
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
    }

    /// Values of the weights `[outChannels, inChannels, kernel, kernel]`.
    public var weightCount: Int { outChannels * inChannels * kernel * kernel }

    /// Multiplications of the definition for one image.
    public var multiplications: Int { weightCount * outHeight * outWidth }

    /// True if Winograd's algorithms compute it.
    var isWinograd: Bool { kernel == 3 && stride == 1 && padding <= 1 && !isFullyConnected }

    /// True if there is one output pixel, made of the whole picture.
    var isFullyConnected: Bool { padding == 0 && outHeight == 1 && outWidth == 1 && inHeight == kernel && inWidth == kernel }
}
