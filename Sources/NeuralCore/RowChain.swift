/// An operation whose output can be computed some rows at a time, in order.
protocol RowwiseOperation: PlanOperation {
    var outputRows: Int { get }
    /// Ranges of rows begin at multiples of this.
    var rowStep: Int { get }
    /// How many rows of its input, from the first on, the output's first `count` rows need.
    func inputRows(for count: Int) -> Int
    /// Computes rows of one frame of the group.
    func run(rows: Range<Int>, frame: Int, memory: GroupMemory)
}

/// Operations that each read the one before, run in turns of a few rows: what one has written is still in the cache when the next reads it,
/// however large the picture.
struct RowChain: Sendable {
    private let operations: [any RowwiseOperation]
    private let loadedRows: Int

    /// Nil if not every operation can be computed by rows. `inputHeight` is the chain's input's.
    init?(_ operations: [any PlanOperation], inputHeight: Int) {
        let rowwise = operations.compactMap { $0 as? any RowwiseOperation }
        guard rowwise.count == operations.count, rowwise.count < RowChain.mostOperations else { return nil }
        self.operations = rowwise
        loadedRows = inputHeight
    }

    /// Every turn keeps count of the rows that are done in a place of its own, of which there are so many.
    private static let mostOperations = 8

    /// Computes a frame of the group; `load` is called with rows of the input, in order, before they are needed.
    func run(frame: Int, memory: GroupMemory, load: (Range<Int>) -> Void) {
        guard let last = operations.indices.last else { return }
        withUnsafeTemporaryAllocation(of: Int.self, capacity: RowChain.mostOperations + 1) { done in
            done.initialize(repeating: 0)
            while done[last + 1] < operations[last].outputRows {
                advance(last, to: done[last + 1] + operations[last].rowStep, done, frame: frame, memory: memory, load: load)
            }
        }
    }

    /// Brings operation `index` to `rows` rows at least; `done` counts the input's rows and then each operation's.
    private func advance(
        _ index: Int, to rows: Int, _ done: UnsafeMutableBufferPointer<Int>, frame: Int, memory: GroupMemory, load: (Range<Int>) -> Void
    ) {
        guard index >= 0 else {
            let rows = min(rows, loadedRows)
            if done[0] < rows { load(done[0]..<rows) }
            done[0] = max(done[0], rows)
            return
        }
        let operation = operations[index]
        while done[index + 1] < min(rows, operation.outputRows) {
            let next = done[index + 1]..<min(done[index + 1] + operation.rowStep, operation.outputRows)
            advance(index - 1, to: operation.inputRows(for: next.upperBound), done, frame: frame, memory: memory, load: load)
            operation.run(rows: next, frame: frame, memory: memory)
            done[index + 1] = next.upperBound
        }
    }
}
