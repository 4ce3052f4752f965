// Shuts itself into the decoder's jail and then tries what its argument names. It ends with 0 when that worked, with the errno value when it
// was refused, and does not come back when the jail kills it.
import CAttempts
import CProcess
import Glibc
import Video

func failure(_ result: some BinaryInteger) -> Int32 { result < 0 ? errno : 0 }

func startThread() -> Int32 {
    var thread = pthread_t()
    let result = pthread_create(&thread, nil, { _ in nil }, nil)
    return result == 0 ? pthread_join(thread, nil) : result
}

func execute() -> Int32 {
    let program = strdup("/bin/true")
    defer { free(program) }
    var arguments: [UnsafeMutablePointer<CChar>?] = [program, nil]
    return failure(execv("/bin/true", &arguments))
}

func allocate(_ protection: Int32) -> Int32 {
    mmap(nil, 4_096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0
}

func readElsewhere() -> Int32 {
    var byte: UInt8 = 0
    return failure(read(5, &byte, 1))
}

func writeElsewhere() -> Int32 {
    var byte: UInt8 = 0
    return failure(write(5, &byte, 1))
}

func connectOut() -> Int32 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(9).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    // Descriptor 6 is a socket that was open before.
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            failure(connect(6, $0, socklen_t(MemoryLayout<sockaddr_in>.size)))
        }
    }
}

let attempts: [String: () -> Int32] = [
    "nothing": { 0 },
    "open": { failure(open("/etc/passwd", O_RDONLY)) },
    "create": { failure(open("/tmp/whorl-jail-probe", O_WRONLY | O_CREAT, 0o600)) },
    "connect": connectOut,
    "socket": { failure(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)) },
    "fork": { failure(whorl_try_fork()) },
    "exec": execute,
    "ptrace": { failure(whorl_try_ptrace()) },
    "kill": { failure(kill(getppid(), 0)) },
    "unlink": { failure(unlink("/tmp/whorl-jail-probe")) },
    "read-elsewhere": readElsewhere,
    "write-elsewhere": writeElsewhere,
    "executable-memory": { allocate(PROT_READ | PROT_WRITE | PROT_EXEC) },
    "memory": { allocate(PROT_READ | PROT_WRITE) },
    "thread": startThread,
]

let name = CommandLine.arguments.dropFirst().first ?? ""
if name == "landlock-open" {
    // The second layer alone: no filter is in its way.
    guard whorl_no_new_privileges() == 0 else { exit(120) }
    let version = whorl_landlock_everything()
    guard version > 0 else { exit(121) }
    exit(failure(open("/etc/passwd", O_RDONLY)))
}
guard let attempt = attempts[name] else { exit(122) }
let opened = open("/dev/null", O_RDWR)
guard opened >= 0, dup2(opened, 5) == 5 else { exit(123) }
let outside = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
guard outside >= 0, dup2(outside, 6) == 6 else { exit(123) }
do {
    try DecoderJail.enter()
} catch {
    exit(124)
}
exit(attempt())
