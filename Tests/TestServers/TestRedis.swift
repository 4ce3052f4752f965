import Foundation
import Logging
import RedisClient

/// A key prefix of one's own in the server that `WHORL_TEST_REDIS_URL` names.
public struct TestRedis: Sendable {
    /// The connections carry the prefix as their name.
    public let configuration: RedisConfiguration
    /// What all keys and channels of the test begin with.
    public let prefix: String

    /// Runs `body` with a client and deletes its keys afterwards.
    public static func with(
        _ adjust: (inout RedisConfiguration) -> Void = { _ in },
        _ body: (TestRedis, RedisClient) async throws -> Void
    ) async throws {
        let prefix = "test:\(UUID().uuidString):"
        var configuration = try RedisConfiguration(url: try url())
        // The name finds a test's own connections, so that it kills no other's.
        configuration.clientName = prefix
        adjust(&configuration)
        let redis = TestRedis(configuration: configuration, prefix: prefix)
        let client = RedisClient(configuration: configuration, logger: quietLogger)
        var failure: (any Error)?
        do {
            try await body(redis, client)
        } catch {
            failure = error
        }
        await client.close()
        try await redis.withObserver { observer in
            let keys = try await observer.send("KEYS", prefix + "*").elements ?? []
            for key in keys { try await observer.send("DEL", key.bytes ?? []) }
        }
        if let failure { throw failure }
    }

    /// The server's URL.
    public static func url() throws -> String {
        guard let url = ProcessInfo.processInfo.environment["WHORL_TEST_REDIS_URL"] else {
            throw MissingServer(variable: "WHORL_TEST_REDIS_URL")
        }
        return url
    }

    /// Lends a connection under another name, which a test's own faults do not touch.
    public func withObserver<Value: Sendable>(_ body: (RedisConnection) async throws -> Value) async throws -> Value {
        let observer = try await RedisConnection.connect(try RedisConfiguration(url: try Self.url(), clientName: "observer"))
        let value = try await body(observer)
        await observer.close()
        return value
    }

    /// Ends the connections that carry this test's name.
    ///
    /// - Returns: how many there were.
    public func killConnections() async throws -> Int {
        try await withObserver { observer in
            let identities = try await connections(observer)
            for identity in identities { try await observer.send("CLIENT", "KILL", "ID", identity) }
            return identities.count
        }
    }

    /// The identifiers of the connections that carry this test's name.
    public func connections(_ observer: RedisConnection) async throws -> [String] {
        let list = try await observer.send("CLIENT", "LIST").string ?? ""
        return list.split(separator: "\n").filter { $0.contains("name=\(prefix)") }.compactMap { line in
            line.split(separator: " ").first { $0.hasPrefix("id=") }.map { String($0.dropFirst(3)) }
        }
    }
}
