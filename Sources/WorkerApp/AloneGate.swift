/// Lets jobs run side by side, or one of them alone: in the order of their coming.
actor AloneGate {
    private var running = 0
    private var isTakenAlone = false
    private var waiting: [(alone: Bool, admitted: CheckedContinuation<Void, Never>)] = []

    /// Returns when the job may run.
    func enter(alone: Bool) async {
        if waiting.isEmpty, hasRoom(alone: alone) {
            admit(alone: alone)
        } else {
            await withCheckedContinuation { waiting.append((alone, $0)) }
        }
    }

    /// A job that entered has ended.
    func leave() {
        running -= 1
        isTakenAlone = false
        while let next = waiting.first, hasRoom(alone: next.alone) {
            waiting.removeFirst()
            admit(alone: next.alone)
            next.admitted.resume()
        }
    }

    private func hasRoom(alone: Bool) -> Bool {
        alone ? running == 0 : !isTakenAlone
    }

    private func admit(alone: Bool) {
        running += 1
        isTakenAlone = alone
    }
}

/// Counts the jobs that a worker holds, and lets the claim loop wait for a free slot.
actor Slots {
    private let count: Int
    private var taken = 0
    private var waiting: CheckedContinuation<Void, Never>?

    init(count: Int) {
        self.count = count
    }

    /// The free slots, at least one: waits for it. One caller at a time.
    func free() async -> Int {
        if taken == count {
            await withCheckedContinuation { waiting = $0 }
        }
        return count - taken
    }

    func take() {
        taken += 1
    }

    func giveBack() {
        taken -= 1
        waiting?.resume()
        waiting = nil
    }
}
