import Synchronization

/// Whether the gateway is about to stop: it is not ready any more and lets go of its connections one by one, while it still answers
/// whatever comes.
final class Drain: Sendable {
    private let begun = Atomic(false)

    var hasBegun: Bool { begun.load(ordering: .relaxed) }

    func begin() {
        begun.store(true, ordering: .relaxed)
    }
}
