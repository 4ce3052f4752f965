import Foundation
import JobStore
import Logging
import RedisClient
import Telemetry

/// How many requests a caller may send: a bucket that holds `burst` and is refilled at `perSecond`.
struct RateLimit: Hashable, Sendable {
    let perSecond: Double
    let burst: Int
}

/// Counts callers' requests, for all gateways together in Redis, and each for itself while Redis is away.
///
/// A gateway takes a few requests' worth from the common bucket at a time, so that most requests cost no round trip.
actor RateLimiter {
    /// What became of a request, and what is left.
    struct Decision: Hashable, Sendable {
        let isAllowed: Bool
        let limit: RateLimit
        /// Requests that are left in the bucket, as far as is known here.
        let remaining: Int
        /// Seconds until there is one again.
        let retrySeconds: Double
    }

    /// What this gateway has taken from the common bucket, or its own bucket while there is none.
    private struct Share {
        var tokens = 0
        var takenAt = ContinuousClock.now
        /// In the common bucket when it was last asked.
        var rest = 0
        var emptyUntil: ContinuousClock.Instant?
        var own: TokenBucket?
    }

    private static let capacity = 20_000
    /// A share that was not used for this long is given up.
    private static let shareLifetime = Duration.seconds(1)
    /// For how long Redis is left alone once it failed.
    private static let fallback = Duration.seconds(5)

    private let buckets: CommonBuckets
    private let logger: Logger
    private var shares: [String: Share] = [:]
    private var taking: [String: Task<Void, any Error>] = [:]
    private var redisFailedAt: ContinuousClock.Instant?

    init(buckets: CommonBuckets, logger: Logger) {
        self.buckets = buckets
        self.logger = logger
    }

    /// Takes one request from the caller's bucket.
    func take(_ caller: String, _ limit: RateLimit) async -> Decision {
        while true {
            let now = ContinuousClock.now
            var share = shares[caller] ?? Share()
            if share.tokens > 0, share.takenAt.duration(to: now) < Self.shareLifetime {
                share.tokens -= 1
                shares[caller] = share
                return Decision(isAllowed: true, limit: limit, remaining: share.tokens + share.rest, retrySeconds: 0)
            }
            if let until = share.emptyUntil, until > now {
                return Decision(isAllowed: false, limit: limit, remaining: 0, retrySeconds: now.duration(to: until).seconds)
            }
            if let redisFailedAt, redisFailedAt.duration(to: now) < Self.fallback {
                return takeFromOwn(caller, share, limit)
            }
            do {
                try await refill(caller, limit)
            } catch {
                if redisFailedAt == nil {
                    logger.warning("rates are counted by each gateway for itself, without Redis", metadata: [
                        LogField.error: "\(String(reflecting: error))"
                    ])
                }
                redisFailedAt = .now
            }
        }
    }

    /// Asks for another share; those who come meanwhile wait for the same answer.
    private func refill(_ caller: String, _ limit: RateLimit) async throws {
        if let task = taking[caller] { return try await task.value }
        let task = Task { try await fill(caller, limit) }
        taking[caller] = task
        try await task.value
    }

    /// Ends with the share in its place and nothing under way. Waiting for a task that has ended suspends nobody: who found it still under way would
    /// ask for it again and again, and keep the actor from the one that clears it.
    private func fill(_ caller: String, _ limit: RateLimit) async throws {
        defer { taking[caller] = nil }
        // A tenth of a second's worth: small enough that several gateways share fairly.
        let wanted = max(1, min(Int(limit.perSecond / 10), limit.burst))
        let taken = try await buckets.take(wanted, from: caller, limit)
        redisFailedAt = nil
        forgetIdle()
        shares[caller] = Share(
            tokens: taken.count, takenAt: .now, rest: taken.remaining,
            emptyUntil: taken.count > 0 ? nil : .now + .milliseconds(max(1, taken.retryMilliseconds)))
    }

    private func takeFromOwn(_ caller: String, _ share: Share, _ limit: RateLimit) -> Decision {
        var share = share
        var bucket = share.own ?? TokenBucket(limit: limit, at: .now)
        let isAllowed = bucket.take(at: .now)
        share.own = bucket
        forgetIdle()
        shares[caller] = share
        return Decision(
            isAllowed: isAllowed, limit: limit, remaining: Int(bucket.tokens),
            retrySeconds: isAllowed ? 0 : (1 - bucket.tokens) / limit.perSecond)
    }

    private func forgetIdle() {
        guard shares.count >= Self.capacity else { return }
        let now = ContinuousClock.now
        shares = shares.filter { $0.value.takenAt.duration(to: now) < Self.shareLifetime }
        if shares.count >= Self.capacity { shares.removeAll() }
    }
}

/// A bucket in memory.
struct TokenBucket: Hashable, Sendable {
    let limit: RateLimit
    private(set) var tokens: Double
    private var filledAt: ContinuousClock.Instant

    init(limit: RateLimit, at moment: ContinuousClock.Instant) {
        self.limit = limit
        tokens = Double(limit.burst)
        filledAt = moment
    }

    /// Takes one; false when there is none.
    mutating func take(at moment: ContinuousClock.Instant) -> Bool {
        tokens = min(Double(limit.burst), tokens + filledAt.duration(to: moment).seconds * limit.perSecond)
        filledAt = moment
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }
}

/// The buckets that all gateways share, in Redis.
struct CommonBuckets: Sendable {
    struct Taken: Hashable, Sendable {
        let count: Int
        let remaining: Int
        let retryMilliseconds: Int
    }

    /// A Redis that hangs must not hold requests up: counting apart is better than waiting.
    private static let patience = Duration.milliseconds(300)

    /// Time is Redis' own, so that gateways' clocks do not matter.
    private static let script = RedisScript("""
        local rate, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
        local time = redis.call('TIME')
        local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
        local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
        local tokens = math.min(burst, (tonumber(bucket[1]) or burst) + math.max(0, now - (tonumber(bucket[2]) or now)) * rate)
        local taken = math.floor(math.min(tokens, wanted))
        tokens = tokens - taken
        redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%.6f', now))
        redis.call('PEXPIRE', KEYS[1], math.ceil(burst / rate * 1000) + 1000)
        return {taken, math.floor(tokens), math.ceil((1 - math.min(1, tokens)) / rate * 1000)}
        """)

    let redis: RedisClient
    /// The hash tag of every key.
    let prefix: String

    func take(_ wanted: Int, from caller: String, _ limit: RateLimit) async throws(RedisError) -> Taken {
        let words: [any RedisArgument] = [String(limit.perSecond), limit.burst, wanted]
        let reply = try await redis.run(Self.script, keys: ["\(prefix):rate:\(caller)"], arguments: words, timeout: Self.patience)
        let numbers = (reply.elements ?? []).map { Int($0.int ?? 0) }
        guard numbers.count == 3 else { throw RedisError(.protocolViolation("\(numbers.count) numbers of a bucket")) }
        return Taken(count: numbers[0], remaining: numbers[1], retryMilliseconds: numbers[2])
    }
}
