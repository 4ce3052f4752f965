import JobModel
import JobStore

/// What a worker does with a clip. The lifecycle around it — claim, lease, retries, drain — is the same for all.
public protocol JobWork: Sendable {
    var identity: WorkIdentity { get }

    /// Judges the clip behind a descriptor that the caller opened and closes.
    ///
    /// - Parameter progress: told the stage and its share done, 0…1; may be called from other threads.
    /// - Throws: `JobFailure`, whose disposition says whether the clip or we are at fault.
    func perform(
        _ job: ClaimedJob, upload fileDescriptor: Int32, progress: @escaping @Sendable (JobStage, Double) -> Void
    ) async throws(JobFailure) -> WorkResult
}

/// What verdicts depend on beside the bytes and the options.
public struct WorkIdentity: Hashable, Sendable {
    /// Hex.
    public var modelSHA256: String
    /// The model's card, as JSON.
    public var modelCard: String
    /// What it computes in, as its verdicts say.
    public var precision: String
    /// Names the way from bytes to verdict.
    public var analysisVersion: String

    public init(modelSHA256: String, modelCard: String, precision: String, analysisVersion: String) {
        self.modelSHA256 = modelSHA256
        self.modelCard = modelCard
        self.precision = precision
        self.analysisVersion = analysisVersion
    }
}

/// A verdict and its pictures.
public struct WorkResult: Sendable {
    public var verdict: Verdict
    public var artifacts: [Artifact]

    public init(verdict: Verdict, artifacts: [Artifact]) {
        self.verdict = verdict
        self.artifacts = artifacts
    }
}
