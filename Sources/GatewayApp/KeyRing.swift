import Foundation
import JobModel
import JobStore

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
    private let store: AccessStore
    private let keepFor: Duration
    private var entries: [JobID: Entry] = [:]
    private var reading: [JobID: Task<Entry, any Error>] = [:]
    /// Since they were last asked for.
    private var used: Set<JobID> = []

    /// - Parameter keepSeconds: for how long what PostgreSQL said of a key is believed.
    init(store: AccessStore, keepSeconds: Double) {
        self.store = store
        keepFor = .seconds(keepSeconds)
    }

    /// The caller behind a key's text; nil when it opens nothing (any more).
    ///
    /// - Throws: what PostgreSQL throws; nobody is let in without its word.
    func caller(for text: some StringProtocol) async throws -> Caller? {
        guard let shown = APIKeyText(text) else { return nil }
        let entry = try await entry(shown.id)
        // The digest is compared whether or not there is such a key, so that the answer's time does not tell.
        guard shown.matches(entry.secretSHA256), let key = entry.key, key.isValid(at: Date()) else { return nil }
        if used.count < Self.capacity { used.insert(key.id) }
        return Caller(
            tenant: key.tenant, scopes: Set(key.scopes), identity: "key:\(key.id)",
            requestsPerSecond: key.requestsPerSecond)
    }

    /// Whether a key was good when it was last looked up, however long ago.
    func remembers(_ text: some StringProtocol) -> Bool {
        guard let shown = APIKeyText(text), let entry = entries[shown.id], entry.key != nil else { return false }
        return shown.matches(entry.secretSHA256)
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

    /// Writes down which keys were used since the last time.
    func noteUse() async throws {
        guard !used.isEmpty else { return }
        let ids = used
        used = []
        try await store.noteUse(of: Array(ids))
    }
}
