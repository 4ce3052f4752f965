import JobModel
import JobStore

/// Why a job in progress must stop.
package enum Interruption: Sendable, Hashable {
    /// Another worker owns it now, or it has ended: write nothing.
    case superseded
    /// Its client withdrew it.
    case cancelRequested
    /// Its stage took longer than its deadline: the lease runs out, another worker tries, this one writes nothing.
    case overdue
    /// This worker stops: hand it back, uncounted.
    case draining
}

/// The jobs that this worker holds, the stage each is in, and a way to interrupt each.
package actor HeldJobs {
    private struct Held {
        var stageDeadline: ContinuousClock.Instant?
        let interruptions: AsyncStream<Interruption>.Continuation
    }

    /// How long a job that was interrupted may go on; then its lease runs out, whatever its stage is still granted, and its
    /// runner goes on without it.
    static let letGoSeconds = 5.0

    private let stageSeconds: [JobStage: Double]
    private var held: [JobLease: Held] = [:]

    package init(stageSeconds: [JobStage: Double]) {
        self.stageSeconds = stageSeconds
    }

    /// Takes a job into the heart's care; the stream says when it must stop.
    package func hold(_ lease: JobLease) -> AsyncStream<Interruption> {
        let (stream, continuation) = AsyncStream.makeStream(of: Interruption.self, bufferingPolicy: .bufferingOldest(1))
        held[lease] = Held(stageDeadline: nil, interruptions: continuation)
        return stream
    }

    /// The job ended here.
    package func release(_ lease: JobLease) {
        held.removeValue(forKey: lease)?.interruptions.finish()
    }

    /// Starts a stage and with it its deadline.
    package func enter(_ stage: JobStage, _ lease: JobLease) {
        held[lease]?.stageDeadline = stageSeconds[stage].map { .now + .seconds($0) }
    }

    /// The leases to renew; a job whose stage is over its deadline is interrupted and not among them.
    package func renewable() -> [JobLease] {
        let now = ContinuousClock.now
        for (lease, job) in held where job.stageDeadline.map({ $0 < now }) ?? false {
            interrupt(lease, .overdue)
        }
        return held.filter { $0.value.stageDeadline.map { $0 >= now } ?? true }.map(\.key)
    }

    package func interrupt(_ lease: JobLease, _ interruption: Interruption) {
        guard var job = held[lease] else { return }
        let deadline = ContinuousClock.now + .seconds(Self.letGoSeconds)
        job.stageDeadline = min(job.stageDeadline ?? deadline, deadline)
        held[lease] = job
        job.interruptions.yield(interruption)
    }

    /// Interrupts whatever runs for a job, if it runs here.
    package func interrupt(job: JobID, _ interruption: Interruption) {
        for lease in held.keys where lease.job == job { interrupt(lease, interruption) }
    }

    package func interruptAll(_ interruption: Interruption) {
        for lease in held.keys { interrupt(lease, interruption) }
    }
}
