import Foundation

/// How many jobs the memory that is free would hold: of the machine, or of the control group that bounds this process.
actor MemoryBudget {
    /// The system is asked again after this long; until then what began since is taken off.
    private static let freshness = Duration.milliseconds(200)

    let jobMegabytes: Int
    private var room: Int?
    private var askedAt: ContinuousClock.Instant?

    init(jobMegabytes: Int) {
        self.jobMegabytes = jobMegabytes
    }

    /// Jobs that could begin now; nil where the system does not say how much is free.
    func roomForJobs() -> Int? {
        // Never from memory that there is none: what ended since has given some back.
        if let askedAt, askedAt.duration(to: .now) < Self.freshness, room != 0 { return room }
        askedAt = .now
        room = Self.availableMegabytes().map { max(0, $0 / jobMegabytes) }
        return room
    }

    /// A job has begun.
    func take() {
        room = room.map { max(0, $0 - 1) }
    }

    /// All memory that this process may ever have.
    static func totalMegabytes() -> Int? {
        [meminfo("MemTotal"), controlGroup("memory.max")].compactMap(\.self).min().map { $0 >> 20 }
    }

    /// What can be had without swapping. Pages of files that a control group counts can be given up.
    static func availableMegabytes() -> Int? {
        var found = [meminfo("MemAvailable")]
        if let limit = controlGroup("memory.max"), let used = controlGroup("memory.current") {
            found.append(limit - used + (controlGroupStatistic("inactive_file") ?? 0))
        }
        return found.compactMap(\.self).min().map { max(0, $0) >> 20 }
    }

    private static func meminfo(_ field: String) -> Int? {
        guard let text = try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8) else { return nil }
        return value(of: field + ":", in: text).map { $0 << 10 }
    }

    /// A number of version 2's control group, as a container sees its own; nil for "max".
    private static func controlGroup(_ file: String) -> Int? {
        guard let text = try? String(contentsOfFile: "/sys/fs/cgroup/" + file, encoding: .utf8) else { return nil }
        return Int(text.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    private static func controlGroupStatistic(_ field: String) -> Int? {
        guard let text = try? String(contentsOfFile: "/sys/fs/cgroup/memory.stat", encoding: .utf8) else { return nil }
        return value(of: field, in: text)
    }

    static func value(of field: String, in text: String) -> Int? {
        for line in text.split(separator: "\n") {
            let words = line.split(whereSeparator: \.isWhitespace)
            if words.count >= 2, words[0] == field { return Int(words[1]) }
        }
        return nil
    }
}
