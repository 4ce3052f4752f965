import JobModel

/// Where the frames of a sampling lie: the one rule for the child, which decodes them, and the parent, which checks what it got.
package enum SamplePlan {
    /// The numbers, ascending, of the exact frames of `sampling` among the frames `range` of a clip: one for each sample.
    ///
    /// Single frames are the middles of equal shares: with F frames, sample i of n is floor((2·i + 1)·F / (2·n)) after the first, so shares
    /// shorter than a frame repeat it. A window stands about the middle of its share, moved inside the range where it would stick out.
    package static func frameNumbers(_ sampling: Sampling, in range: Range<Int>) -> [Int] {
        precondition(!range.isEmpty, "a plan has frames to choose from")
        guard let windows = sampling.windows else {
            return (0..<sampling.count).map { middle(of: $0, among: sampling.count, in: range) }
        }
        return (0..<windows.count).flatMap { window in
            let start = middle(of: window, among: windows.count, in: range) - windows.frames / 2
            return consecutive(windows.frames, from: start, in: range)
        }
    }

    /// `count` consecutive numbers from `start`, moved into `range`; a range that is too short repeats its last.
    package static func consecutive(_ count: Int, from start: Int, in range: Range<Int>) -> [Int] {
        let first = max(range.lowerBound, min(start, range.upperBound - count))
        return (first..<first + count).map { min($0, range.upperBound - 1) }
    }

    /// The middle of the `index`-th of `count` equal shares of `range`.
    package static func middle(of index: Int, among count: Int, in range: Range<Int>) -> Int {
        range.lowerBound + (2 * index + 1) * range.count / (2 * count)
    }

    /// How far, in frames, a sample of `keyframe` mode may lie from the exact one: one spacing between samples or windows.
    package static func tolerance(_ sampling: Sampling, in range: Range<Int>) -> Int {
        switch sampling.mode {
        case .exact: 0
        case .keyframe: range.count / (sampling.windows?.count ?? sampling.count)
        }
    }

    /// Whether `numbers` are an answer to `sampling`: the exact ones, or in `keyframe` mode ascending ones within the tolerance, windows
    /// consecutive.
    package static func accepts(_ numbers: [Int], for sampling: Sampling, in range: Range<Int>) -> Bool {
        let exact = frameNumbers(sampling, in: range)
        guard sampling.mode == .keyframe else { return numbers == exact }
        let tolerance = tolerance(sampling, in: range)
        guard numbers.count == exact.count, zip(numbers, exact).allSatisfy({ abs($0 - $1) <= tolerance }) else { return false }
        guard numbers.allSatisfy(range.contains) else { return false }
        let run = sampling.windows?.frames ?? 1
        return zip(numbers, numbers.dropFirst()).enumerated().allSatisfy { place, pair in
            let isInsideWindow = (place + 1) % run != 0
            return isInsideWindow ? pair.1 - pair.0 <= 1 && pair.1 >= pair.0 : pair.1 >= pair.0
        }
    }
}
