/// A serial executor that is one dedicated, named thread.
///
/// An actor that owns a blocking C handle (a database connection, a codec) names this as its executor: its methods
/// may then wait in C for as long as they like without taking a thread from Swift's cooperative pool.
///
///     actor Connection {
///         private let executor = ThreadExecutor(name: "connection")
///         nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
///     }
///
/// Jobs run in the order in which they arrive. The thread ends by itself after its last job, once nobody refers to
/// the executor any more; there is nothing to shut down, and no job can be left behind.
public final class ThreadExecutor: SerialExecutor {
    private let queue: JobQueue

    /// Starts the thread.
    ///
    /// - Parameter name: shown by `top -H` and debuggers. Linux keeps its first 15 bytes.
    /// - Precondition: the operating system can start one more thread.
    public init(name: String) {
        let queue = JobQueue()
        self.queue = queue
        startThread(name: name) { queue.runUntilStopped() }
    }

    deinit {
        queue.stop()
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        queue.append(QueuedJob(job: UnownedJob(job), executor: self))
    }

    public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    public func checkIsolated() {
        precondition(queue.isCurrentThread, "this code belongs on the thread of its ThreadExecutor")
    }

    /// Whether the caller runs on this executor's thread.
    public func isIsolatingCurrentContext() -> Bool? {
        queue.isCurrentThread
    }
}
