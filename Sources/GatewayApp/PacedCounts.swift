/// Values that take a while to count, one for each key: everybody who asks for one shares a count, and no more than a twentieth of
/// the time goes into counting it.
public actor PacedCounts<Key: Hashable & Sendable, Value: Sendable> {
    /// A value as it was counted.
    public struct Counted: Sendable {
        public let value: Value
        public let takenAt: ContinuousClock.Instant
        let cost: Duration
    }

    /// More keys than are asked for at a time.
    private static var capacity: Int { 10_000 }

    private let count: @Sendable (Key) async throws -> Value
    private var known: [Key: Counted] = [:]
    private var underWay: [Key: Task<Counted, any Error>] = [:]

    public init(_ count: @escaping @Sendable (Key) async throws -> Value) {
        self.count = count
    }

    /// The value as of the last count, or of a new one where that is too old.
    ///
    /// - Throws: what counting throws; the next call tries again.
    public func value(for key: Key) async throws -> Counted {
        if let counted = known[key], counted.takenAt.duration(to: .now) < Pace.age(allowedAfter: counted.cost) { return counted }
        if let task = underWay[key] { return try await task.value }
        let task = Task { try await takeCount(key) }
        underWay[key] = task
        return try await task.value
    }

    /// The next who asks gets a new count.
    public func forget(_ key: Key) {
        known[key] = nil
    }

    private func takeCount(_ key: Key) async throws -> Counted {
        defer { underWay[key] = nil }
        let start = ContinuousClock.now
        let value = try await count(key)
        let counted = Counted(value: value, takenAt: .now, cost: start.duration(to: .now))
        if known.count >= Self.capacity { known.removeAll() }
        known[key] = counted
        return counted
    }
}

/// How often something is counted that takes a while.
enum Pace {
    /// How old a count may be that took `cost`.
    static func age(allowedAfter cost: Duration) -> Duration {
        max(.seconds(1), cost * 20)
    }
}
