import CKernels

/// A family of kernels that computes a whole network.
public enum KernelSet: String, Sendable, CaseIterable {
    /// Plain C that sums in double: slow, and what the others are compared with.
    case reference
    /// im2col and OpenBLAS's matrix product: for CPUs that have none of the following.
    case openblas
    /// AVX2 with FMA.
    case avx2
    /// AVX-512 (F, VL, BW, DQ, CD).
    case avx512
    /// The AMX tile unit.
    case amx

    /// Why this process cannot use the family, nil if it can. For `amx` the first answer asks the kernel and tries the tiles.
    public var obstacle: String? {
        switch self {
        case .reference, .openblas: nil
        case .avx2: CPU.vectorLevel >= .avx2 ? nil : "this CPU has no AVX2 with FMA"
        case .avx512: CPU.vectorLevel >= .avx512 ? nil : "this CPU has no AVX-512 with F, VL, BW, DQ and CD"
        case .amx:
            switch CPU.tileUnit {
            case .works: nil
            case .unsupported: "this CPU has no AVX-512 with bfloat16, which the AMX kernels need too"
            case .refused: "the operating system gives no permission for AMX tiles"
            case .broken: "AMX tiles were permitted, but a product of tiles failed"
            case .untried: "AMX tiles were permitted, but no process could be started to try them"
            }
        }
    }

    /// The families that this process can use, plainest first.
    public static var available: [KernelSet] { allCases.filter { $0.obstacle == nil } }

    /// What the family can compute.
    public var precisions: [Precision] { self == .amx ? [.split, .bfloat16] : [.float32] }

    /// The same functions over narrower panels, for networks of few channels, where the family has them.
    var narrowFloatKernels: float_kernels? {
        switch self {
        case .avx512: float_kernels_avx512_narrow()?.pointee
        case .reference, .openblas, .avx2, .amx: nil
        }
    }

    /// The backward pass's functions over panels as wide as those of the forward pass.
    func gradientKernels(panel: Int) -> gradient_kernels {
        let tables: [UnsafePointer<gradient_kernels>?] = switch self {
        case .reference, .openblas: [gradient_kernels_reference()]
        case .avx2: [gradient_kernels_avx2()]
        case .avx512, .amx: [gradient_kernels_avx512(), gradient_kernels_avx512_narrow()]
        }
        guard let table = tables.lazy.compactMap({ $0?.pointee }).first(where: { $0.panel == panel }) else {
            preconditionFailure("\(rawValue) has no gradient kernels over panels of \(panel)")
        }
        return table
    }

    /// The C functions of a float32 family; `openblas` has only the pooling of its own from them.
    var floatKernels: float_kernels {
        let table: UnsafePointer<float_kernels>? = switch self {
        case .reference, .openblas: float_kernels_reference()
        case .avx2: float_kernels_avx2()
        case .avx512, .amx: float_kernels_avx512()
        }
        guard let table else { preconditionFailure("\(rawValue) was built for another architecture") }
        return table.pointee
    }
}

/// What this CPU offers, asked once.
public enum CPU {
    /// What float vectors the CPU and its operating system offer.
    public enum VectorLevel: Int, Sendable, Comparable {
        case baseline, avx2, avx512

        /// Orders by width.
        public static func < (left: VectorLevel, right: VectorLevel) -> Bool { left.rawValue < right.rawValue }
    }

    /// What became of asking for the tile unit.
    enum TileUnit {
        case works, unsupported, refused, broken, untried
    }

    /// Float vectors by CPUID.
    public static let vectorLevel: VectorLevel =
        switch cpu_vector_level_detect() {
        case cpu_vector_avx512: .avx512
        case cpu_vector_avx2: .avx2
        default: .baseline
        }

    static let tileUnit: TileUnit =
        switch tile_unit_probe() {
        case tile_unit_works: .works
        case tile_unit_unsupported: .unsupported
        case tile_unit_refused: .refused
        case tile_unit_untried: .untried
        default: .broken
        }
}
