import ArgumentParser
import Detector
import Foundation

/// Proves that a checkpoint computes here what it computed elsewhere.
struct ModelVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Compare what a checkpoint computes here with what it computed elsewhere.",
        discussion: """
            The reference is a safetensors file with input [T, 3, 224, 224], normalised, and logit; optionally features \
            [T, 512] and cam [T, 7, 7]. Computed in float32 unless asked otherwise; how far the logit, and the others relative to \
            their largest value, may differ is the precision's tolerance. Exit code 0 within tolerance, else 1.
            """)

    @Option(help: ArgumentHelp("The checkpoint.", valueName: "path"))
    var model: String

    @Option(help: ArgumentHelp("The reference.", valueName: "path"))
    var reference: String

    @OptionGroup(title: "The network")
    var network: NetworkOptions

    func run() async throws {
        let thread = NetworkThread()
        let detector = try await thread.load(
            path: model, threads: network.threads, selection: network.selection(fallback: .float32))
        let result: ModelVerification
        do throws(VerificationError) {
            result = try await thread.verify(detector, referencePath: reference)
        } catch {
            throw CommandFailure(.failure, code: "bad_reference", "\(error)").about(reference)
        }
        print("\(result.frames) frames in \(detector.plan.selection), logit \(result.logit)")
        print("quantity      largest difference      relative     tolerance  result")
        for comparison in result.comparisons {
            print(
                comparison.name.padded(right: 12)
                    + scientific(comparison.absolute).padded(left: 20) + scientific(comparison.relative).padded(left: 14)
                    + scientific(comparison.tolerance).padded(left: 14) + (comparison.passed ? "  passed" : "  FAILED"))
        }
        guard result.passed else {
            throw CommandFailure(.failure, code: "verification_failed", "the checkpoint computes something else here").about(model)
        }
    }

    private func scientific(_ value: Double) -> String { String(format: "%.2e", value) }
}
