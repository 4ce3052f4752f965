import CProcess
import CSeccomp
import Glibc

/// What a process gives up before it reads hostile bytes: everything but memory, threads, and the descriptors that it was given.
///
/// Two layers. A seccomp filter kills the process at any system call that decoding with threads does not need; opening files is answered with
/// EACCES instead, since libraries try it and cope. Landlock, where the kernel has it, takes the rights to files and ports besides.
package enum DecoderJail {
    /// Why the jail does not hold.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// What decoding needs, whatever the arguments.
    private static let allowed = [
        "brk", "munmap", "mremap", "madvise", "futex", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "exit", "exit_group",
        "gettid", "getpid", "sched_yield", "sched_getaffinity", "set_robust_list", "rseq", "nanosleep", "clock_nanosleep",
        "clock_gettime", "gettimeofday", "getrandom", "restart_syscall", "sysinfo",
    ]
    private static let answeredNoAccess = ["open", "openat", "openat2", "creat"]

    /// Shuts this process in for good. Reading is left for standard input and the clip, writing for standard output and error.
    package static func enter() throws(Failure) {
        let landlock = whorl_landlock_everything()
        guard landlock >= 0 else { throw Failure(description: "Landlock is refused: errno \(-landlock)") }
        guard let filter = seccomp_init(whorl_seccomp_kill_process) else { throw Failure(description: "no memory for a filter") }
        defer { seccomp_release(filter) }
        // All threads that there are, or none.
        try check(seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1), "TSYNC")
        for name in allowed { try add(filter, whorl_seccomp_allow, name) }
        for name in answeredNoAccess { try add(filter, whorl_seccomp_no_access, name) }
        // Its flags are behind a pointer, where no filter can look; glibc then takes clone.
        try add(filter, whorl_seccomp_no_such_call, "clone3")
        let thread = UInt64(whorl_clone_thread)
        try add(filter, "clone", argument: 0, mask: thread, value: thread)
        try addDescriptors(filter)
        for name in ["mmap", "mprotect"] { try add(filter, name, argument: 2, mask: UInt64(PROT_EXEC), value: 0) }
        // abort() raises its signal in this process; naming a thread; reading a limit without setting it.
        try add(filter, "tgkill", argument: 0, value: UInt64(getpid()))
        try add(filter, "prctl", argument: 0, value: UInt64(PR_SET_NAME))
        try add(filter, "prlimit64", argument: 2, value: 0)
        try check(seccomp_load(filter), "seccomp_load")
    }

    private static func addDescriptors(_ filter: scmp_filter_ctx) throws(Failure) {
        try add(filter, "read", argument: 0, value: UInt64(STDIN_FILENO))
        try add(filter, "pread64", argument: 0, value: UInt64(DecoderOrder.clipDescriptor))
        for output in [STDOUT_FILENO, STDERR_FILENO] { try add(filter, "write", argument: 0, value: UInt64(output)) }
    }

    /// libseccomp knows the calls of every architecture; one that this one lacks needs no rule.
    private static func number(_ name: String) -> Int32? {
        let number = seccomp_syscall_resolve_name(name)
        return number == __NR_SCMP_ERROR || number < 0 ? nil : number
    }

    private static func add(_ filter: scmp_filter_ctx, _ action: UInt32, _ name: String) throws(Failure) {
        guard let number = number(name) else { return }
        try check(seccomp_rule_add_array(filter, action, number, 0, nil), name)
    }

    private static func add(
        _ filter: scmp_filter_ctx, _ name: String, argument: UInt32, mask: UInt64 = .max, value: UInt64
    ) throws(Failure) {
        guard let number = number(name) else { return }
        try check(whorl_seccomp_rule_masked(filter, whorl_seccomp_allow, number, argument, mask, value), name)
    }

    private static func check(_ result: Int32, _ what: String) throws(Failure) {
        guard result == 0 else { throw Failure(description: "the filter is refused at \(what): errno \(-result)") }
    }
}
