import Glibc

/// Starts a detached thread that runs `body` once and ends.
///
/// - Parameters:
///   - name: shown by `top -H` and debuggers. Linux keeps its first 15 bytes.
///   - body: may block for as long as it likes.
/// - Precondition: the operating system can start one more thread.
package func startThread(name: String, _ body: @escaping @Sendable () -> Void) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    defer { pthread_attr_destroy(&attributes) }

    let argument = Unmanaged.passRetained(ThreadStart(name: name, body: body))
    var thread = pthread_t()
    let status = pthread_create(&thread, &attributes, { argument in
        guard let argument else { return nil }
        let start = Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue()
        blockSignals()
        setThreadName(start.name)
        start.body()
        return nil
    }, argument.toOpaque())
    guard status == 0 else {
        argument.release()
        preconditionFailure("no thread for \(name): \(String(cString: strerror(status)))")
    }
}

/// What the new thread is given.
private final class ThreadStart: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

/// Keeps process-wide signals away from this thread, SIGPIPE among them: C libraries that write to a closed socket
/// then see EPIPE. Faults stay unblocked, so that a crash is still reported with its backtrace.
private func blockSignals() {
    var signals = sigset_t()
    sigfillset(&signals)
    for fault in [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT] {
        sigdelset(&signals, fault)
    }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
}

/// Names the calling thread. Linux refuses more than 15 bytes, so a long name is cut at a character. Goes through
/// /proc because glibc hides pthread_setname_np from Swift; where /proc is missing the thread stays unnamed.
private func setThreadName(_ name: String) {
    var kept = name
    while kept.utf8.count > 15 {
        kept.removeLast()
    }
    let descriptor = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = write(descriptor, kept, kept.utf8.count)
    close(descriptor)
}
