import FoundationEssentials

/// A verdict in a listing: what dashboards sort and count by. The whole is the job's.
public struct VerdictSummary: Hashable, Sendable, Codable {
    public var jobID: JobID
    public var label: Verdict.Label
    /// P(fake) after calibration; nil with nothing judged.
    public var probability: Double?
    public var modelSHA256: String
    public var uploadSHA256: String
    public var reused: Bool
    public var createdAt: Date
    public var finishedAt: Date

    private enum CodingKeys: String, CodingKey {
        case jobID = "jobId"
        case label, probability
        case modelSHA256 = "modelSha256"
        case uploadSHA256 = "uploadSha256"
        case reused, createdAt, finishedAt
    }

    public init(
        jobID: JobID, label: Verdict.Label, probability: Double?, modelSHA256: String, uploadSHA256: String, reused: Bool,
        createdAt: Date, finishedAt: Date
    ) {
        self.jobID = jobID
        self.label = label
        self.probability = probability
        self.modelSHA256 = modelSHA256
        self.uploadSHA256 = uploadSHA256
        self.reused = reused
        self.createdAt = createdAt
        self.finishedAt = finishedAt
    }

    /// nil is written too: a verdict that judged nothing has a probability of null, not none.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(jobID, forKey: .jobID)
        try container.encode(label, forKey: .label)
        try container.encode(probability, forKey: .probability)
        try container.encode(modelSHA256, forKey: .modelSHA256)
        try container.encode(uploadSHA256, forKey: .uploadSHA256)
        try container.encode(reused, forKey: .reused)
        try container.encode(createdAt, forKey: .createdAt)
        try container.encode(finishedAt, forKey: .finishedAt)
    }
}

/// One page of verdicts.
public struct VerdictPage: Hashable, Sendable, Codable {
    public var verdicts: [VerdictSummary]
    /// Opaque; gives the next page, nil on the last.
    public var nextCursor: String?

    public init(verdicts: [VerdictSummary], nextCursor: String?) {
        self.verdicts = verdicts
        self.nextCursor = nextCursor
    }
}
