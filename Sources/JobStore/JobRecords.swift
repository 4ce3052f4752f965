import Foundation
import JobModel

/// A job on its way in: its bytes are durable already.
public struct NewJob: Sendable {
    public var id: JobID
    public var tenant: Tenant
    public var kind: JobKind
    /// −10…10; higher goes first.
    public var priority: Int
    public var maximumAttempts: Int
    public var options: JobOptions
    public var storeKey: String
    public var bytes: Int64
    /// Hex.
    public var sha256: String
    public var mediaType: String
    /// W3C trace context of the request, continued by the worker.
    public var traceparent: String?
    /// When it may start at the earliest; nil for now.
    public var runAt: Date?
    /// Whether it must have a run of its own, whatever is known about equal bytes.
    public var isFresh: Bool
    /// Whether its id goes on the stream right after; otherwise the relay puts it there.
    public var isDispatched: Bool
    /// Where the clip is to be fetched from; then its bytes and their hash mean nothing.
    public var sourceURL: String?
    /// The idempotency key that this request holds, finished in the same transaction.
    public var reservation: IdempotencyReservation?

    public init(
        id: JobID = .make(), tenant: Tenant, kind: JobKind = .analyze, priority: Int = 0, maximumAttempts: Int = 5,
        options: JobOptions, storeKey: String, bytes: Int64, sha256: String, mediaType: String,
        sourceURL: String? = nil, traceparent: String? = nil, runAt: Date? = nil, isFresh: Bool = false, isDispatched: Bool = true,
        reservation: IdempotencyReservation? = nil
    ) {
        self.id = id
        self.tenant = tenant
        self.kind = kind
        self.priority = priority
        self.maximumAttempts = maximumAttempts
        self.options = options
        self.storeKey = storeKey
        self.bytes = bytes
        self.sha256 = sha256
        self.mediaType = mediaType
        self.sourceURL = sourceURL
        self.traceparent = traceparent
        self.runAt = runAt
        self.isFresh = isFresh
        self.isDispatched = isDispatched
        self.reservation = reservation
    }
}

/// What became of a job that was enqueued.
public struct EnqueuedJob: Hashable, Sendable {
    public enum Outcome: String, Sendable {
        /// It waits for a run of its own.
        case queued
        /// It waits for the run of an equal one that is under way; its own bytes are not needed.
        case following
        /// It has the verdict of an equal one already; its own bytes are not needed.
        case reused
        /// Another request took its idempotency key meanwhile: nothing was written.
        case lapsed
    }

    public let id: JobID
    public let outcome: Outcome
    /// The job whose run it shares.
    public let leader: JobID?
    public let modelSHA256: String?
    public let createdAt: Date
}

/// A request's hold on an idempotency key while its body arrives.
public struct IdempotencyReservation: Hashable, Sendable {
    public let key: String
    public let token: UUID

    public init(key: String, token: UUID) {
        self.key = key
        self.token = token
    }
}

/// What became of the wish to reserve an idempotency key.
public enum IdempotencyOutcome: Hashable, Sendable {
    /// The key is ours until its lease ends.
    case reserved(IdempotencyReservation)
    /// Another request with this key is under way.
    case inFlight
    /// The key was used; a request with this fingerprint gets that job again, any other is refused.
    case finished(job: JobID, fingerprint: String)
}

/// A worker's hold on a job. Every write about the job carries the epoch.
public struct JobLease: Hashable, Sendable {
    public let job: JobID
    public let epoch: Int64

    public init(job: JobID, epoch: Int64) {
        self.job = job
        self.epoch = epoch
    }
}

/// What a worker needs to know to run a job.
public struct ClaimedJob: Sendable {
    public let lease: JobLease
    public let tenant: Tenant
    public let attempt: Int
    public let maximumAttempts: Int
    /// The worker lost it before: no neighbours this time.
    public let runsAlone: Bool
    public let options: JobOptions
    public internal(set) var storeKey: String
    /// nil while the clip is to be fetched.
    public internal(set) var uploadSHA256: String?
    /// Where it is to be fetched from; nil once it was, and for one that was sent.
    public let sourceURL: String?
    public let traceparent: String?
    /// How often the decoder crashed on this clip before.
    public let decoderCrashes: Int
}

/// How a fenced write ended.
public enum FencedOutcome: Hashable, Sendable {
    /// The row was ours and is changed; those who followed the job changed with it.
    case written(followers: [JobID])
    /// Someone else owns the job now, or it ended: write nothing more about it.
    case superseded
}

/// What an operator's retry met.
public enum RetryOutcome: Hashable, Sendable {
    /// It was dead and is queued again.
    case queued
    /// It is in another state, from which no retry leads.
    case notDead(JobState)
    case unknown
}

/// What an erasure left to do.
public struct Erasure: Hashable, Sendable {
    /// A worker is busy with it and must be told.
    public let wasRunning: Bool
    /// The bytes, if no other job needs them.
    public let upload: ReleasableUpload?
}

/// What a cancel request met.
public enum CancelOutcome: Hashable, Sendable {
    /// It was queued and is cancelled now, or was cancelled before.
    case cancelled
    /// It runs; its worker was told.
    case requested
    /// It ended in another way.
    case ended(JobState)
    case unknown
}
