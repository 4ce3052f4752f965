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
    /// - Parameter overdueSlots: slots whose jobs are over their deadlines and do not let go.
    func condition(isDraining: Bool, busySlots: Int, overdueSlots: Int, slots: Int) -> WorkerCondition {
        WorkerCondition(
            isDraining: isDraining, busySlots: busySlots,
            unreadyReason: stuckReason(busySlots: busySlots, overdueSlots: overdueSlots, slots: slots)
                ?? Concern.allCases.compactMap { reasons[$0] }.first)
    }

    private func stuckReason(busySlots: Int, overdueSlots: Int, slots: Int) -> String? {
        if overdueSlots >= slots { return "every slot is held by a job that is over its deadline and does not stop" }
        guard busySlots < slots, lastPass.duration(to: .now) > patience else { return nil }
        return "slots are free and nothing was looked for in the last \(patience.components.seconds) s"
    }
}
