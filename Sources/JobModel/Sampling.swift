/// Which frames of a clip are looked at: as many as `count`, in evenly spaced places or in windows of consecutive ones.
public struct Sampling: Hashable, Sendable, Codable {
    public enum Mode: String, Sendable, Codable, CaseIterable {
        /// Exactly the evenly spaced frames of a full sequential decode.
        case exact
        /// Each within one spacing (the sampled length over `count`) of the exact one, where it is cheap to decode.
        case keyframe
    }

    /// Runs of consecutive frames, for what looks at movement.
    public struct Windows: Hashable, Sendable, Codable {
        /// Evenly spaced windows, at least 1.
        public var count: Int
        /// Consecutive frames in each, at least 1.
        public var frames: Int

        public init(count: Int, frames: Int) {
            self.count = count
            self.frames = frames
        }
    }

    /// How many frames a job may ask for.
    public static let countRange = 1...64
    /// The latest time that `startSeconds` and `endSeconds` may name: a day.
    public static let longestSeconds = 86_400.0

    public var mode: Mode
    /// All frames, 1…64; with windows, their frames together.
    public var count: Int
    /// Only frames at this time and later count, in seconds after the clip's first frame; nil for the start.
    public var startSeconds: Double?
    /// Only frames before this time count; nil for the end.
    public var endSeconds: Double?
    /// nil for single frames.
    public var windows: Windows?

    /// A sampling within its limits.
    ///
    /// - Throws: `SamplingError`, which names the part that is out of bounds.
    public init(
        checking mode: Mode, count: Int? = nil, startSeconds: Double? = nil, endSeconds: Double? = nil,
        windows: Windows? = nil
    ) throws(SamplingError) {
        self.mode = mode
        self.startSeconds = startSeconds
        self.endSeconds = endSeconds
        self.windows = windows
        self.count = try Self.checkedCount(count, windows: windows)
        for (field, seconds) in [("startSeconds", startSeconds), ("endSeconds", endSeconds)] {
            guard let seconds else { continue }
            guard seconds.isFinite, (0...Self.longestSeconds).contains(seconds) else {
                throw SamplingError(field: field, "is \(seconds); it must be 0 to \(Int(Self.longestSeconds))")
            }
        }
        if let endSeconds, endSeconds <= startSeconds ?? 0 {
            throw SamplingError(field: "endSeconds", "is \(endSeconds); it must be later than startSeconds (\(startSeconds ?? 0))")
        }
    }

    /// `count` evenly spaced frames over the whole clip; for a count that is known to lie in `countRange`.
    public init(mode: Mode = .exact, count: Int = 16) {
        precondition(Self.countRange.contains(count), "a sampling takes \(Self.countRange) frames")
        self.mode = mode
        self.count = count
    }

    private static func checkedCount(_ count: Int?, windows: Windows?) throws(SamplingError) -> Int {
        guard let windows else {
            let count = count ?? 16
            guard countRange.contains(count) else {
                throw SamplingError(
                    field: "count", "is \(count); it must be \(countRange.lowerBound) to \(countRange.upperBound)")
            }
            return count
        }
        let (total, overflow) = windows.count.multipliedReportingOverflow(by: windows.frames)
        guard windows.count > 0, windows.frames > 0, !overflow, countRange.contains(total) else {
            throw SamplingError(
                field: "windows",
                "are \(windows.count) of \(windows.frames) frames; together they must be \(countRange.lowerBound) to \(countRange.upperBound)")
        }
        guard count == nil || count == total else {
            throw SamplingError(field: "count", "is \(count ?? 0), but the windows hold \(total) frames; leave it out")
        }
        return total
    }

    private enum CodingKeys: String, CodingKey {
        case mode, count, startSeconds, endSeconds, windows
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        do {
            try self.init(
                checking: try container.decodeIfPresent(Mode.self, forKey: .mode) ?? .exact,
                count: try container.decodeIfPresent(Int.self, forKey: .count),
                startSeconds: try container.decodeIfPresent(Double.self, forKey: .startSeconds),
                endSeconds: try container.decodeIfPresent(Double.self, forKey: .endSeconds),
                windows: try container.decodeIfPresent(Windows.self, forKey: .windows))
        } catch let error as SamplingError {
            throw DecodingError.dataCorruptedError(
                forKey: CodingKeys(rawValue: error.field) ?? .count, in: container, debugDescription: "\(error)")
        }
    }
}

/// Why a sampling is not one.
public struct SamplingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The part that is wrong, as JSON names it.
    public var field: String
    private var problem: String

    init(field: String, _ problem: String) {
        self.field = field
        self.problem = problem
    }

    public var description: String { "\(field) \(problem)" }
}
