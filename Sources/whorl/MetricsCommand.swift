import ArgumentParser
import Telemetry

/// The table of metrics, as docs/metrics.md has it.
struct MetricsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics", abstract: "Print the table of the metrics that the gateway exports.")

    func run() {
        print(Metric.documentation)
    }
}
