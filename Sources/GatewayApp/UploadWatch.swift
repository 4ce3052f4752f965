import Foundation
import Synchronization

/// Ends an upload that stands still, crawls or goes on for ever, with an answer rather than a closed connection; and holds back one
/// that is faster than it may be.
final class UploadWatch: Sendable {
    private struct Progress {
        var bytes = 0
        var at = ContinuousClock.now
    }

    private let limits: UploadLimits
    private let start = ContinuousClock.now
    private let progress = Mutex(Progress())

    init(limits: UploadLimits) {
        self.limits = limits
    }

    /// Notes bytes that came, and returns when more may come.
    func note(bytes: Int) async throws {
        let total = progress.withLock { progress in
            progress.bytes += bytes
            progress.at = .now
            return progress.bytes
        }
        guard limits.maximumBytesPerSecond > 0 else { return }
        let earliest = start + .seconds(Double(total) / limits.maximumBytesPerSecond)
        if earliest > .now { try await Task.sleep(until: earliest, clock: .continuous) }
        // The wait was ours.
        progress.withLock { $0.at = .now }
    }

    /// - Parameter interruption: ends `body` as a passed limit does.
    /// - Throws: what `body` throws, or a `Problem` once a limit is passed; `body` is cancelled then.
    func run<Value: Sendable>(
        interruptedBy interruption: AsyncStream<Never>? = nil, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await body() }
            if let interruption {
                group.addTask {
                    for await _ in interruption {}
                    try Task.checkCancellation()
                    throw Problem(.uploadLocked, "another request goes on with this upload", closesConnection: true)
                }
            }
            group.addTask {
                while true { try await Task.sleep(until: try self.nextLook(), clock: .continuous) }
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() else { throw CancellationError() }
            return value
        }
    }

    /// When to look again.
    private func nextLook() throws -> ContinuousClock.Instant {
        let now = ContinuousClock.now
        let known = progress.withLock { $0 }
        let stalls = known.at + .seconds(limits.stallSeconds)
        let ends = start + .seconds(limits.maximumSeconds)
        guard stalls > now else {
            throw Problem(
                .uploadStalled, "nothing of the body came for \(limits.stallSeconds.formatted()) seconds; send it again",
                closesConnection: true)
        }
        guard ends > now else {
            throw Problem(
                .uploadTooSlow, "an upload may take \(limits.maximumSeconds.formatted()) seconds; use a resumable one for a slow connection",
                closesConnection: true)
        }
        guard limits.minimumBytesPerSecond > 0 else { return min(stalls, ends) }
        let slowest = max(UploadLimits.graceSeconds, Double(known.bytes) / limits.minimumBytesPerSecond)
        let tooSlow = start + .seconds(slowest)
        guard tooSlow > now else {
            throw Problem(
                .uploadTooSlow,
                "less than \(limits.minimumBytesPerSecond.formatted()) bytes a second came; use a resumable upload for a slow connection",
                closesConnection: true)
        }
        return min(stalls, ends, tooSlow)
    }
}
