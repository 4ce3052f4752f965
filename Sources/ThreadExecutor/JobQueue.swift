import Glibc

/// A job and the executor it was given to. The strong reference keeps the executor alive until the job has run,
/// even when that job drops the last other reference to it.
struct QueuedJob {
    let job: UnownedJob
    let executor: ThreadExecutor
}

/// The queue between an executor and its thread. The thread holds the queue, not the executor, so that the executor's
/// end can be noticed.
///
/// `@unchecked Sendable`: `mutex` guards `incoming`, `isStopping` and `threadIdentity`.
final class JobQueue: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var incoming: [QueuedJob] = []
    private var isStopping = false
    private var threadIdentity: pthread_t?

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    var isCurrentThread: Bool {
        withLock { threadIdentity.map { pthread_equal($0, pthread_self()) != 0 } ?? false }
    }

    func append(_ job: QueuedJob) {
        withLock {
            incoming.append(job)
            pthread_cond_signal(condition)
        }
    }

    /// Lets the thread end when the queue is empty.
    func stop() {
        withLock {
            isStopping = true
            pthread_cond_signal(condition)
        }
    }

    /// The thread's main loop. Takes all waiting jobs at once, so that a burst costs one lock.
    func runUntilStopped() {
        withLock { threadIdentity = pthread_self() }
        var batch: [QueuedJob] = []
        while takeJobs(into: &batch) {
            for entry in batch {
                entry.job.runSynchronously(on: entry.executor.asUnownedSerialExecutor())
            }
            // Dropping the last reference to the executor here is what ends the loop.
            batch.removeAll(keepingCapacity: true)
        }
    }

    /// Waits for jobs. False when there are none and will be none.
    private func takeJobs(into batch: inout [QueuedJob]) -> Bool {
        withLock {
            while incoming.isEmpty {
                if isStopping { return false }
                pthread_cond_wait(condition, mutex)
            }
            swap(&incoming, &batch)
            return true
        }
    }

    private func withLock<Value>(_ body: () -> Value) -> Value {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }
}
