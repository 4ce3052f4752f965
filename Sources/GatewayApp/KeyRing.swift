import Foundation
import JobModel
import JobStore
import Logging
import Telemetry

/// The API keys that were shown lately: looked up in PostgreSQL once in a few seconds each, so that a revoked one stops working
/// within that time.
actor KeyRing {
    private struct Entry {
        let key: APIKey?
        let secretSHA256: [UInt8]
        let readAt: ContinuousClock.Instant
    }

    /// More keys than are used at a time; whoever makes them up must not fill the memory.
    private static let capacity = 10_000
    /// How often a key's last use is noted.
    private static let useInterval = Duration.seconds(60)

    private let store: AccessStore
    private let keepFor: Duration
    private let logger: Logger
    private var entries: [JobID: Entry] = [:]
    private var reading: [JobID: Task<Entry, any Error>] = [:]
    private var notedUse: [JobID: ContinuousClock.Instant] = [:]

    /// - Parameter keepSeconds: for how long what PostgreSQL said of a key is believed.
    init(store: AccessStore, keepSeconds: Double, logger: Logger) {
        self.store = store
        keepFor = .seconds(keepSeconds)
        self.logger = logger
    }

    /// The caller behind a key's text; nil when it opens nothing (any more).
    ///
    /// - Throws: what PostgreSQL throws; nobody is let in without its word.
    func caller(for text: some StringProtocol) async throws -> Caller? {
        guard let shown = APIKeyText(text) else { return nil }
        let entry = try await entry(shown.id)
        // The digest is compared whether or not there is such a key, so that the answer's time does not tell.
        guard shown.matches(entry.secretSHA256), let key = entry.key, key.isValid(at: Date()) else { return nil }
        noteUse(of: key.id)
        return Caller(
            tenant: key.tenant, scopes: Set(key.scopes), identity: "key:\(key.id)",
            requestsPerSecond: key.requestsPerSecond)
    }

    private func entry(_ id: JobID) async throws -> Entry {
        if let entry = entries[id], entry.readAt.duration(to: .now) < keepFor { return entry }
        if let task = reading[id] { return try await task.value }
        let task = Task { try await read(id) }
        reading[id] = task
        return try await task.value
    }

    private func read(_ id: JobID) async throws -> Entry {
        defer { reading[id] = nil }
        let found = try await store.key(id)
        let entry = Entry(
            key: found?.key, secretSHA256: found?.secretSHA256 ?? [UInt8](repeating: 0, count: 32), readAt: .now)
        if entries.count >= Self.capacity { entries = entries.filter { $0.value.readAt.duration(to: .now) < keepFor } }
        if entries.count >= Self.capacity { entries.removeAll() }
        entries[id] = entry
        return entry
    }

    private func noteUse(of id: JobID) {
        if let last = notedUse[id], last.duration(to: .now) < Self.useInterval { return }
        if notedUse.count >= Self.capacity { notedUse.removeAll() }
        notedUse[id] = .now
        Task {
            do {
                try await store.noteUse(of: [id])
            } catch {
                logger.debug("a key's use was not noted", metadata: [LogField.error: "\(String(reflecting: error))"])
            }
        }
    }
}
