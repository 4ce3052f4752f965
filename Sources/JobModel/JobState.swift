/// Where a job stands. The schema's CHECK constraints tie each state to its timestamps.
public enum JobState: String, Sendable, Codable, CaseIterable {
    /// Accepted and durable; waits for a worker.
    case queued
    /// A worker holds a lease on it.
    case running
    /// It has a verdict.
    case succeeded
    /// The input cannot be judged; the reason code says why. Never retried.
    case failed
    /// A client withdrew it.
    case cancelled
    /// Our own faults used up its attempts. An operator's retry puts it back to `queued`.
    case dead

    /// Whether nothing but an operator's retry leads out of this state.
    public var isTerminal: Bool {
        switch self {
        case .queued, .running: false
        case .succeeded, .failed, .cancelled, .dead: true
        }
    }

    /// The states that may follow this one.
    ///
    /// - Parameter follower: whether the job waits for the run of an equal one, and so never runs itself.
    public func successors(ofFollower follower: Bool = false) -> Set<JobState> {
        switch self {
        case .queued: follower ? [.succeeded, .failed, .dead, .cancelled] : [.running, .cancelled]
        case .running: [.queued, .succeeded, .failed, .cancelled, .dead]
        case .dead: [.queued]
        case .succeeded, .failed, .cancelled: []
        }
    }
}

/// What a running job is busy with; each stage has a deadline of its own.
public enum JobStage: String, Sendable, Codable, CaseIterable {
    case fetching
    case decoding
    case classifying
    case drawing
    case storing
}

/// What kind of work a job is. A worker takes only the kinds it knows; others stay queued.
public struct JobKind: RawRepresentable, Hashable, Sendable, Codable {
    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// One clip in, one verdict out.
    public static let analyze = JobKind(rawValue: "analyze")
}
