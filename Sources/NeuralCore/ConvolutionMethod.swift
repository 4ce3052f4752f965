/// How a convolution is computed.
public enum ConvolutionMethod: Sendable, Equatable {
    /// The definition, in plain C.
    case reference
    /// im2col and one OpenBLAS product a tile of rows.
    case matrixProduct
    /// A register-blocked micro-kernel over the definition's products.
    case direct
    /// Winograd's F(tile × tile, 3 × 3): (tile + 2)² products for tile² outputs.
    case winograd(tile: Int)
    /// Winograd's F(4, 3) along rows only, for pictures of few channels.
    case winogradRows
    /// AMX tiles of output pixels.
    case tiles(parts: Int)

    /// What a vector of a row's transform holds.
    private static let mostChannelsOfWinogradRows = 4
    /// With fewer, the transforms and the way through memory cost more than the products they save.
    private static let channelsWorthWinogradBeforePooling = 16

    /// The one place where a method is chosen.
    ///
    /// F(4×4) needs a quarter of the products, and its larger transforms are worth it from four tiles on; a picture of up to 4 × 4 would be
    /// mostly the tile's rim, where F(2×2) wastes less. The batch plays no part: a frame's values must not depend on it.
    /// A convolution that is pooled band by band is computed row by row, which Winograd's tiles do not fit; one of many channels is worth
    /// writing out before it is pooled.
    public static func choose(
        shape: ConvolutionShape, selection: KernelSelection, isPooled: Bool
    ) -> ConvolutionMethod {
        switch selection.kernels {
        case .reference: return .reference
        case .openblas: return .matrixProduct
        case .amx: return .tiles(parts: selection.precision.parts ?? 1)
        case .avx2, .avx512:
            if shape.isWinograd && isPooled && shape.inChannels <= mostChannelsOfWinogradRows { return .winogradRows }
            guard shape.isWinograd && (!isPooled || shape.inChannels >= channelsWorthWinogradBeforePooling) else { return .direct }
            guard min(shape.outHeight, shape.outWidth) > 4 else { return .winograd(tile: 2) }
            // 9 × 9 pixels, for one, are nine whole tiles of three, or mostly the rims of nine tiles of four.
            let (three, four) = (ConvolutionMethod.winograd(tile: 3), ConvolutionMethod.winograd(tile: 4))
            return 5 * three.multiplications(shape) <= 4 * four.multiplications(shape) ? three : four
        }
    }

    /// Products for one image, counted over whole tiles.
    func multiplications(_ shape: ConvolutionShape) -> Int {
        if self == .winogradRows {
            return 3 * 6 * ceilingDivision(shape.outWidth, 4) * shape.outHeight * shape.inChannels * shape.outChannels
        }
        guard case .winograd(let tile) = self else { return shape.multiplications }
        let tiles = ceilingDivision(shape.outHeight, tile) * ceilingDivision(shape.outWidth, tile)
        return tiles * (tile + 2) * (tile + 2) * shape.inChannels * shape.outChannels
    }
}

extension ConvolutionMethod: CustomStringConvertible {
    /// For a table, such as "Winograd F(4x4)".
    public var description: String {
        switch self {
        case .reference: "reference"
        case .matrixProduct: "im2col, sgemm"
        case .direct: "direct"
        case .winograd(let tile): "Winograd F(\(tile)x\(tile))"
        case .winogradRows: "Winograd F(4x1)"
        case .tiles(parts: 1): "AMX bfloat16"
        case .tiles: "AMX split"
        }
    }
}

func ceilingDivision(_ value: Int, _ divisor: Int) -> Int { (value + divisor - 1) / divisor }

func roundedUp(_ value: Int, to multiple: Int) -> Int { ceilingDivision(value, multiple) * multiple }
