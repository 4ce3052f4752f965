import Foundation
import RedisClient
import TestServers
import Testing

@Suite struct CommandTests {
    @Test func repliesOfEveryKindArrive() async throws {
        try await TestRedis.with { (redis, client) async throws in
            let key = redis.prefix + "k"
            #expect(try await client.send("SET", key, "ü") == .status("OK"))
            #expect(try await client.send("GET", key).string == "ü")
            #expect(try await client.send("GET", key + "none").isNull)
            #expect(try await client.send("INCRBY", key + "n", 41) == .integer(41))
            #expect(try await client.send("INCR", key + "n").int == 42)
            #expect(try await client.send("GET", key + "n").int == 42)
            #expect(try await client.send("RPUSH", key + "l", "a", 1, 2.5) == .integer(3))
            #expect(try await client.send("LRANGE", key + "l", 0, -1).elements?.map(\.string) == ["a", "1", "2.5"])
            #expect(try await client.send("LRANGE", key + "none", 0, -1) == .array([]))
        }
    }

    @Test func bytesAreKeptAsTheyAre() async throws {
        try await TestRedis.with { (redis, client) async throws in
            let all = [UInt8](0...255) + [13, 10, 0]
            let key = Array(redis.prefix.utf8) + [0, 255]
            try await client.send("SET", key, all)
            #expect(try await client.send("GET", key).bytes == all)
            try await client.send("SET", key, [UInt8]())
            #expect(try await client.send("GET", key).bytes == [])
            let large = Data((0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) })
            try await client.send("SET", key, large)
            #expect(try await client.send("GET", key).bytes == Array(large))
        }
    }

    @Test func anIdentifierIsWrittenInLowerCase() async throws {
        try await TestRedis.with { (_, client) async throws in
            let identity = UUID()
            #expect(try await client.send("ECHO", identity).string == identity.uuidString.lowercased())
        }
    }

    @Test func anErrorReplyIsThrownAndTheConnectionGoesOn() async throws {
        try await TestRedis.with { (redis, client) async throws in
            try await client.send("SET", redis.prefix, "text")
            let wrongType = await #expect(throws: RedisError.self) { try await client.send("LPUSH", redis.prefix, 1) }
            #expect(wrongType?.code == "WRONGTYPE")
            #expect(wrongType?.isRetryable == false)
            let group = await #expect(throws: RedisError.self) {
                try await client.send("XREADGROUP", "GROUP", "g", "c", "STREAMS", redis.prefix + "s", ">")
            }
            #expect(group?.code == "NOGROUP")
            #expect(group?.debugDescription.contains("No such key") == true)
            #expect(try await client.send("GET", redis.prefix).string == "text")
        }
    }

    @Test func aPipelineAnswersInItsOrder() async throws {
        try await TestRedis.with { (redis, client) async throws in
            let key = redis.prefix + "n"
            let replies = try await client.pipeline(
                (0..<1000).map { _ in ["INCR", key] } + [["LPUSH", key, "x"], ["GET", key]])
            #expect(replies.prefix(1000).map(\.int) == (1...1000).map { $0 })
            guard case .error(let error) = replies[1000] else {
                Issue.record("\(replies[1000])")
                return
            }
            #expect(error.code == "WRONGTYPE")
            #expect(replies[1001].int == 1000)
            let nothing = try await client.pipeline([])
            #expect(nothing.isEmpty)
        }
    }

    @Test func transactionsReturnTheirReplies() async throws {
        try await TestRedis.with { (redis, client) async throws in
            let key = redis.prefix + "t"
            let replies = try await client.pipeline([["MULTI"], ["SET", key, 1], ["LPUSH", key, 2], ["EXEC"]])
            let results = try #require(replies.last?.elements)
            #expect(results.first == .status("OK"))
            guard case .error = results.last else {
                Issue.record("\(results)")
                return
            }
        }
    }

    @Test func aScriptRunsAlsoAfterTheServerForgotIt() async throws {
        try await TestRedis.with { (redis, client) async throws in
            let script = RedisScript("redis.call('SET', KEYS[1], ARGV[1]); return {KEYS[1], ARGV[1] + 1, '\(redis.prefix)'}")
            for number in 1...2 {
                let reply = try await client.run(script, keys: [redis.prefix + "k"], arguments: [number])
                #expect(reply.elements?[1].int == number + 1)
            }
            try await client.send("SCRIPT", "FLUSH")
            #expect(try await client.run(script, keys: [redis.prefix + "k"], arguments: [7]).elements?[1].int == 8)
            let broken = RedisScript("return redis.call('LPUSH', KEYS[1], 1)")
            let error = await #expect(throws: RedisError.self) { try await client.run(broken, keys: [redis.prefix + "k"]) }
            #expect(error?.debugDescription.contains("WRONGTYPE") == true)
        }
    }

    @Test func manyTasksShareOneConnection() async throws {
        try await TestRedis.with { (redis, client) async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<500 {
                    group.addTask {
                        let reply = try await client.send("ECHO", number, timeout: .seconds(20))
                        #expect(reply.int == number)
                    }
                }
                try await group.waitForAll()
            }
            let count = try await redis.withObserver { try await redis.connections($0).count }
            #expect(count == 1)
        }
    }
}
