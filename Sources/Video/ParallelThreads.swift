import CProcess
import Glibc

/// Runs blocking work on several threads and waits for all of it.
enum ParallelThreads {
    /// Calls `work` with 0 to `count` − 1, 0 on the calling thread and each other number on a thread of its own; one for which the system has no
    /// thread is left out, so work is best taken from a common store.
    static func run(_ count: Int, _ work: @escaping @Sendable (Int) -> Void) {
        var threads: [pthread_t] = []
        for number in 1..<max(1, count) {
            let job = Unmanaged.passRetained(Job { work(number) })
            var thread = pthread_t()
            let failure = pthread_create(
                &thread, nil,
                { argument in
                    if let argument { Unmanaged<Job>.fromOpaque(argument).takeRetainedValue().body() }
                    return nil
                }, job.toOpaque())
            if failure == 0 { threads.append(thread) } else { job.release() }
        }
        work(0)
        for thread in threads { pthread_join(thread, nil) }
    }

    private final class Job: Sendable {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) {
            self.body = body
        }
    }
}
