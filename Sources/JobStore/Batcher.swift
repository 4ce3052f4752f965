import PostgresClient

/// Gathers what is to be written, or read, at one moment into one transaction, since a commit costs as much for a hundred rows
/// as for one, and a statement for each row several times as much. Nobody is made to wait for company: a batch is what came
/// while earlier ones were being written.
actor Batcher<Item: Sendable, Output: Sendable> {
    /// How often a batch is written that lost a deadlock with another one.
    private static var maximumTries: Int { 3 }

    private struct Waiting {
        let item: Item
        let done: CheckedContinuation<Result<Output, any Error>, Never>
    }

    private let limits: BatchLimits
    private let weight: @Sendable (Item) -> Int
    private let write: @Sendable ([Item]) async throws -> [Output]
    private var waiting: [Waiting] = []
    private var writing = 0

    /// - Parameters:
    ///   - weight: what an item adds to a batch's weight, such as its bytes.
    ///   - write: writes all of a batch in one transaction and gives their outcomes in their order.
    init(
        limits: BatchLimits, weight: @escaping @Sendable (Item) -> Int = { _ in 0 },
        write: @escaping @Sendable ([Item]) async throws -> [Output]
    ) {
        self.limits = limits
        self.weight = weight
        self.write = write
    }

    /// Returns when the item is durable.
    ///
    /// - Throws: what its own write throws; one that cannot be written does not fail those that were written with it.
    func submit(_ item: Item) async throws -> Output {
        guard waiting.count < limits.waiting else { throw PostgresError(.poolExhausted) }
        return try await withCheckedContinuation { done in
            waiting.append(Waiting(item: item, done: done))
            writeNext()
        }.get()
    }

    /// Begins a batch, unless enough are being written. Its task belongs to nobody's request: one that is cancelled must not
    /// end the transaction of the others.
    private func writeNext() {
        guard writing < limits.writing, !waiting.isEmpty else { return }
        let batch = takeBatch()
        writing += 1
        Task {
            let results = await outcomes(of: batch.map(\.item))
            for (entry, result) in zip(batch, results) { entry.done.resume(returning: result) }
            writing -= 1
            writeNext()
        }
    }

    private func takeBatch() -> [Waiting] {
        var count = 0, total = 0
        for entry in waiting.prefix(limits.items) {
            total += weight(entry.item)
            if count > 0, total > limits.weight { break }
            count += 1
        }
        defer { waiting.removeFirst(count) }
        return Array(waiting.prefix(count))
    }

    private func outcomes(of items: [Item], attempt: Int = 1) async -> [Result<Output, any Error>] {
        do {
            let outputs = try await write(items)
            guard outputs.count == items.count else {
                throw PostgresError(.decoding("\(outputs.count) outcomes of \(items.count) writes"))
            }
            return outputs.map { .success($0) }
        } catch let error as PostgresError where error.sqlState == "40P01" && attempt < Self.maximumTries {
            return await outcomes(of: items, attempt: attempt + 1)
        } catch let error as PostgresError where items.count > 1 && !error.outcomeIsUnknown && !error.isRetryable {
            // One of them cannot be written; the others are not to blame.
            var results: [Result<Output, any Error>] = []
            for item in items { results += await outcomes(of: [item]) }
            return results
        } catch {
            return items.map { _ in .failure(error) }
        }
    }
}

/// The bounds of a `Batcher`.
struct BatchLimits: Sendable {
    /// Batches written side by side: while one is flushed to the disk another is being filled.
    var writing = 2
    /// Items of one batch.
    var items = 128
    /// The weight of one batch; a single item may exceed it.
    var weight = Int.max
    /// Who comes when so many wait already is refused.
    var waiting = 8192
}
