/// A value that takes a while to count: everybody who asks shares one count, and no more than a twentieth of the time goes
/// into counting.
public actor PacedCount<Value: Sendable> {
    private struct Count {
        let value: Value
        let takenAt: ContinuousClock.Instant
        let cost: Duration
    }

    private let count: @Sendable () async throws -> Value
    private var last: Count?
    private var underWay: Task<Value, any Error>?

    public init(_ count: @escaping @Sendable () async throws -> Value) {
        self.count = count
    }

    /// How old a count may be that took `cost`.
    static func age(allowedAfter cost: Duration) -> Duration {
        max(.seconds(1), cost * 20)
    }

    /// The value as of the last count, or of a new one where that is too old.
    ///
    /// - Throws: what counting throws; the next call tries again.
    public func value() async throws -> Value {
        if let last, last.takenAt.duration(to: .now) < Self.age(allowedAfter: last.cost) { return last.value }
        if let underWay { return try await underWay.value }
        let task = Task { try await takeCount() }
        underWay = task
        return try await task.value
    }

    private func takeCount() async throws -> Value {
        defer { underWay = nil }
        let start = ContinuousClock.now
        let value = try await count()
        last = Count(value: value, takenAt: .now, cost: start.duration(to: .now))
        return value
    }
}
