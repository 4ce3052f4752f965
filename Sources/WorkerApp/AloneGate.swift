/// Lets jobs run side by side, or one of them alone: in the order of their coming.
package actor AloneGate {
    private var running = 0
    private var isTakenAlone = false
    private var waiting: [Waiting] = []
    private var ticketCount = 0

    private struct Waiting {
        let ticket: Int
        let alone: Bool
        let admitted: CheckedContinuation<Bool, Never>
    }

    package init() {}

    /// Returns whether the job may run now; false when the task was cancelled before its turn came.
    package func enter(alone: Bool) async -> Bool {
        if waiting.isEmpty, hasRoom(alone: alone) {
            admit(alone: alone)
            return true
        }
        ticketCount += 1
        let ticket = ticketCount
        return await withTaskCancellationHandler {
            await withCheckedContinuation { admitted in
                if Task.isCancelled {
                    admitted.resume(returning: false)
                } else {
                    waiting.append(Waiting(ticket: ticket, alone: alone, admitted: admitted))
                }
            }
        } onCancel: {
            Task { await withdraw(ticket) }
        }
    }

    /// A job that entered has ended.
    package func leave() {
        running -= 1
        isTakenAlone = false
        admitNext()
    }

    private func withdraw(_ ticket: Int) {
        guard let place = waiting.firstIndex(where: { $0.ticket == ticket }) else { return }
        waiting.remove(at: place).admitted.resume(returning: false)
        // Those behind it may have waited for nothing but its turn.
        admitNext()
    }

    private func admitNext() {
        while let next = waiting.first, hasRoom(alone: next.alone) {
            waiting.removeFirst()
            admit(alone: next.alone)
            next.admitted.resume(returning: true)
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
package actor Slots {
    let count: Int
    private(set) var taken = 0
    /// Those of the taken ones whose jobs do not stop.
    private(set) var lost = 0
    private var isClosed = false
    private var waiting: CheckedContinuation<Void, Never>?

    package init(count: Int) {
        self.count = count
    }

    /// The free slots: waits for one, or for `close`. One caller at a time.
    package func free() async -> Int {
        if taken >= count && !isClosed {
            await withCheckedContinuation { waiting = $0 }
        }
        return max(0, count - taken)
    }

    package func take() {
        taken += 1
    }

    /// Ends the waiting for free slots: the worker drains.
    package func close() {
        isClosed = true
        waiting?.resume()
        waiting = nil
    }

    /// A job does not stop, and never gives its slot back.
    package func lose() {
        lost += 1
    }

    package func giveBack() {
        taken -= 1
        waiting?.resume()
        waiting = nil
    }
}
