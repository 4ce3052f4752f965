import Foundation
import JobModel
import JobStore
import RedisClient
import TestServers
import Testing

@Suite struct DispatchTests {
    private static func with(_ body: (JobDispatch, RedisClient) async throws -> Void) async throws {
        try await TestRedis.with { (redis, client) async throws in
            try await body(JobDispatch(redis: client, prefix: redis.prefix), client)
        }
    }

    @Test func theStreamTakesJobsUpToItsBound() async throws {
        try await Self.with { (dispatch, _) async throws in
            for expected in [true, true, false] {
                #expect(try await dispatch.push(.make(), kind: .analyze, bound: 2) == expected)
            }
            #expect(try await dispatch.depth(kind: .analyze) == 2)
        }
    }

    @Test func aReadEntryIsPendingUntilItIsSettled() async throws {
        try await Self.with { (dispatch, redis) async throws in
            let job = JobID.make()
            try await dispatch.ensureGroup(kind: .analyze)
            try await dispatch.ensureGroup(kind: .analyze)
            _ = try await dispatch.push(job, kind: .analyze, bound: 10)
            let connection = try await redis.makeConnection()
            let entries = try await dispatch.read(
                on: connection, consumer: "a", kind: .analyze, count: 5, blockMilliseconds: 100)
            #expect(entries.map(\.job) == [job])
            let again = try await dispatch.read(
                on: connection, consumer: "b", kind: .analyze, count: 5, blockMilliseconds: 10)
            #expect(again.isEmpty)
            try await dispatch.settle(entries, kind: .analyze, refillBelow: 0)
            #expect(try await dispatch.depth(kind: .analyze) == 0)
            #expect(try await dispatch.clearAbandoned(kind: .analyze, idleMilliseconds: 0).isEmpty)
            await connection.close()
        }
    }

    @Test func entriesOfADeadWorkerAreSettledAndNamed() async throws {
        try await Self.with { (dispatch, redis) async throws in
            try await dispatch.ensureGroup(kind: .analyze)
            var jobs: Set<JobID> = []
            // More than one scan's worth, so that the cursor has to come round.
            for _ in 0..<250 {
                let job = JobID.make()
                jobs.insert(job)
                _ = try await dispatch.push(job, kind: .analyze, bound: 1000)
            }
            let connection = try await redis.makeConnection()
            let read = try await dispatch.read(
                on: connection, consumer: "dead", kind: .analyze, count: 1000, blockMilliseconds: 100)
            #expect(read.count == 250)
            let cleared = try await dispatch.clearAbandoned(kind: .analyze, idleMilliseconds: 0)
            #expect(Set(cleared) == jobs)
            #expect(try await dispatch.depth(kind: .analyze) == 0)
            await connection.close()
        }
    }

    @Test func aStreamThatIsGoneIsMadeAnew() async throws {
        try await TestRedis.with { (redis, client) async throws in
            let dispatch = JobDispatch(redis: client, prefix: redis.prefix)
            try await dispatch.ensureGroup(kind: .analyze)
            try await client.send("DEL", "\(redis.prefix):jobs:analyze")
            let connection = try await client.makeConnection()
            let error = await #expect(throws: RedisError.self) {
                _ = try await dispatch.read(
                    on: connection, consumer: "a", kind: .analyze, count: 1, blockMilliseconds: 10)
            }
            #expect(error?.code == "NOGROUP")
            try await dispatch.ensureGroup(kind: .analyze)
            let job = JobID.make()
            _ = try await dispatch.push(job, kind: .analyze, bound: 1)
            let entries = try await dispatch.read(
                on: connection, consumer: "a", kind: .analyze, count: 1, blockMilliseconds: 100)
            #expect(entries.map(\.job) == [job])
            await connection.close()
        }
    }
}
