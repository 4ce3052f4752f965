/// When a job that failed through our fault is tried again: 2ⁿ units with additive jitter, capped.
public struct RetryPolicy: Hashable, Sendable {
    /// How often a job may be started in all.
    public var maximumAttempts: Int
    /// The wait after the first failed attempt, before jitter.
    public var baseSeconds: Double
    /// No wait is longer than this, jitter included.
    public var capSeconds: Double

    public init(maximumAttempts: Int = 5, baseSeconds: Double = 2, capSeconds: Double = 600) {
        precondition(maximumAttempts >= 1 && baseSeconds > 0 && capSeconds >= baseSeconds)
        self.maximumAttempts = maximumAttempts
        self.baseSeconds = baseSeconds
        self.capSeconds = capSeconds
    }

    /// Seconds to wait after `attempt` (1 for the first) failed.
    ///
    /// The jitter is added, never taken away, and is as wide as the wait itself, so that a thousand jobs that
    /// failed at one moment come back spread out and none comes back early.
    public func delaySeconds(afterAttempt attempt: Int, using generator: inout some RandomNumberGenerator) -> Double {
        let doublings = Double(min(max(attempt, 1) - 1, 30))
        let wait = min(baseSeconds * pow2(doublings), capSeconds)
        return min(wait + Double.random(in: 0...wait, using: &generator), capSeconds)
    }

    private func pow2(_ exponent: Double) -> Double {
        Double(sign: .plus, exponent: Int(exponent), significand: 1)
    }
}
