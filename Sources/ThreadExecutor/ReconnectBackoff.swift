/// When a client may next try to connect: at once, then after delays that double up to a bound.
///
/// The jitter is added to half of the delay, so that clients that lost one server at one moment do not return to it
/// at one moment.
public struct ReconnectBackoff: Sendable {
    private let delays: ClosedRange<Duration>
    private var failureCount = 0
    private var notBefore: ContinuousClock.Instant?

    /// - Parameter delays: the delay after the first failure and the longest one.
    public init(delays: ClosedRange<Duration>) {
        self.delays = delays
    }

    /// The moment before which one should not try, if it lies ahead of `now`.
    public func earliestAttempt(after now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        notBefore.flatMap { $0 > now ? $0 : nil }
    }

    /// Notes a failed attempt.
    ///
    /// - Returns: the delay until the next attempt.
    @discardableResult
    public mutating func recordFailure(
        at now: ContinuousClock.Instant, using generator: inout some RandomNumberGenerator
    ) -> Duration {
        let doubled = delays.lowerBound * (1 << min(failureCount, 20))
        let longest = min(doubled, delays.upperBound)
        let delay = longest / 2 + longest / 2 * Double.random(in: 0...1, using: &generator)
        failureCount += 1
        notBefore = now + delay
        return delay
    }

    /// Notes that a connection was made.
    public mutating func recordSuccess() {
        failureCount = 0
        notBefore = nil
    }
}
