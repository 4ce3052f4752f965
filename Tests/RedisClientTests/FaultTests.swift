import Foundation
import RedisClient
import TestServers
import Testing

@Suite struct FaultTests {
    @Test func aLostConnectionIsReplacedBeforeTheNextCommand() async throws {
        try await TestRedis.with { (redis, client) async throws in
            try await client.send("SET", redis.prefix, 1)
            #expect(try await redis.killConnections() == 1)
            #expect(try await client.send("GET", redis.prefix).int == 1)
        }
    }

    @Test func aConnectionLostWithinACommandThrowsARetryableError() async throws {
        try await TestRedis.with { (redis, client) async throws in
            let connection = try await client.makeConnection()
            let task = Task { try await connection.send("BLPOP", redis.prefix + "none", 30, timeout: .seconds(40)) }
            try await waitUntilBlocked(redis)
            #expect(try await redis.killConnections() == 1)
            let error = await #expect(throws: RedisError.self) { try await task.value }
            #expect(error?.isRetryable == true)
            #expect(error?.outcomeIsUnknown == true)
            #expect(!connection.isUsable)
            let second = await #expect(throws: RedisError.self) { try await connection.send("PING") }
            #expect(second?.kind == .closed)
        }
    }

    @Test func aBlockedReadCanBeCancelled() async throws {
        try await TestRedis.with { (redis, client) async throws in
            let stream = redis.prefix + "s"
            try await client.send("XGROUP", "CREATE", stream, "g", "$", "MKSTREAM")
            let connection = try await client.makeConnection()
            let task = Task {
                try await connection.send(
                    "XREADGROUP", "GROUP", "g", "c", "BLOCK", 30_000, "STREAMS", stream, ">", timeout: .seconds(40))
            }
            try await waitUntilBlocked(redis)
            let start = ContinuousClock.now
            task.cancel()
            let error = await #expect(throws: RedisError.self) { try await task.value }
            #expect(error?.kind == .cancelled)
            #expect(ContinuousClock.now - start < .seconds(5))
            #expect(!connection.isUsable)
        }
    }

    @Test func aBlockingReadEndsByItself() async throws {
        try await TestRedis.with { (redis, client) async throws in
            let connection = try await client.makeConnection()
            let nothing = try await connection.send("BLPOP", redis.prefix + "none", 0.05, timeout: .seconds(10))
            #expect(nothing.isNull)
            #expect(connection.isUsable)
            let task = Task { try await connection.send("BLPOP", redis.prefix + "l", 30, timeout: .seconds(40)) }
            try await waitUntilBlocked(redis)
            try await client.send("RPUSH", redis.prefix + "l", "x")
            #expect(try await task.value.elements?.last?.string == "x")
            await connection.close()
        }
    }

    @Test func aServerThatNeverAnswersMeetsTheDeadline() async throws {
        let listener = try SilentListener()
        let configuration = try RedisConfiguration(
            url: "redis://127.0.0.1:\(listener.port)", connectTimeout: .milliseconds(200), commandTimeout: .milliseconds(200))
        let client = RedisClient(configuration: configuration, logger: quietLogger)
        let start = ContinuousClock.now
        let error = await #expect(throws: RedisError.self) { try await client.send("PING") }
        #expect(error?.kind == .timeout)
        #expect(error?.isRetryable == true)
        await #expect(throws: RedisError.self) { try await client.makeConnection() }
        #expect(ContinuousClock.now - start < .seconds(5))
        await client.close()
        listener.stop()
    }

    @Test func aDeadlineEndsACommandAndTheClientRecovers() async throws {
        try await TestRedis.with { (redis, client) async throws in
            // Connecting would count towards the deadline.
            try await client.send("PING", timeout: .seconds(10))
            let error = await #expect(throws: RedisError.self) {
                try await client.send("BLPOP", redis.prefix + "none", 30, timeout: .milliseconds(300))
            }
            #expect(error?.kind == .timeout)
            #expect(error?.outcomeIsUnknown == true)
            // The late reply of that command must not be taken for the answer to this one.
            #expect(try await client.send("ECHO", "after").string == "after")
        }
    }

    @Test func whileTheServerIsGoneCallsFailAtOnce() async throws {
        let listener = try SilentListener()
        let port = listener.port
        listener.stop()
        let configuration = try RedisConfiguration(
            url: "redis://127.0.0.1:\(port)", reconnectDelay: .seconds(60) ... .seconds(60))
        let client = RedisClient(configuration: configuration, logger: quietLogger)
        let start = ContinuousClock.now
        for _ in 0..<100 {
            let error = await #expect(throws: RedisError.self) { try await client.send("PING") }
            #expect(error?.isRetryable == true)
            #expect(error?.outcomeIsUnknown == false)
        }
        #expect(ContinuousClock.now - start < .seconds(5))
        await client.close()
    }

    @Test func aFullQueueRefuses() async throws {
        try await TestRedis.with({ $0.maximumPending = 1 }) { (redis, client) async throws in
            let task = Task { try await client.send("BLPOP", redis.prefix + "l", 30, timeout: .seconds(40)) }
            try await waitUntilBlocked(redis)
            let error = await #expect(throws: RedisError.self) { try await client.send("PING") }
            #expect(error?.kind == .overloaded)
            try await redis.withObserver { _ = try await $0.send("RPUSH", redis.prefix + "l", "x") }
            #expect(try await task.value.elements?.count == 2)
        }
    }

    @Test func aClosedClientRefuses() async throws {
        try await TestRedis.with { (_, client) async throws in
            try await client.send("PING")
            await client.close()
            let error = await #expect(throws: RedisError.self) { try await client.send("PING") }
            #expect(error?.kind == .closed)
        }
    }

    @Test func aWrongPasswordIsTheServersRefusal() async throws {
        var components = try #require(URLComponents(string: try TestRedis.url()))
        components.password = "wrong"
        let configuration = try RedisConfiguration(url: try #require(components.string))
        let error = await #expect(throws: RedisError.self) { try await RedisConnection.connect(configuration) }
        #expect(error?.code == "WRONGPASS")
    }

    private func waitUntilBlocked(_ redis: TestRedis) async throws {
        let isBlocked = try await redis.withObserver { observer in
            try await eventually {
                let list = try await observer.send("CLIENT", "LIST").string ?? ""
                return list.split(separator: "\n").contains {
                    $0.contains("name=\(redis.prefix)") && $0.contains(" flags=b ")
                }
            }
        }
        #expect(isBlocked)
    }
}
