import ArgumentParser
import Detector
import Foundation
import NeuralCore

extension Precision: ExpressibleByArgument {}
extension KernelSet: ExpressibleByArgument {}

/// How a command computes a network.
struct NetworkOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Threads of the network. Default: one a core.", valueName: "n"))
    var threads = min(ProcessInfo.processInfo.activeProcessorCount, ThreadTeam.sizes.upperBound)

    @Option(
        help: ArgumentHelp(
            "Numbers to compute in. Default: split where AMX works, else float32.",
            valueName: Precision.allCases.map(\.rawValue).joined(separator: "|")))
    var precision: Precision?

    @Option(
        help: ArgumentHelp(
            "Kernels to compute with. Default: the fastest that this CPU has.",
            valueName: KernelSet.allCases.map(\.rawValue).joined(separator: "|")))
    var kernels: KernelSet?

    func validate() throws {
        guard ThreadTeam.sizes.contains(threads) else { throw ValidationError("--threads: \(KernelError.threads(threads))") }
    }

    /// The kernels asked for, if this CPU has them; `fallback` is the precision when none was asked for.
    func selection(fallback: Precision? = nil) throws(CommandFailure) -> KernelSelection {
        do throws(KernelError) {
            return try KernelSelection(precision: precision ?? (kernels == nil ? fallback : nil), kernels: kernels)
        } catch {
            throw CommandFailure(.usage, code: "kernels_unavailable", "\(error)")
        }
    }
}
