/// The limits of one call that blocks its thread in ``InterruptibleWait``.
public struct BlockingCall: Sendable {
    /// When the call has to be over.
    public let deadline: ContinuousClock.Instant
    /// Nil for what must not be cancelled.
    public let cancellation: CallCancellation?

    /// - Parameter cancellation: nil for what must not be cancelled.
    public init(deadline: ContinuousClock.Instant, cancellation: CallCancellation? = nil) {
        self.deadline = deadline
        self.cancellation = cancellation
    }

    /// Whether the call was cancelled.
    public var isCancelled: Bool { cancellation?.isCancelled ?? false }

    /// Whether the deadline has passed.
    public var isOverdue: Bool { ContinuousClock.now >= deadline }

    /// Runs `body`, which may block the actor's thread, so that the cancellation of the calling task reaches it.
    ///
    /// Nothing is awaited in between: no other call can enter the actor while its handle is in the middle of something.
    ///
    /// - Parameter wait: where `body` waits.
    public static func run<Value, Failure>(
        on wait: InterruptibleWait,
        until deadline: ContinuousClock.Instant,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (BlockingCall) throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let cancellation = CallCancellation(wait: wait)
        let result = await withTaskCancellationHandler {
            // A closure that does not capture the isolation leaves it, and would block the cooperative pool.
            _ = isolation
            return Result { () throws(Failure) in
                try body(BlockingCall(deadline: deadline, cancellation: cancellation))
            }
        } onCancel: {
            cancellation.cancel()
        }
        return try result.get()
    }
}
