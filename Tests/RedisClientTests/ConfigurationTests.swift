import Foundation
import RedisClient
import TestServers
import Testing

@Suite struct ConfigurationTests {
    @Test(arguments: [
        "redis://localhost", "redis://localhost:6380/2", "redis://:p%40ss@h", "redis://user:word@[::1]:6379/0",
        "unix:///run/redis.sock", "unix:///run/redis.sock?db=3", "redis+unix:///run/redis.sock", "REDIS://h",
    ])
    func aGoodURLIsTaken(url: String) throws {
        _ = try RedisConfiguration(url: url)
    }

    @Test(arguments: [
        "", "localhost:6379", "http://localhost", "redis://", "redis:///0", "redis://h:0", "redis://h:70000",
        "redis://h/x", "redis://h/-1", "redis://secretuser@h", "unix://relative", "unix:///",
        "unix:///\(String(repeating: "x", count: 108))", "redis://h:secret",
    ])
    func aWrongURLIsRefused(url: String) {
        let error = #expect(throws: RedisError.self) { try RedisConfiguration(url: url) }
        guard case .configuration = error?.kind else {
            Issue.record("\(url) gave \(String(describing: error))")
            return
        }
        #expect(error?.isRetryable == false)
        #expect(error?.debugDescription.contains("secret") == false)
    }

    @Test func encryptionIsRefusedAndTheReasonGiven() {
        let error = #expect(throws: RedisError.self) { try RedisConfiguration(url: "rediss://h:6379") }
        #expect(error?.debugDescription.contains("TLS") == true)
        #expect(error?.debugDescription.contains("hiredis") == true)
    }

    @Test func theDatabaseOfTheURLIsChosen() async throws {
        var components = try #require(URLComponents(string: try TestRedis.url()))
        components.path = "/3"
        let connection = try await RedisConnection.connect(try RedisConfiguration(url: try #require(components.string)))
        let info = try await connection.send("CLIENT", "INFO").string ?? ""
        #expect(info.contains(" db=3 "))
        #expect(info.contains(" name=whorl "))
        await connection.close()
    }
}
