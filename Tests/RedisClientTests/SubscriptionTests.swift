import Foundation
import RedisClient
import TestServers
import Testing

@Suite struct SubscriptionTests {
    @Test func messagesArriveInTheirOrder() async throws {
        try await TestRedis.with { (redis, client) async throws in
            let channels = [redis.prefix + "a", redis.prefix + "b"]
            var events = client.subscribe(to: channels).makeAsyncIterator()
            #expect(await events.next() == .subscribed)
            for number in 0..<100 {
                #expect(try await client.send("PUBLISH", channels[number % 2], number).int == 1)
            }
            for number in 0..<100 {
                #expect(await events.next() == .message(channel: channels[number % 2], payload: Array("\(number)".utf8)))
            }
        }
    }

    @Test func aLostSubscriptionComesBackByItself() async throws {
        try await TestRedis.with({ $0.reconnectDelay = .milliseconds(1) ... .milliseconds(10) }) { (redis, client) async throws in
            let channel = redis.prefix + "c"
            var events = client.subscribe(to: [channel]).makeAsyncIterator()
            #expect(await events.next() == .subscribed)
            for round in 0..<3 {
                #expect(try await redis.killConnections() >= 1)
                #expect(await events.next() == .subscribed)
                try await redis.withObserver { _ = try await $0.send("PUBLISH", channel, round) }
                #expect(await events.next() == .message(channel: channel, payload: Array("\(round)".utf8)))
            }
        }
    }

    @Test func silenceIsAskedAbout() async throws {
        try await TestRedis.with({ $0.subscriptionPingInterval = .milliseconds(20) }) { (redis, client) async throws in
            let channel = redis.prefix + "c"
            var events = client.subscribe(to: [channel]).makeAsyncIterator()
            #expect(await events.next() == .subscribed)
            let next = Task { [events] in
                var events = events
                return await events.next()
            }
            let wasPinged = try await redis.withObserver { observer in
                try await eventually {
                    let list = try await observer.send("CLIENT", "LIST").string ?? ""
                    return list.split(separator: "\n").contains {
                        $0.contains("name=\(redis.prefix)") && $0.contains(" cmd=ping ")
                    }
                }
            }
            #expect(wasPinged)
            try await client.send("PUBLISH", channel, "x")
            #expect(await next.value == .message(channel: channel, payload: [120]))
        }
    }

    @Test func cancellingTheConsumerEndsTheStream() async throws {
        try await TestRedis.with { (redis, client) async throws in
            let events = client.subscribe(to: [redis.prefix + "c"])
            let task = Task {
                var count = 0
                for await _ in events { count += 1 }
                return count
            }
            let isSubscribed = try await eventually {
                try await client.send("PUBSUB", "NUMSUB", redis.prefix + "c").elements?.last?.int == 1
            }
            #expect(isSubscribed)
            task.cancel()
            // The server may count the subscriber before the subscriber is told.
            #expect(await task.value <= 1)
            let isGone = try await eventually {
                try await client.send("PUBSUB", "NUMSUB", redis.prefix + "c").elements?.last?.int == 0
            }
            #expect(isGone)
        }
    }

    @Test func aSubscriptionWaitsForAServerThatIsNotThere() async throws {
        let listener = try SilentListener()
        let configuration = try RedisConfiguration(
            url: "redis://127.0.0.1:\(listener.port)", connectTimeout: .milliseconds(50),
            reconnectDelay: .milliseconds(1) ... .milliseconds(5))
        let client = RedisClient(configuration: configuration, logger: quietLogger)
        let task = Task {
            for await event in client.subscribe(to: ["c"]) { return event as RedisSubscriptionEvent? }
            return nil
        }
        await Task.yield()
        task.cancel()
        #expect(await task.value == nil)
        await client.close()
        listener.stop()
    }
}
