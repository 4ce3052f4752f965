import CKernels

/// RGB24 pictures made smaller (or larger) by averages over areas, as PyTorch's `interpolate(mode: "area")` and its adaptive average pooling:
/// output pixel i of n covers inputs ⌊i·m/n⌋ up to ⌈(i+1)·m/n⌉ of m, along either axis.
///
/// Every average is scaled and shifted on its way out: value · `scale` + `offset`. All families of kernels give the same bits.
public struct AreaResampling: Sendable {
    private let kernels: image_kernels
    private let scale: Float
    private let offset: Float

    /// Kernels of the selection's family.
    public init(selection: KernelSelection, scale: Float, offset: Float) {
        kernels = selection.kernels.imageKernels
        self.scale = scale
        self.offset = offset
    }

    /// The windows of one axis.
    public struct Windows: Sendable {
        /// Pixels that are averaged.
        public let length: Int
        /// Averages.
        public let count: Int
        /// `[count][2]`: where each window begins and ends.
        let bounds: [Int32]
        /// `[count]`: one by its length.
        let factors: [Float]

        /// `count` windows over `length` pixels; both positive.
        public init(length: Int, count: Int) {
            precondition(length > 0 && count > 0)
            self.length = length
            self.count = count
            var bounds = [Int32](repeating: 0, count: 2 * count)
            var factors = [Float](repeating: 0, count: count)
            area_windows(length, count, 1, &bounds, &factors)
            self.bounds = bounds
            self.factors = factors
        }

        /// Where window `index` begins and ends.
        public subscript(index: Int) -> Range<Int> { Int(bounds[2 * index])..<Int(bounds[2 * index + 1]) }
    }

    /// Bytes of scratch memory for pictures of at most `width` pixels a row.
    public static func scratchBytes(width: Int) -> Int { (7 * width + 8) * MemoryLayout<UInt32>.size }

    /// Writes one row, `[columns.count, 3]` floats.
    ///
    /// `pixels` is the first pixel of the picture (or of a part of one), `rowBytes` from one row to the next; `scratch` has `scratchBytes`.
    public func writeRow(
        _ row: Int, of rows: Windows, columns: Windows, pixels: UnsafePointer<UInt8>, rowBytes: Int,
        scratch: UnsafeMutablePointer<UInt32>, into output: UnsafeMutablePointer<Float>
    ) {
        let window = rows[row]
        let prefix = scratch + 3 * columns.length
        kernels.sum_rows(pixels + window.lowerBound * rowBytes, rowBytes, window.count, 3 * columns.length, scratch)
        kernels.average_columns(
            scratch, columns.length, columns.count, columns.bounds, columns.factors, rows.factors[row] * scale, offset, prefix, output)
    }
}

extension KernelSet {
    /// The C functions on pixels and boxes.
    var imageKernels: image_kernels {
        let table: UnsafePointer<image_kernels>? = switch self {
        case .reference, .openblas: image_kernels_reference()
        case .avx2: image_kernels_avx2()
        case .avx512, .amx: image_kernels_avx512()
        }
        guard let table else { preconditionFailure("\(rawValue) was built for another architecture") }
        return table.pointee
    }
}
