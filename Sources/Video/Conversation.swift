import Glibc

/// The parent's side of one child's life: reads its answer and its complaints until one of them ends the matter.
struct Conversation {
    let child: DecoderChild
    var parser: AnswerParser
    let deadline: Deadline
    let cancellation: CancellationSignal
    let progress: (@Sendable (Double) -> Void)?
    private var complaint: [UInt8] = []
    private var buffer = [UInt8](repeating: 0, count: 262_144)

    private static let maxComplaintBytes = 65_536
    /// How long a child that has closed its answer may take to exit.
    private static let graceSeconds = 2.0

    init(
        child: DecoderChild, parser: AnswerParser, deadline: Deadline, cancellation: CancellationSignal,
        progress: (@Sendable (Double) -> Void)?
    ) {
        self.child = child
        self.parser = parser
        self.deadline = deadline
        self.cancellation = cancellation
        self.progress = progress
    }

    /// The last of what the child wrote to standard error.
    var complaintText: String {
        complaint.isEmpty ? "" : "stderr: \(String(decoding: complaint.suffix(3_000), as: UTF8.self))"
    }

    /// The child's answer; throws when there is none to be had.
    mutating func run() throws(VideoError) -> Result<SampledVideo, VideoError> {
        var outputIsOpen = true, complaintsAreOpen = true
        while outputIsOpen {
            let ready = try wait(output: true, complaints: complaintsAreOpen, until: deadline)
            if ready.complaints { complaintsAreOpen = readComplaints() }
            guard ready.output else { continue }
            guard let count = receive(child.output.number) else {
                outputIsOpen = false
                continue
            }
            let before = parser.progress
            try parser.feed(buffer[0..<count])
            if parser.progress > before { progress?(parser.progress) }
            if let outcome = parser.outcome { return outcome }
        }
        throw try ending(complaintsAreOpen: complaintsAreOpen)
    }

    /// Why a child that closed its output without an answer did so.
    private mutating func ending(complaintsAreOpen: Bool) throws(VideoError) -> VideoError {
        var complaintsAreOpen = complaintsAreOpen
        let grace = Deadline(secondsFromNow: min(Self.graceSeconds, deadline.secondsLeft))
        while true {
            if let ending = child.endingIfAny() {
                while complaintsAreOpen {
                    let last = Deadline(secondsFromNow: 0.05)
                    guard try wait(output: false, complaints: true, until: last).complaints else { break }
                    complaintsAreOpen = readComplaints()
                }
                return Self.error(for: ending, complaint: complaintText)
            }
            if grace.hasPassed { return VideoError(.decoderProtocolError, detail: "it closed its answer and stayed") }
            let step = Deadline(secondsFromNow: 0.005)
            if try wait(output: false, complaints: complaintsAreOpen, until: step).complaints {
                complaintsAreOpen = readComplaints()
            }
        }
    }

    private static func error(for ending: DecoderChild.Ending, complaint: String) -> VideoError {
        switch ending {
        case .signalled(SIGXCPU): VideoError(.decodeTimeout, detail: "the child's processor time is used up")
        case .unknown: VideoError(.decoderKilled, detail: "somebody else reaped it")
        case .signalled(SIGKILL): VideoError(.decoderKilled, detail: "SIGKILL")
        case .signalled(let signal):
            VideoError(saysOutOfMemory(complaint) ? .outOfMemory : .decoderCrashed, detail: "signal \(signal)")
        case .exited(let code):
            switch DecoderCommand.ExitCode(rawValue: code) {
            case .answered, .refused, .unwritable: VideoError(.decoderProtocolError, detail: "exit \(code) and no answer")
            case .badOrder, .notConfined: VideoError(.decoderUnavailable, detail: "exit \(code)")
            // 126 and 127 are the shell's and the loader's way to say that a program cannot be started.
            case nil where code == 126 || code == 127: VideoError(.decoderUnavailable, detail: "exit \(code)")
            case nil: VideoError(saysOutOfMemory(complaint) ? .outOfMemory : .decoderCrashed, detail: "exit \(code)")
            }
        }
    }

    /// Swift and C++ abort on failed allocations; what they write is all that tells it from another crash.
    private static func saysOutOfMemory(_ complaint: String) -> Bool {
        ["llocation failed", "out of memory", "bad_alloc", "allocate memory"].contains { complaint.contains($0) }
    }

    private func wait(
        output: Bool, complaints: Bool, until limit: Deadline
    ) throws(VideoError) -> (output: Bool, complaints: Bool) {
        var polled = [
            pollfd(fd: cancellation.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: output ? child.output.number : -1, events: Int16(POLLIN), revents: 0),
            pollfd(fd: complaints ? child.complaints.number : -1, events: Int16(POLLIN), revents: 0),
        ]
        let milliseconds = max(0, min(limit.secondsLeft, deadline.secondsLeft) * 1_000).rounded(.up)
        let ready = poll(&polled, nfds_t(polled.count), Int32(milliseconds))
        if ready > 0 && polled[0].revents != 0 { throw VideoError(.cancelled) }
        if deadline.hasPassed { throw VideoError(.decodeTimeout, detail: "the parent's deadline") }
        if ready < 0 && errno != EINTR { throw VideoError(.systemBusy, detail: "poll: errno \(errno)") }
        guard ready > 0 else { return (false, false) }
        return (polled[1].revents != 0, polled[2].revents != 0)
    }

    /// How many bytes came into the buffer; nil at the end.
    private mutating func receive(_ descriptor: Int32) -> Int? {
        while true {
            let got = read(descriptor, &buffer, buffer.count)
            if got > 0 { return got }
            if got < 0 && errno == EINTR { continue }
            return nil
        }
    }

    private mutating func readComplaints() -> Bool {
        guard let count = receive(child.complaints.number) else { return false }
        complaint.append(contentsOf: buffer[0..<count])
        if complaint.count > Self.maxComplaintBytes { complaint.removeFirst(complaint.count - Self.maxComplaintBytes) }
        return true
    }
}
