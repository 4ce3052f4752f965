import Synchronization

/// The cancellation of one call on a thread that waits in ``InterruptibleWait``.
///
/// A wait serves one call after another, so the wake-up alone cannot say whose cancellation it was: the flag does.
public final class CallCancellation: Sendable {
    private let wait: InterruptibleWait
    private let flag = Atomic<Bool>(false)

    /// - Parameter wait: where the call's thread waits.
    public init(wait: InterruptibleWait) {
        self.wait = wait
    }

    /// Whether ``cancel()`` was called.
    public var isCancelled: Bool { flag.load(ordering: .acquiring) }

    /// Marks the call as cancelled and wakes its thread. Never blocks.
    public func cancel() {
        flag.store(true, ordering: .releasing)
        wait.wake()
    }
}
