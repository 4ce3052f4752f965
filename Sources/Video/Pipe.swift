import CProcess
import Glibc

/// A file descriptor that is closed when its owner lets go, once and never twice.
struct OwnedDescriptor: ~Copyable {
    let number: Int32

    init(_ number: Int32) {
        self.number = number
    }

    deinit {
        if number >= 0 { Glibc.close(number) }
    }
}

/// A pipe whose ends are not inherited and lie above the numbers that a child's own descriptors take.
struct Pipe: ~Copyable {
    var readEnd: OwnedDescriptor
    var writeEnd: OwnedDescriptor

    /// The lowest number that no child's own descriptor takes.
    static let firstFree: Int32 = 10

    /// Makes a pipe, or says that the process has no descriptors left.
    static func open() throws(VideoError) -> Pipe {
        var ends: [Int32] = [-1, -1]
        guard pipe2(&ends, O_CLOEXEC) == 0 else { throw exhausted("pipe2") }
        let lowRead = OwnedDescriptor(ends[0]), lowWrite = OwnedDescriptor(ends[1])
        let highRead = OwnedDescriptor(fcntl(lowRead.number, F_DUPFD_CLOEXEC, Self.firstFree))
        let highWrite = OwnedDescriptor(fcntl(lowWrite.number, F_DUPFD_CLOEXEC, Self.firstFree))
        guard highRead.number >= 0, highWrite.number >= 0 else { throw exhausted("fcntl") }
        return Pipe(readEnd: highRead, writeEnd: highWrite)
    }

    /// Closes the writing end and gives the other away.
    consuming func takeReadEnd() -> OwnedDescriptor {
        readEnd
    }

    /// Closes the reading end and gives the other away.
    consuming func takeWriteEnd() -> OwnedDescriptor {
        writeEnd
    }

    /// Running out of descriptors passes when other work ends.
    private static func exhausted(_ call: String) -> VideoError {
        VideoError(.systemBusy, detail: "\(call): errno \(errno)")
    }
}
