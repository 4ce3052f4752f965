import Synchronization

/// Indices that threads of a test marked.
final class SharedFlags: Sendable {
    private let marked: Mutex<Set<Int>>

    init() { marked = Mutex([]) }

    func set(_ index: Int) { marked.withLock { _ = $0.insert(index) } }

    var indices: [Int] { marked.withLock { $0.sorted() } }
}
