import CProcess
import Glibc

/// A running decoder: its process, the reading ends of its output, and the writing end of its orders. It is killed and reaped, at the latest, when let go.
final class DecoderChild {
    /// How a process ended.
    enum Ending: Equatable {
        case exited(Int32)
        case signalled(Int32)
        /// Somebody else reaped it.
        case unknown
    }

    let orders: OwnedDescriptor
    let output: OwnedDescriptor
    let complaints: OwnedDescriptor
    private let processID: pid_t
    private var ending: Ending?

    /// Starts `executable` with the clip and the ring as descriptors 3 and 4 and the order on its standard input; nothing else is inherited.
    init(executable: String, clip: Int32, ring: FrameRing, order: [UInt8]) throws(VideoError) {
        let orders = try Pipe.open(), answers = try Pipe.open(), errors = try Pipe.open()
        // The order is smaller than a pipe, so it is written before there is anyone who could fail to read it.
        let written = order.withUnsafeBytes { write(orders.writeEnd.number, $0.baseAddress, $0.count) }
        guard written == order.count else { throw VideoError(.systemBusy, detail: "the order does not fit its pipe") }

        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        // The clip goes first: it may have any number, while the others lie above all that are written here.
        posix_spawn_file_actions_adddup2(&actions, clip, DecoderOrder.clipDescriptor)
        posix_spawn_file_actions_adddup2(&actions, ring.descriptor.number, DecoderOrder.ringDescriptor)
        posix_spawn_file_actions_adddup2(&actions, orders.readEnd.number, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, answers.writeEnd.number, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, errors.writeEnd.number, STDERR_FILENO)
        posix_spawn_file_actions_addclosefrom_np(&actions, DecoderOrder.ringDescriptor + 1)
        Self.resetSignals(&attributes)

        var started: pid_t = 0
        let failure = Self.withCStrings([executable]) { arguments in
            Self.withCStrings(Self.environment()) { variables in
                posix_spawn(&started, executable, &actions, &attributes, arguments, variables)
            }
        }
        guard failure == 0 else {
            let passes = [EAGAIN, ENOMEM, ENFILE, EMFILE].contains(failure)
            let words = String(cString: strerror(failure))
            throw VideoError(passes ? .systemBusy : .decoderUnavailable, detail: "posix_spawn \(executable): \(words)")
        }
        processID = started
        self.orders = orders.takeWriteEnd()
        output = answers.takeReadEnd()
        complaints = errors.takeReadEnd()
    }

    deinit {
        _ = end()
    }

    /// Gives a buffer of the ring back. A child that is gone does not need it; how it ended is found out elsewhere.
    func giveBack(buffer: Int) {
        var number = UInt8(buffer)
        while write(orders.number, &number, 1) < 0 && errno == EINTR {}
    }

    /// How the child ended, if it has.
    func endingIfAny() -> Ending? {
        if ending == nil { wait(options: WNOHANG) }
        return ending
    }

    /// Kills the child and all that it started, and reaps it; how it ended.
    func end() -> Ending? {
        if ending == nil {
            kill(-processID, SIGKILL)
            kill(processID, SIGKILL)
            wait(options: 0)
        }
        return ending
    }

    private func wait(options: Int32) {
        var status: Int32 = 0
        var result = waitpid(processID, &status, options)
        while result < 0 && errno == EINTR { result = waitpid(processID, &status, options) }
        if result == 0 { return }
        // Somebody else reaped it: its number may be another process's by now, so it is not touched again.
        guard result == processID else {
            ending = .unknown
            return
        }
        let signal = status & 0x7F
        ending = signal == 0 ? .exited(status >> 8 & 0xFF) : .signalled(signal)
    }

    private static func resetSignals(_ attributes: inout posix_spawnattr_t) {
        var all = sigset_t(), none = sigset_t()
        sigfillset(&all)
        sigemptyset(&none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setsigmask(&attributes, &none)
        // A group of its own, so that a kill reaches whatever it started.
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP
        posix_spawnattr_setflags(&attributes, Int16(flags))
    }

    /// What the child needs to start, and no secret of its parent.
    private static func environment() -> [String] {
        var variables = ["LC_ALL=C", "PATH=/usr/bin:/bin", "MALLOC_ARENA_MAX=2"]
        if let path = getenv("LD_LIBRARY_PATH") { variables.append("LD_LIBRARY_PATH=\(String(cString: path))") }
        return variables
    }

    private static func withCStrings<Value>(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Value
    ) -> Value {
        let copies = strings.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return body(copies + [nil])
    }
}
