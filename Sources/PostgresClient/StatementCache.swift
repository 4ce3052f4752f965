/// The prepared statements of one connection; the one not used for longest makes room.
struct StatementCache {
    /// The same SQL with other parameter types is another statement.
    struct Key: Hashable {
        let sql: String
        let types: [PostgresType]
    }

    private struct Entry {
        let name: String
        var lastUse: UInt64
    }

    private let capacity: Int
    private var entries: [Key: Entry] = [:]
    private var clock: UInt64 = 0

    init(capacity: Int) {
        self.capacity = capacity
    }

    /// The name under which the statement is prepared.
    mutating func name(for key: Key) -> String? {
        clock += 1
        entries[key]?.lastUse = clock
        return entries[key]?.name
    }

    /// A name for a statement yet to be prepared. Never given out twice.
    mutating func makeName() -> String {
        clock += 1
        return "w\(clock)"
    }

    mutating func insert(name: String, for key: Key) {
        entries[key] = Entry(name: name, lastUse: clock)
    }

    mutating func remove(_ key: Key) {
        entries[key] = nil
    }

    /// Takes out the statement that has to go before another one fits; the caller frees it on the server.
    mutating func evictIfFull() -> String? {
        // Looks at all entries, which happens only when a new statement meets a full cache.
        guard entries.count >= capacity, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) else {
            return nil
        }
        entries[oldest.key] = nil
        return oldest.value.name
    }
}
