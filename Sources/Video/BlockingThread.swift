import CProcess
import Glibc

/// Runs blocking work on a thread of its own, so that it never holds one of the cooperative pool's.
enum BlockingThread {
    /// The result of `work`, or nil when the machine has no thread for it.
    static func run<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value? {
        await withCheckedContinuation { continuation in
            let job = Job {
                pthread_setname_np(pthread_self(), "whorl-decode")
                blockBrokenPipeSignal()
                continuation.resume(returning: work())
            }
            var attributes = pthread_attr_t()
            pthread_attr_init(&attributes)
            pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
            defer { pthread_attr_destroy(&attributes) }
            var thread = pthread_t()
            let passed = Unmanaged.passRetained(job)
            let failure = pthread_create(
                &thread, &attributes,
                { argument in
                    if let argument { Unmanaged<Job>.fromOpaque(argument).takeRetainedValue().body() }
                    return nil
                }, passed.toOpaque())
            if failure != 0 {
                passed.release()
                continuation.resume(returning: nil)
            }
        }
    }

    /// A child may end while it is being written to: EPIPE says so, and the signal would end this whole process.
    private static func blockBrokenPipeSignal() {
        var brokenPipe = sigset_t()
        sigemptyset(&brokenPipe)
        sigaddset(&brokenPipe, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &brokenPipe, nil)
    }

    private final class Job: Sendable {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) {
            self.body = body
        }
    }
}
