/// Work on many things at once whose results are taken in order.
enum OrderedWork {
    /// Does `work` for 0 to `count` − 1, each worker one at a time, and calls `take` with the results in order.
    ///
    /// At most two results a worker are done or under way beyond the one that is waited for, so memory has a bound. The first error, of either,
    /// ends it when the work under way has stopped.
    static func run<Worker: Sendable, Value: Sendable>(
        count: Int, workers: [Worker], work: @escaping @Sendable (Int, Worker) async throws -> Value,
        take: (Int, Value) throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: (place: Int, worker: Int, value: Value).self) { group in
            var idle = Array(workers.indices.reversed())
            var started = 0, taken = 0
            var waiting: [Int: Value] = [:]
            while taken < count {
                while started < count, started < taken + 2 * workers.count, let worker = idle.popLast() {
                    let place = started
                    started += 1
                    group.addTask { (place, worker, try await work(place, workers[worker])) }
                }
                guard let done = try await group.next() else { return }
                idle.append(done.worker)
                waiting[done.place] = done.value
                while let value = waiting.removeValue(forKey: taken) {
                    try take(taken, value)
                    taken += 1
                }
            }
        }
    }
}
