import Glibc

/// Lets a thread wait for a file descriptor with a deadline, while any other thread may wake it.
///
/// The clients of blocking C libraries wait here rather than in the library: a deadline is exact, and a task's
/// cancellation handler can end the wait at once.
public final class InterruptibleWait: Sendable {
    /// What to wait for.
    public struct Events: OptionSet, Sendable {
        /// As poll(2) has them.
        public let rawValue: Int16
        public init(rawValue: Int16) { self.rawValue = rawValue }

        /// Bytes, the end of the stream or an error can be read.
        public static let readable = Events(rawValue: Int16(POLLIN))
        /// Bytes can be written.
        public static let writable = Events(rawValue: Int16(POLLOUT))
    }

    /// How a wait ended.
    public enum Outcome: Sendable, Equatable {
        /// The descriptor has one of these events. An error or a hang-up counts as all events asked for: the next
        /// read or write tells what it is.
        case ready(Events)
        /// ``wake()`` was called, perhaps for a reason that has passed: look again at what one waits for.
        case woken
        case timedOut
    }

    /// Two ends of a socket pair: `pipe` could not be made close-on-exec in one step, and children must not inherit it.
    private let wakeReader: Int32
    private let wakeWriter: Int32

    /// Nil when the process has no file descriptor left.
    public init?() {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        if socketpair(AF_UNIX, kind, 0, &ends) != 0 { return nil }
        wakeReader = ends[0]
        wakeWriter = ends[1]
    }

    deinit {
        close(wakeReader)
        close(wakeWriter)
    }

    /// Ends the wait that is under way, or else the next one. Never blocks.
    public func wake() {
        var byte: UInt8 = 1
        // Only a full socket fails, and then the thread is being woken already.
        _ = send(wakeWriter, &byte, 1, Int32(MSG_NOSIGNAL))
    }

    /// Waits until `descriptor` is ready, the deadline has passed or somebody calls ``wake()``.
    ///
    /// - Parameter descriptor: nil waits for ``wake()`` and the deadline alone.
    public func wait(
        for descriptor: Int32?, _ events: Events = .readable, until deadline: ContinuousClock.Instant
    ) -> Outcome {
        // poll(2) ignores negative descriptors.
        var polled = [
            pollfd(fd: descriptor ?? -1, events: events.rawValue, revents: 0),
            pollfd(fd: wakeReader, events: Events.readable.rawValue, revents: 0),
        ]
        while true {
            let count = poll(&polled, nfds_t(polled.count), ContinuousClock.now.pollMilliseconds(until: deadline))
            if count < 0 {
                precondition(errno == EINTR, "poll: \(String(cString: strerror(errno)))")
                continue
            }
            if polled[1].revents != 0 {
                var bytes = [UInt8](repeating: 0, count: 64)
                while read(wakeReader, &bytes, bytes.count) == bytes.count {}
                return .woken
            }
            if polled[0].revents != 0 {
                let found = Events(rawValue: polled[0].revents).intersection(events)
                return .ready(found.isEmpty ? events : found)
            }
            if ContinuousClock.now >= deadline { return .timedOut }
        }
    }
}

extension ContinuousClock.Instant {
    /// The time until `deadline` as poll(2) wants it: whole milliseconds, rounded up, so that no wait spins.
    fileprivate func pollMilliseconds(until deadline: ContinuousClock.Instant) -> Int32 {
        let remaining = duration(to: deadline)
        guard remaining > .zero else { return 0 }
        // A wait of a day or more is looked at again after a day.
        guard remaining < .seconds(86_400) else { return 86_400_000 }
        let (seconds, attoseconds) = remaining.components
        return Int32(seconds) * 1000 + Int32((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
