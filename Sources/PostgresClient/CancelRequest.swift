import CLibpq
import ThreadExecutor

/// A request to the server to cancel what a connection is doing, on its way on a thread of its own: PQcancel opens a
/// connection and has no deadline.
final class CancelRequest: Sendable {
    private let delivered: InterruptibleWait?

    /// Sends the request.
    init(connection: OpaquePointer) {
        let delivered = InterruptibleWait()
        self.delivered = delivered
        let handle = CancelHandle(connection: connection)
        startThread(name: "pg-cancel") {
            handle.send()
            delivered?.wake()
        }
    }

    /// Whether the server has acted on the request, or refused it, before the deadline.
    func waitUntilDelivered(until deadline: ContinuousClock.Instant) -> Bool {
        delivered?.wait(for: nil, until: deadline) == .woken
    }
}

/// `@unchecked Sendable`: a PGcancel never changes, and PQcancel may be called from any thread.
private final class CancelHandle: @unchecked Sendable {
    private let pointer: OpaquePointer?

    init(connection: OpaquePointer) {
        pointer = PQgetCancel(connection)
    }

    deinit {
        PQfreeCancel(pointer)
    }

    /// A failure needs no report: the statement then does not end, and its connection is given up for that.
    func send() {
        guard let pointer else { return }
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            _ = PQcancel(pointer, buffer.baseAddress, Int32(buffer.count))
        }
    }
}
