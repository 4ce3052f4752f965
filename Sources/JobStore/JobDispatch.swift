import Foundation
import JobModel
import RedisClient

/// Waking workers through Redis. Whatever is lost here is found again in PostgreSQL by the relay.
///
/// One stream a kind, `{whorl}:jobs:<kind>`, read by the group `workers`; all keys share one hash tag.
public struct JobDispatch: Sendable {
    /// Hints that shorten waits; nothing depends on their arrival.
    public enum Hint: String, Sendable, CaseIterable {
        /// A job ended; the payload is its id.
        case done
        /// A running job is to be cancelled; the payload is its id.
        case cancel
        /// The stream runs low.
        case refill
    }

    private static let group = "workers"

    /// For how long a backlog is believed in when nobody says anything about it any more.
    private static let backlogSeconds = 5

    /// A new job goes on the stream only while nobody waits before it: else it would pass those that the relay puts in order.
    private static let pushScript = RedisScript("""
        if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
        if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then
            redis.call('SET', KEYS[2], '1', 'EX', ARGV[3])
            return 0
        end
        redis.call('XADD', KEYS[1], '*', 'job', ARGV[2])
        return 1
        """)

    /// The relay's jobs, in their order, up to the bound; says how many went on the stream.
    private static let refillScript = RedisScript("""
        if ARGV[3] == '1' then redis.call('SET', KEYS[2], '1', 'EX', ARGV[2]) else redis.call('DEL', KEYS[2]) end
        local room = tonumber(ARGV[1]) - redis.call('XLEN', KEYS[1])
        local count = math.max(0, math.min(room, #ARGV - 3))
        for index = 4, 3 + count do redis.call('XADD', KEYS[1], '*', 'job', ARGV[index]) end
        return count
        """)

    private static let settleScript = RedisScript("""
        for index = 3, #ARGV do
            redis.call('XACK', KEYS[1], ARGV[1], ARGV[index])
            redis.call('XDEL', KEYS[1], ARGV[index])
        end
        local backlog = redis.call('EXISTS', KEYS[3])
        local length = redis.call('XLEN', KEYS[1])
        if length < tonumber(ARGV[2]) and backlog == 1 then redis.call('PUBLISH', KEYS[2], length) end
        return backlog
        """)

    let redis: RedisClient
    private let prefix: String
    private let publishing: Batcher<[String], Void>

    /// - Parameter prefix: the hash tag of every key; tests take one of their own.
    public init(redis: RedisClient, prefix: String = "{whorl}") {
        self.redis = redis
        self.prefix = prefix
        publishing = Batcher(limits: BatchLimits(writing: 1)) { commands in
            for reply in try await redis.pipeline(commands) { _ = try reply.checked() }
            return commands.map { _ in }
        }
    }

    /// A job's name in the stream.
    public struct Entry: Hashable, Sendable {
        public let id: String
        public let job: JobID?
    }

    private func stream(_ kind: JobKind) -> String { "\(prefix):jobs:\(kind.rawValue)" }

    /// The name of a hint's channel.
    public func channel(_ hint: Hint) -> String { "\(prefix):\(hint.rawValue)" }

    /// There while jobs wait that are not on the stream.
    private func backlog(_ kind: JobKind) -> String { "\(prefix):backlog:\(kind.rawValue)" }

    /// Puts a new job's id on the stream; false when others wait before it, and the relay shall do it in its turn.
    public func push(_ job: JobID, kind: JobKind, bound: Int) async throws(RedisError) -> Bool {
        try await redis.run(
            Self.pushScript, keys: [stream(kind), backlog(kind)], arguments: [bound, job.description, Self.backlogSeconds]
        ).int == 1
    }

    /// Puts jobs on the stream in their order, and says whether more wait.
    ///
    /// - Returns: how many found room.
    public func refill(_ jobs: [JobID], kind: JobKind, bound: Int, hasMore: Bool) async throws(RedisError) -> Int {
        let words: [any RedisArgument] = [bound, Self.backlogSeconds, hasMore ? 1 : 0]
        return Int(
            try await redis.run(
                Self.refillScript, keys: [stream(kind), backlog(kind)], arguments: words + jobs.map(\.description)
            ).int ?? 0)
    }

    /// How many entries the stream holds.
    public func depth(kind: JobKind) async throws(RedisError) -> Int {
        Int(try await redis.send("XLEN", stream(kind)).int ?? 0)
    }

