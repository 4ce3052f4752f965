import COpenBLAS
import Glibc

/// Which of its kernel families OpenBLAS chose for this CPU, and what was done about a wrong choice.
///
/// OpenBLAS chooses in a constructor, before `main`. A release older than the CPU falls back to SSE3 kernels, ten times
/// too slow; only `OPENBLAS_CORETYPE` in the environment of a new process image changes that.
public struct OpenBLASCore: Sendable, CustomStringConvertible {
    /// What to do about the choice found.
    public enum Decision: Sendable, Equatable {
        /// The kernels suit the CPU.
        case keep
        /// The operator set `OPENBLAS_CORETYPE`; it stands.
        case operatorChoice(String)
        /// This process is the re-executed one; it is not done twice.
        case corrected(String)
        /// Start again with this core type.
        case reexecute(String)
    }

    /// The family OpenBLAS reports, for example "SkylakeX".
    public let name: String
    /// What the CPU offers.
    public let level: CPU.VectorLevel
    /// What was decided.
    public let decision: Decision
    /// Why a wanted re-execution did not happen, if it did not.
    public let failure: String?

    private static let coreTypeVariable = "OPENBLAS_CORETYPE"
    private static let markerVariable = "WHORL_OPENBLAS_REEXECUTED"

    /// Checks the choice, starts the process again once if it is wrong, and sets OpenBLAS to one thread.
    ///
    /// Call it first in `main`, before threads, files or sockets exist: on re-execution it does not return.
    public static func prepare() -> OpenBLASCore {
        useOneThread()
        let name = openblas_get_corename().map { String(cString: $0) } ?? "unknown"
        let level = CPU.vectorLevel
        let decision = decide(
            coreName: name, level: level, coreType: environmentValue(coreTypeVariable),
            marker: environmentValue(markerVariable))
        guard case .reexecute(let coreType) = decision else {
            return OpenBLASCore(name: name, level: level, decision: decision, failure: nil)
        }
        let failure = reexecute(coreType: coreType)
        return OpenBLASCore(name: name, level: level, decision: decision, failure: failure)
    }

    /// Makes every matrix product run on its caller's thread: Whorl spreads frames, not products, over the cores.
    public static func useOneThread() {
        openblas_set_num_threads(1)
    }

    /// The rule, apart from the process it acts on.
    ///
    /// - Parameters:
    ///   - coreName: what `openblas_get_corename` returned.
    ///   - level: what the CPU offers.
    ///   - coreType: `OPENBLAS_CORETYPE`, nil if it is not set.
    ///   - marker: set by the process that re-executed, nil otherwise.
    public static func decide(
        coreName: String, level: CPU.VectorLevel, coreType: String?, marker: String?
    ) -> Decision {
        if let marker, !marker.isEmpty { return .corrected(coreType ?? coreName) }
        if let coreType, !coreType.isEmpty { return .operatorChoice(coreType) }
        if families[coreName.lowercased(), default: .baseline] >= level { return .keep }
        // Zen is OpenBLAS's own AVX2 choice for AMD, also for those with AVX-512: it knew the CPU.
        if coreName.lowercased() == "zen" { return .keep }
        switch level {
        case .baseline: return .keep
        case .avx2: return .reexecute("Haswell")
        case .avx512: return .reexecute("SkylakeX")
        }
    }

    /// One line for the log.
    public var description: String {
        if let failure { return "OpenBLAS uses \(name) kernels, slow on this CPU (\(level)): \(failure)" }
        switch decision {
        case .keep: return "OpenBLAS uses \(name) kernels on this CPU (\(level))"
        case .operatorChoice(let coreType):
            return "OpenBLAS uses \(name) kernels; OPENBLAS_CORETYPE=\(coreType) was set by the operator"
        case .corrected(let coreType):
            return "OpenBLAS uses \(name) kernels after a restart with OPENBLAS_CORETYPE=\(coreType)"
        case .reexecute(let coreType):
            return "OpenBLAS uses \(name) kernels; a restart with OPENBLAS_CORETYPE=\(coreType) is due"
        }
    }

    /// Vector level of each family that OpenBLAS can report; the others have SSE or AVX without FMA at most.
    private static let families: [String: CPU.VectorLevel] = [
        "haswell": .avx2, "zen": .avx2, "skylakex": .avx512, "cooperlake": .avx512, "sapphirerapids": .avx512,
    ]

    private static func environmentValue(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    /// Replaces the process image; returns only on failure, with its reason and the environment as it was.
    private static func reexecute(coreType: String) -> String {
        setenv(coreTypeVariable, coreType, 1)
        setenv(markerVariable, "1", 1)
        // By its own path, so that the process keeps its name for those who look for it by that.
        var path = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        if readlink("/proc/self/exe", &path, Int(PATH_MAX)) > 0 { execv(path, CommandLine.unsafeArgv) }
        execv("/proc/self/exe", CommandLine.unsafeArgv)
        let code = errno
        unsetenv(coreTypeVariable)
        unsetenv(markerVariable)
        return "restarting with OPENBLAS_CORETYPE=\(coreType) failed: \(String(cString: strerror(code)))"
    }
}
