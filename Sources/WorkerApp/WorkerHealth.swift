import JobStore

/// Whether the worker makes progress, and if not, why: what readiness tells.
actor WorkerHealth {
    /// What may keep a worker from taking jobs.
    enum Concern: Int, CaseIterable {
        case redis, memory, store
    }

    /// The claim loop comes by at least so often while a slot is free.
    private let patience: Duration
    private var reasons: [Concern: String] = [:]
    private var lastPass = ContinuousClock.now

    init(patience: Duration) {
        self.patience = patience
    }

    /// The claim loop came by: it claimed, found nothing, or waits for a slot.
    func claimLoopPassed() {
        lastPass = .now
    }

    /// Notes what is wrong, or with nil that it is well again.
    func note(_ concern: Concern, _ reason: String?) {
        reasons[concern] = reason
    }

    /// How the worker does, in the words that operators read.
    func condition(isDraining: Bool, busySlots: Int, slots: Int) -> WorkerCondition {
        let stuck = busySlots < slots && lastPass.duration(to: .now) > patience
            ? "slots are free and nothing was claimed or looked for in the last \(patience.components.seconds) s" : nil
        let reason = Concern.allCases.compactMap { reasons[$0] }.first
        return WorkerCondition(isDraining: isDraining, busySlots: busySlots, unreadyReason: stuck ?? reason)
    }
}
