import Foundation

/// What a client may ask of a job beside its bytes.
public struct JobOptions: Hashable, Sendable, Codable {
    public var sampling: Sampling

    public init(sampling: Sampling = Sampling()) {
        self.sampling = sampling
    }

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case sampling
    }

    private struct AnyKey: CodingKey {
        let stringValue: String
        let intValue: Int? = nil
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    public init(from decoder: any Decoder) throws {
        let known = Set(CodingKeys.allCases.map(\.rawValue))
        let present = try decoder.container(keyedBy: AnyKey.self).allKeys
        if let stranger = present.first(where: { !known.contains($0.stringValue) }) {
            throw DecodingError.dataCorrupted(.init(
                codingPath: decoder.codingPath,
                debugDescription: "unknown option \(stranger.stringValue); known: \(known.sorted().joined(separator: ", "))"))
        }
        let container = try decoder.container(keyedBy: CodingKeys.self)
        sampling = try container.decodeIfPresent(Sampling.self, forKey: .sampling) ?? Sampling()
    }
}

/// A job as the API shows it.
public struct JobStatus: Hashable, Sendable, Codable {
    public var id: JobID
    public var kind: JobKind
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
    public var uploadBytes: Int64
    public var uploadSHA256: String
    public var modelSHA256: String?
    public var error: JobError?
    public var createdAt: Date
    public var startedAt: Date?
    public var finishedAt: Date?
    public var verdict: Verdict?

    public init(
        id: JobID, kind: JobKind, state: JobState, stage: JobStage?, progress: Double, revision: Int64, attempt: Int,
        maximumAttempts: Int, cancelRequested: Bool, options: JobOptions, uploadBytes: Int64, uploadSHA256: String,
        modelSHA256: String?, error: JobError?, createdAt: Date, startedAt: Date?, finishedAt: Date?, verdict: Verdict?
    ) {
        self.id = id
        self.kind = kind
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