    /// Makes stream and group if they are gone.
    public func ensureGroup(kind: JobKind) async throws(RedisError) {
        do throws(RedisError) {
            try await redis.send("XGROUP", "CREATE", stream(kind), Self.group, "0", "MKSTREAM")
        } catch where error.code == "BUSYGROUP" {
            // It is there already.
        }
    }

    /// Waits on a connection of its own for entries; empty when none came in time.
    public func read(
        on connection: RedisConnection, consumer: String, kind: JobKind, count: Int, blockMilliseconds: Int
    ) async throws(RedisError) -> [Entry] {
        let reply = try await connection.send(
            [
                "XREADGROUP", "GROUP", Self.group, consumer, "COUNT", count, "BLOCK", blockMilliseconds, "STREAMS",
                stream(kind), ">",
            ],
            timeout: .milliseconds(blockMilliseconds + 2000))
        let entries = reply.elements?.first?.elements?.last?.elements ?? []
        return entries.compactMap(Self.entry)
    }

    /// Takes entries off the stream and out of the pending list, whether their jobs were won or not.
    ///
    /// - Parameter refillBelow: with fewer left on the stream, and more waiting, the relay is asked for them at once.
    /// - Returns: whether more wait than are on the stream.
    @discardableResult
    public func settle(_ entries: [Entry], kind: JobKind, refillBelow: Int) async throws(RedisError) -> Bool {
        guard !entries.isEmpty else { return false }
        let words: [any RedisArgument] = [Self.group, refillBelow]
        return try await redis.run(
            Self.settleScript, keys: [stream(kind), channel(.refill), backlog(kind)], arguments: words + entries.map(\.id)
        ).int == 1
    }

    /// Settles entries that a dead worker left pending; their jobs are dispatched anew from PostgreSQL.
    ///
    /// - Returns: the jobs they named.
    public func clearAbandoned(kind: JobKind, idleMilliseconds: Int) async throws(RedisError) -> [JobID] {
        var cursor = "0-0"
        var jobs: [JobID] = []
        // XAUTOCLAIM scans a part of the list a call: only the cursor 0-0 says that it reached the end.
        repeat {
            let reply = try await redis.send(
                "XAUTOCLAIM", stream(kind), Self.group, "sweep", idleMilliseconds, cursor, "COUNT", 100)
            guard let parts = reply.elements, parts.count >= 2 else { break }
            cursor = parts[0].string ?? "0-0"
            let entries = (parts[1].elements ?? []).compactMap(Self.entry)
            try await settle(entries, kind: kind, refillBelow: 0)
            jobs += entries.compactMap(\.job)
        } while cursor != "0-0"
        return jobs
    }

    private static let forgetScript = RedisScript("""
        if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2]) == 0 then
            redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
        end
        """)

    /// Removes a consumer that has ended; one with entries pending stays, since they would vanish with it.
    public func forget(consumer: String, kind: JobKind) async throws(RedisError) {
        try await redis.run(Self.forgetScript, keys: [stream(kind)], arguments: [Self.group, consumer])
    }

    /// Publishes a hint.
    public func publish(_ hint: Hint, _ job: JobID) async throws {
        try await publishing.submit(["PUBLISH", channel(hint), job.description])
    }

    /// Hints as they come, and `subscribed` whenever some may have been missed.
    public func hints(_ hints: [Hint]) -> AsyncStream<RedisSubscriptionEvent> {
        redis.subscribe(to: hints.map(channel))
    }

    /// Why Redis must not be trusted with the stream; nil when it is well set up.
    ///
    /// An evicting policy may drop the stream under memory pressure: nothing is lost, but workers starve silently.
    public func misconfiguration() async throws(RedisError) -> String? {
        let reply: RedisValue
        do throws(RedisError) {
            reply = try await redis.send("CONFIG", "GET", "maxmemory-policy")
        } catch {
            // Hosted services forbid CONFIG: then there is nothing to say about it.
            guard case .server = error.kind else { throw error }
            return nil
        }
        guard let policy = reply.elements?.last?.string, policy != "noeviction" else { return nil }
        return "Redis' maxmemory-policy is \(policy); set it to noeviction"
    }

    private static func entry(_ value: RedisValue) -> Entry? {
        guard let parts = value.elements, parts.count == 2, let id = parts[0].string else { return nil }
        let fields = parts[1].elements ?? []
        return Entry(id: id, job: fields.count >= 2 ? fields[1].string.flatMap { JobID($0) } : nil)
    }
}
