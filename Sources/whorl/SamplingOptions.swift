import ArgumentParser
import JobModel

extension Sampling.Mode: ExpressibleByArgument {}

/// Which frames of a clip a command looks at.
struct SamplingOptions: ParsableArguments {
    @Option(
        name: [.customLong("frames"), .customLong("count")],
        help: ArgumentHelp(
            "Evenly spaced frames, \(Sampling.countRange.lowerBound) to \(Sampling.countRange.upperBound). Default: 16.", valueName: "n"))
    var frames: Int?

    @Option(
        help: ArgumentHelp(
            "exact: the frames of a full decode. keyframe: each within one spacing of the exact one, where decoding is cheap.",
            valueName: Sampling.Mode.allCases.map(\.rawValue).joined(separator: "|")))
    var sampling: Sampling.Mode = .exact

    @Option(help: ArgumentHelp("Only frames at this time and later count.", valueName: "seconds"))
    var start: Double?

    @Option(help: ArgumentHelp("Only frames before this time count.", valueName: "seconds"))
    var end: Double?

    @Option(
        help: ArgumentHelp("Instead of single frames, so many windows of so many consecutive ones, such as 4x8.", valueName: "NxM"),
        transform: Self.windows)
    var windows: Sampling.Windows?

    func validate() throws {
        _ = try request()
    }

    /// What the options ask for.
    func request() throws -> Sampling {
        do throws(SamplingError) {
            return try Sampling(checking: sampling, count: frames, startSeconds: start, endSeconds: end, windows: windows)
        } catch {
            let option = ["count": "frames", "startSeconds": "start", "endSeconds": "end"][error.field] ?? error.field
            throw ValidationError("--\(option): \(error)")
        }
    }

    private static func windows(_ text: String) throws -> Sampling.Windows {
        let parts = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2, let count = parts[0], let frames = parts[1] else {
            throw ValidationError("it must be like 4x8: windows times frames in each")
        }
        return Sampling.Windows(count: count, frames: frames)
    }
}
