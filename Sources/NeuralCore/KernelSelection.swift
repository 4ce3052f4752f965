/// A precision and the kernels that compute it.
public struct KernelSelection: Sendable, Equatable {
    /// The numbers to compute in.
    public let precision: Precision
    /// The family that computes them.
    public let kernels: KernelSet

    private init(precision: Precision, kernels: KernelSet) {
        self.precision = precision
        self.kernels = kernels
    }

    /// Fills in what was left open with the best that this CPU has: `split` where AMX works, else `float32` on the widest vectors.
    ///
    /// Throws if the kernels cannot be used here, or do not compute the precision.
    public init(precision: Precision? = nil, kernels: KernelSet? = nil) throws(KernelError) {
        if let kernels {
            if let obstacle = kernels.obstacle { throw .unavailable(kernels, obstacle: obstacle) }
            let precision = precision ?? kernels.precisions[0]
            guard kernels.precisions.contains(precision) else { throw .mismatch(precision, kernels) }
            self.init(precision: precision, kernels: kernels)
        } else if precision != .float32, KernelSet.amx.obstacle == nil {
            self.init(precision: precision ?? .split, kernels: .amx)
        } else if let precision, precision != .float32 {
            throw .unavailable(.amx, obstacle: KernelSet.amx.obstacle ?? "")
        } else {
            let fastest: [KernelSet] = [.avx512, .avx2, .openblas]
            self.init(precision: .float32, kernels: fastest.first { $0.obstacle == nil } ?? .openblas)
        }
    }

    /// The best that this CPU has.
    public static var automatic: KernelSelection {
        do {
            return try KernelSelection()
        } catch {
            preconditionFailure("openblas is available everywhere")
        }
    }
}

extension KernelSelection: CustomStringConvertible {
    /// Such as "split on amx".
    public var description: String { "\(precision.rawValue) on \(kernels.rawValue)" }
}

/// Why kernels cannot be used as asked. The caller's mistake; refuse for good.
public enum KernelError: Error, Sendable, Equatable {
    /// The CPU or its operating system lacks what the family needs.
    case unavailable(KernelSet, obstacle: String)
    /// The family does not compute that precision.
    case mismatch(Precision, KernelSet)
    /// A number of threads outside `ThreadTeam.sizes`.
    case threads(Int)
}

extension KernelError: CustomStringConvertible {
    /// One line for a person, saying what there is.
    public var description: String {
        switch self {
        case .unavailable(let kernels, let obstacle):
            "the \(kernels.rawValue) kernels cannot be used: \(obstacle); here there are "
                + KernelSet.available.map { "\($0.rawValue) (\($0.precisions.map(\.rawValue).joined(separator: ", ")))" }
                .joined(separator: ", ")
        case .mismatch(let precision, let kernels):
            "the \(kernels.rawValue) kernels compute \(kernels.precisions.map(\.rawValue).joined(separator: " and ")), not "
                + "\(precision.rawValue), which is for "
                + KernelSet.available.filter { $0.precisions.contains(precision) }.map(\.rawValue).joined(separator: ", ")
                .nonEmpty(or: "no kernels that this CPU has")
        case .threads(let count):
            "\(count) threads asked for; between \(ThreadTeam.sizes.lowerBound) and \(ThreadTeam.sizes.upperBound) can be had"
        }
    }
}

extension String {
    fileprivate func nonEmpty(or other: String) -> String { isEmpty ? other : self }
}
