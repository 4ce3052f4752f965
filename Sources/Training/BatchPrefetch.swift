import Foundation

/// Makes the batches of coming steps on threads of its own and hands them out in order.
///
/// Which thread makes a batch changes nothing about it. At most `depth` batches are made or waiting at any time. `@unchecked Sendable`: all that
/// changes is guarded by `condition`.
public final class BatchPrefetch: @unchecked Sendable {
    private let source: any BatchSource
    private let depth: Int
    private let end: Int
    private let condition = NSCondition()
    private var ready: [Int: Result<TrainingBatch, any Error>] = [:]
    /// The next step that nobody has begun, and the next that the trainer will ask for.
    private var unbegun: Int
    private var wanted: Int
    private var isStopped = false
    private var running = 0

    /// Batches of `steps`, made by `loaders` (≥ 1) threads that are at most `depth` (≥ 1) steps ahead.
    public init(_ source: any BatchSource, steps: Range<Int>, loaders: Int, depth: Int) {
        precondition(loaders >= 1 && depth >= 1, "\(loaders) loaders, \(depth) batches ahead")
        self.source = source
        self.depth = depth
        end = steps.upperBound
        (unbegun, wanted) = (steps.lowerBound, steps.lowerBound)
        running = loaders
        for number in 0..<loaders {
            let thread = Thread { [self] in load() }
            thread.name = "whorl-loader-\(number)"
            thread.stackSize = 4 << 20
            thread.start()
        }
    }

    /// The batch of the next step; waits for it. Throws what its making threw.
    public func next() throws -> TrainingBatch {
        condition.lock()
        defer { condition.unlock() }
        precondition(wanted < end, "no batch after the last step")
        while ready[wanted] == nil { condition.wait() }
        guard let result = ready.removeValue(forKey: wanted) else { preconditionFailure("a batch that was there") }
        wanted += 1
        condition.broadcast()
        return try result.get()
    }

    /// Lets the threads finish the batch that they are at and waits for them.
    public func stop() {
        condition.lock()
        isStopped = true
        condition.broadcast()
        while running > 0 { condition.wait() }
        condition.unlock()
    }

    private func load() {
        while let step = begin() {
            let result = Result { try source.batch(step: step) }
            condition.lock()
            ready[step] = result
            condition.broadcast()
            condition.unlock()
        }
        condition.lock()
        running -= 1
        condition.broadcast()
        condition.unlock()
    }

    /// Takes a step once there is room for it; nil when there is nothing more to do.
    private func begin() -> Int? {
        condition.lock()
        defer { condition.unlock() }
        while !isStopped, unbegun < end, unbegun >= wanted + depth { condition.wait() }
        guard !isStopped, unbegun < end else { return nil }
        unbegun += 1
        return unbegun - 1
    }
}
