import FoundationEssentials

/// A job as the API shows it.
public struct JobStatus: Hashable, Sendable, Codable {
    public var id: JobID
    public var kind: JobKind
    /// −10…10; higher goes first among its tenant's jobs.
    public var priority: Int
    /// When it may start at the earliest.
    public var runAt: Date
    /// The job of equal bytes whose run it waits for.
    public var leaderID: JobID?
    public var state: JobState
    /// What a running job is busy with.
    public var stage: JobStage?
    /// 0…1, monotonic within an attempt.
    public var progress: Double
    /// Grows with every change; the entity tag.
    public var revision: Int64
    /// How often it was started.
    public var attempt: Int
    public var maximumAttempts: Int
    public var cancelRequested: Bool
    public var options: JobOptions
    /// nil until a worker has fetched the clip, where it came as a URL.
    public var uploadBytes: Int64?
    public var uploadSHA256: String?
    /// Where the clip is fetched from; nil for one that was sent.
    public var sourceURL: String?
    public var modelSHA256: String?
    public var error: JobError?
    public var createdAt: Date
    public var startedAt: Date?
    public var finishedAt: Date?
    public var verdict: Verdict?

    private enum CodingKeys: String, CodingKey {
        case id, kind, priority, runAt
        case leaderID = "leaderId"
        case state, stage, progress, revision, attempt, maximumAttempts, cancelRequested, options, uploadBytes
        case uploadSHA256 = "uploadSha256"
        case sourceURL = "sourceUrl"
        case modelSHA256 = "modelSha256"
        case error, createdAt, startedAt, finishedAt, verdict
    }

    public init(
        id: JobID, kind: JobKind, priority: Int, runAt: Date, leaderID: JobID?, state: JobState, stage: JobStage?, progress: Double, revision: Int64, attempt: Int,
        maximumAttempts: Int, cancelRequested: Bool, options: JobOptions, uploadBytes: Int64?, uploadSHA256: String?,
        sourceURL: String? = nil, modelSHA256: String?, error: JobError?, createdAt: Date, startedAt: Date?, finishedAt: Date?, verdict: Verdict?
    ) {
        self.id = id
        self.kind = kind
        self.priority = priority
        self.runAt = runAt
        self.leaderID = leaderID
        self.state = state
        self.stage = stage
        self.progress = progress
        self.revision = revision
        self.attempt = attempt
        self.maximumAttempts = maximumAttempts
        self.cancelRequested = cancelRequested
        self.options = options
        self.uploadBytes = uploadBytes
        self.uploadSHA256 = uploadSHA256
        self.sourceURL = sourceURL
        self.modelSHA256 = modelSHA256
        self.error = error
        self.createdAt = createdAt
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.verdict = verdict
    }
}

/// One page of a listing.
public struct JobPage: Hashable, Sendable, Codable {
    public var jobs: [JobStatus]
    /// Opaque; gives the next page, nil on the last.
    public var nextCursor: String?

    public init(jobs: [JobStatus], nextCursor: String?) {
        self.jobs = jobs
        self.nextCursor = nextCursor
    }
}
