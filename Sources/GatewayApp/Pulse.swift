import Synchronization

/// When each of the gateway's loops last turned: a process that answers but does nothing any more is not alive.
final class Pulse: Sendable {
    private let beats = Mutex<[String: ContinuousClock.Instant]>([:])

    /// Notes a turn.
    func beat(_ loop: String) {
        beats.withLock { $0[loop] = .now }
    }

    /// The loop has ended by itself, as it does when the gateway stops.
    func end(_ loop: String) {
        beats.withLock { $0[loop] = nil }
    }

    /// Loops that have not turned for so long.
    func silent(for duration: Duration) -> [String] {
        let now = ContinuousClock.now
        return beats.withLock { beats in beats.filter { $0.value.duration(to: now) > duration }.map(\.key) }
    }
}
