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
    ///
    /// - Parameter lostSlots: slots whose jobs were over their deadlines and do not stop.
    func condition(isDraining: Bool, busySlots: Int, lostSlots: Int, slots: Int) -> WorkerCondition {
        WorkerCondition(
            isDraining: isDraining, busySlots: busySlots,
            unreadyReason: stuckReason(busySlots: busySlots, lostSlots: lostSlots, slots: slots)
                ?? Concern.allCases.compactMap { reasons[$0] }.first)
    }

    private func stuckReason(busySlots: Int, lostSlots: Int, slots: Int) -> String? {
        if lostSlots >= slots { return "every slot is held by a job that was over its deadline and does not stop; start this worker anew" }
        guard busySlots < slots, lastPass.duration(to: .now) > patience else { return nil }
        return "slots are free and nothing was looked for in the last \(patience.components.seconds) s"
    }
}
