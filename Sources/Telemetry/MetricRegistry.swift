import Foundation
import Synchronization

/// The values of a program's metrics, written out in Prometheus' text format (version 0.0.4).
public final class MetricRegistry: Sendable {
    /// A label's values must be few; past this many sets of a metric's labels all others count as `other`.
    private static let maximumSeries = 2_000

    private struct Series {
        var value = 0.0
        var counts: [UInt64] = []
        var count: UInt64 = 0
    }

    private let series = Mutex<[Metric: [[String]: Series]]>([:])

    public init() {}

    /// Adds to a counter or gauge.
    ///
    /// - Parameter labels: values in the order of the metric's labels.
    public func add(_ amount: Double = 1, to metric: Metric, _ labels: [String] = []) {
        change(metric, labels) { $0.value += amount }
    }

    /// Sets a gauge, or a counter whose count is kept elsewhere.
    public func set(_ value: Double, _ metric: Metric, _ labels: [String] = []) {
        change(metric, labels) { $0.value = value }
    }

    /// Notes a value of a histogram.
    public func observe(_ value: Double, _ metric: Metric, _ labels: [String] = []) {
        guard case .histogram(let bounds) = metric.kind else { preconditionFailure("\(metric) is no histogram") }
        change(metric, labels) { series in
            if series.counts.isEmpty { series.counts = [UInt64](repeating: 0, count: bounds.count) }
            if let index = bounds.firstIndex(where: { value <= $0 }) { series.counts[index] += 1 }
            series.count += 1
            series.value += value
        }
    }

    /// What a counter or gauge stands at; 0 if it was never touched.
    public func value(of metric: Metric, _ labels: [String] = []) -> Double {
        series.withLock { $0[metric]?[labels]?.value ?? 0 }
    }

    private func change(_ metric: Metric, _ labels: [String], _ body: (inout Series) -> Void) {
        precondition(labels.count == metric.labels.count, "\(metric) has the labels \(metric.labels)")
        series.withLock { all in
            var key = labels
            if let known = all[metric], known.count >= Self.maximumSeries, known[key] == nil {
                key = labels.map { _ in "other" }
            }
            body(&all[metric, default: [:]][key, default: Series()])
        }
    }

    /// All metrics, in the table's order.
    public var text: String {
        let all = series.withLock { $0 }
        var lines: [String] = []
        for metric in Metric.allCases {
            guard let known = all[metric] else { continue }
            lines.append("# HELP \(metric.rawValue) \(metric.help)")
            lines.append("# TYPE \(metric.rawValue) \(metric.kind.name)")
            for (labels, series) in known.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
                let pairs = zip(metric.labels, labels).map { "\($0)=\"\(Self.escaped($1))\"" }
                guard case .histogram(let bounds) = metric.kind else {
                    lines.append(metric.rawValue + Self.braces(pairs) + " " + Self.number(series.value))
                    continue
                }
                var total: UInt64 = 0
                for (bound, count) in zip(bounds, series.counts) {
                    total += count
                    lines.append("\(metric.rawValue)_bucket\(Self.braces(pairs + ["le=\"\(Self.number(bound))\""])) \(total)")
                }
                lines.append("\(metric.rawValue)_bucket\(Self.braces(pairs + ["le=\"+Inf\""])) \(series.count)")
                lines.append("\(metric.rawValue)_sum\(Self.braces(pairs)) \(Self.number(series.value))")
                lines.append("\(metric.rawValue)_count\(Self.braces(pairs)) \(series.count)")
            }
        }
        return lines.map { $0 + "\n" }.joined()
    }

    private static func braces(_ pairs: [String]) -> String {
        pairs.isEmpty ? "" : "{" + pairs.joined(separator: ",") + "}"
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}

extension MetricRegistry {
    /// Reads what the kernel knows of this process.
    public func readProcess() {
        set(1, .buildInfo, [WhorlVersion.current])
        if let pages = Self.words("/proc/self/statm").dropFirst().first.flatMap(Double.init) {
            set(pages * Double(sysconf(Int32(_SC_PAGESIZE))), .processResidentBytes)
        }
        var usage = rusage()
        if getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 {
            let times = [usage.ru_utime, usage.ru_stime].map { Double($0.tv_sec) + Double($0.tv_usec) / 1e6 }
            set(times.reduce(0, +), .processCPUSeconds)
        }
        if let files = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") { set(Double(files.count), .processOpenFiles) }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 { set(Double(limit.rlim_cur), .processMaximumFiles) }
        // Field 22 of stat, counted after the name, which may hold spaces.
        let stat = Self.words("/proc/self/stat")
        let boot = Self.lines("/proc/stat").first { $0.hasPrefix("btime ") }.flatMap { Double($0.dropFirst(6)) }
        if let boot, let end = stat.lastIndex(where: { $0.hasSuffix(")") }), stat.indices.contains(end + 20),
            let ticks = Double(stat[end + 20])
        {
            set(boot + ticks / Double(sysconf(Int32(_SC_CLK_TCK))), .processStartSeconds)
        }
    }

    private static func lines(_ path: String) -> [Substring] {
        ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: "\n")
    }

    private static func words(_ path: String) -> [Substring] {
        (lines(path).first ?? "").split(separator: " ")
    }
}
