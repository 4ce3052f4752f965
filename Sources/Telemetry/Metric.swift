/// Every metric that Whorl's programs export, in one table: docs/metrics.md is written from it.
///
/// Names follow Prometheus' conventions: a prefix, base units, `_total` for what only grows.
public enum Metric: String, CaseIterable, Sendable {
    case httpRequests = "whorl_http_requests_total"
    case httpRequestSeconds = "whorl_http_request_duration_seconds"
    case httpRequestsInFlight = "whorl_http_requests_in_flight"
    case httpProblems = "whorl_http_problems_total"
    case httpConnections = "whorl_http_connections"
    case uploadsReceived = "whorl_uploads_received_total"
    case uploadBytes = "whorl_upload_received_bytes_total"
    case uploadsInFlight = "whorl_uploads_in_flight"
    case jobsAccepted = "whorl_jobs_accepted_total"
    case requestsWaiting = "whorl_http_requests_waiting"
    case statusQueries = "whorl_status_queries_total"
    case jobs = "whorl_jobs"
    case oldestQueuedSeconds = "whorl_jobs_oldest_queued_age_seconds"
    case workers = "whorl_workers"
    case workerSlots = "whorl_worker_slots"
    case databaseConnections = "whorl_database_connections"
    case databaseWaiting = "whorl_database_waiting_calls"
    case webhookDeliveries = "whorl_webhook_deliveries_total"
    case choreFailures = "whorl_chore_failures_total"
    case processResidentBytes = "process_resident_memory_bytes"
    case processCPUSeconds = "process_cpu_seconds_total"
    case processOpenFiles = "process_open_fds"
    case processMaximumFiles = "process_max_fds"
    case processStartSeconds = "process_start_time_seconds"
    case buildInfo = "whorl_build_info"

    /// How a metric behaves.
    public enum Kind: Hashable, Sendable {
        /// Only grows.
        case counter
        /// Goes up and down.
        case gauge
        /// Counts values at or below each bound.
        case histogram([Double])

        /// As Prometheus names it.
        public var name: String {
            switch self {
            case .counter: "counter"
            case .gauge: "gauge"
            case .histogram: "histogram"
            }
        }
    }

    public var kind: Kind { entry.kind }
    public var help: String { entry.help }
    public var labels: [String] { entry.labels }

    private static let requestBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

    private var entry: (kind: Kind, labels: [String], help: String) {
        switch self {
        case .httpRequests: (.counter, ["method", "route", "status"], "Requests answered.")
        case .httpRequestSeconds:
            (.histogram(Self.requestBounds), ["method", "route"], "Time from a request's headers to its answer's, waiting included.")
        case .httpRequestsInFlight: (.gauge, [], "Requests that are being answered.")
        case .httpProblems: (.counter, ["code"], "Requests answered with a problem, by its code.")
        case .httpConnections: (.gauge, [], "Open connections of clients.")
        case .uploadsReceived: (.counter, ["outcome"], "Uploads that ended: stored or refused.")
        case .uploadBytes: (.counter, [], "Bytes of clips received.")
        case .uploadsInFlight: (.gauge, [], "Uploads that are coming in.")
        case .jobsAccepted: (.counter, ["outcome"], "Jobs made: queued, following or reused.")
        case .requestsWaiting: (.gauge, [], "Requests that wait for a job to change.")
        case .statusQueries: (.counter, [], "Queries for jobs' states; one answers many requests.")
        case .jobs: (.gauge, ["state"], "Jobs by state, as counted at most some seconds ago.")
        case .oldestQueuedSeconds: (.gauge, [], "How long the oldest due job has waited; 0 when none waits.")
        case .workers: (.gauge, [], "Workers whose heart beats.")
        case .workerSlots: (.gauge, [], "Jobs that these workers can run at a time.")
        case .databaseConnections: (.gauge, ["state"], "Connections to PostgreSQL: idle or busy.")
        case .databaseWaiting: (.gauge, [], "Calls that wait for a connection to PostgreSQL.")
        case .webhookDeliveries: (.counter, ["outcome"], "Attempts to deliver a webhook: delivered or failed.")
        case .choreFailures: (.counter, ["chore"], "Chores in the background that failed and will be tried again.")
        case .processResidentBytes: (.gauge, [], "Resident memory.")
        case .processCPUSeconds: (.counter, [], "Processor time, user and system.")
        case .processOpenFiles: (.gauge, [], "Open file descriptors.")
        case .processMaximumFiles: (.gauge, [], "File descriptors that may be open.")
        case .processStartSeconds: (.gauge, [], "When the process started, in seconds since 1970.")
        case .buildInfo: (.gauge, ["version"], "1, with the program's version.")
        }
    }

    /// The table as a page of the documentation.
    public static var documentation: String {
        let rows = allCases.map { metric in
            let labels = metric.labels.isEmpty ? "" : metric.labels.map { "`\($0)`" }.joined(separator: ", ")
            return "| `\(metric.rawValue)` | \(metric.kind.name) | \(labels) | \(metric.help) |"
        }
        return (["| metric | type | labels | meaning |", "| --- | --- | --- | --- |"] + rows).joined(separator: "\n")
    }
}
