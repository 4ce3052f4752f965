/// The geometry of a maximum over kernel × kernel pixels with stride 2 in both directions. Windows are cut at the picture's edge.
struct PoolShape: Sendable, Equatable {
    let kernel: Int
    /// How far the first window reaches over the edge.
    let padding: Int
    let inHeight: Int
    let inWidth: Int
    let outHeight: Int
    let outWidth: Int

    /// With `coversRest` (PyTorch's `ceil_mode`) a last window of fewer pixels takes those that whole windows leave over.
    init(kernel: Int, padding: Int, coversRest: Bool, height: Int, width: Int) {
        precondition(kernel == 3 && padding <= 1 || kernel == 2 && padding == 0, "a maximum over \(kernel), padded by \(padding)")
        precondition(height + 2 * padding >= kernel && width + 2 * padding >= kernel, "the window exceeds the picture")
        self.kernel = kernel
        self.padding = padding
        inHeight = height
        inWidth = width
        // With padding the rest is covered already: the window that starts last holds the last pixel.
        let rest = coversRest && padding == 0 ? 1 : 0
        outHeight = (height + 2 * padding - kernel + rest) / 2 + 1
        outWidth = (width + 2 * padding - kernel + rest) / 2 + 1
    }

    /// Input rows under an output row.
    func window(_ row: Int) -> Range<Int> {
        max(0, 2 * row - padding)..<min(inHeight, 2 * row - padding + kernel)
    }
}
