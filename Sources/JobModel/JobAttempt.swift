import FoundationEssentials

/// One start of a job and how it ended.
public struct JobAttempt: Hashable, Sendable, Codable {
    /// The lease's number; grows with every start.
    public var epoch: Int64
    public var worker: UUID
    public var host: String?
    public var version: String?
    public var startedAt: Date
    public var finishedAt: Date?
    /// `succeeded`, `failed`, `retried`, `cancelled`, `lost`, `handed_back` or `dead`; nil while it runs.
    public var outcome: String?
    public var error: JobError?

    public init(
        epoch: Int64, worker: UUID, host: String?, version: String?, startedAt: Date, finishedAt: Date?, outcome: String?,
        error: JobError?
    ) {
        self.epoch = epoch
        self.worker = worker
        self.host = host
        self.version = version
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.outcome = outcome
        self.error = error
    }
}

/// A job's attempts, as the API lists them.
public struct JobAttempts: Hashable, Sendable, Codable {
    /// The oldest first.
    public var attempts: [JobAttempt]

    public init(attempts: [JobAttempt]) {
        self.attempts = attempts
    }
}
