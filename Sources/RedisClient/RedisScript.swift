import Synchronization

/// A Lua script that a server keeps. Make one for each script, not one for each call.
public final class RedisScript: Sendable {
    /// The Lua source.
    public let source: String
    private let knownDigest = Mutex<String?>(nil)

    /// - Parameter source: Lua. The server checks it at the first run.
    public init(_ source: String) {
        self.source = source
    }

    /// The SHA-1 under which servers keep the script. The first server that is asked computes it; it depends on
    /// nothing but the source, so that it holds for all servers from then on.
    func digest(from server: some RedisCommands, timeout: Duration?) async throws(RedisError) -> String {
        if let digest = knownDigest.withLock({ $0 }) { return digest }
        let reply = try await server.send("SCRIPT", "LOAD", source, timeout: timeout)
        guard let digest = reply.string else { throw RedisError(.protocolViolation("SCRIPT LOAD returned no digest")) }
        knownDigest.withLock { $0 = digest }
        return digest
    }
}
