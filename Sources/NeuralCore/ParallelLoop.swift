import Dispatch
import Synchronization

/// A loop whose turns run side by side on a bounded number of threads.
public enum ParallelLoop {
    /// Runs `body(worker, index)` once for each index below `count`, on at most `threads` threads, and waits for all.
    ///
    /// `worker` is below `threads` and belongs to one thread at a time, so it may select that thread's own scratch.
    /// Blocks: never call it on Swift's cooperative pool.
    public static func run(count: Int, threads: Int, body: @Sendable (_ worker: Int, _ index: Int) -> Void) {
        precondition(threads >= 1, "a loop needs a thread")
        let workers = min(threads, count)
        guard workers > 1 else {
            for index in 0..<count { body(0, index) }
            return
        }
        let next = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: workers) { worker in
            while true {
                let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard index < count else { return }
                body(worker, index)
            }
        }
    }
}
