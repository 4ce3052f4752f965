import Glibc

/// The parent's side of one child's life: reads its answer and its complaints until one of them ends the matter.
struct Conversation<Kept: Sendable> {
    let child: DecoderChild
    let ring: FrameRing
    var parser: AnswerParser
    let request: SamplingRequest
    let deadline: Deadline
    let cancellation: CancellationSignal
    let progress: (@Sendable (Double) -> Void)?
    let keep: @Sendable (FrameView) -> Kept
    private var kept: [Int: (seconds: Double, value: Kept)] = [:]
    private var complaint: [UInt8] = []
    private var buffer = [UInt8](repeating: 0, count: 65_536)

    init(
        child: DecoderChild, ring: FrameRing, request: SamplingRequest, limits: DecoderLimits, deadline: Deadline,
        cancellation: CancellationSignal, progress: (@Sendable (Double) -> Void)?, keep: @escaping @Sendable (FrameView) -> Kept
    ) {
        self.child = child
        self.ring = ring
        self.request = request
        self.deadline = deadline
        self.cancellation = cancellation
        self.progress = progress
        self.keep = keep
        parser = AnswerParser(request: request, limits: limits, bufferCount: ring.bufferCount)
    }

    /// The last of what the child wrote to standard error.
    var complaintText: String {
        complaint.isEmpty ? "" : "stderr: \(String(decoding: complaint.suffix(3_000), as: UTF8.self))"
    }

    /// The child's answer; throws when there is none to be had.
    mutating func run() throws(VideoError) -> Result<SampledVideo<Kept>, VideoError> {
        var outputIsOpen = true, complaintsAreOpen = true
        while outputIsOpen {
            let ready = try wait(output: true, complaints: complaintsAreOpen, until: deadline)
            if ready.complaints { complaintsAreOpen = readComplaints() }
            guard ready.output else { continue }
            guard let count = receive(child.output.number) else {
                outputIsOpen = false
                continue
            }
            parser.feed(buffer[0..<count])
            while let message = try parser.next() {
                switch message {
                case .progress(let fraction): progress?(fraction)
                case .frame(let claim):
                    let frame = view(of: claim)
                    kept[frame.number] = (frame.timestampSeconds, keep(frame))
                    child.giveBack(buffer: claim.buffer)
                    if deadline.hasPassed { throw VideoError(.decodeTimeout, detail: "the parent's deadline") }
                case .restart: kept = [:]
                case .done(let claim): return .success(video(claim))
                case .failure(let error): return .failure(error)
                }
            }
        }
        throw try ending(complaintsAreOpen: complaintsAreOpen)
    }

    /// A frame's pictures in its buffer; the parser has held their sizes against the request.
    private func view(of claim: DecoderRecord.Frame) -> FrameView {
        let memory = ring.buffer(claim.buffer)
        var offset = 0
        let pictures = claim.pictures.map { size in
            let bytes = FrameLayout.bytes(width: size.width, height: size.height)
            defer { offset += bytes }
            return PictureView(
                width: size.width, height: size.height, rowBytes: FrameLayout.rowBytes(width: size.width),
                pixels: UnsafeRawBufferPointer(rebasing: memory[offset..<offset + bytes]))
        }
        return FrameView(
            sample: claim.sample, number: claim.frameNumber, timestampSeconds: claim.timestampSeconds, pictures: pictures)
    }

    /// The parser has seen that each number was delivered.
    private func video(_ claim: DecoderRecord.Done) -> SampledVideo<Kept> {
        let frames = claim.frameNumbers.enumerated().compactMap { index, number in
            kept[number].map {
                SampledFrame(index: index, frameNumber: number, timestampSeconds: $0.seconds, kept: $0.value)
            }
        }
        let tolerance = SamplePlan.tolerance(request.sampling, in: claim.firstFrame..<claim.endFrame)
        let rate = claim.info.averageFrameRate
        return SampledVideo(
            info: claim.info, frames: frames, toleranceSeconds: tolerance > 0 && rate > 0 ? Double(tolerance) / rate : 0,
            warnings: claim.warnings, decoding: claim.decoding)
    }

    /// Why a child that closed its output without an answer did so.
    private mutating func ending(complaintsAreOpen: Bool) throws(VideoError) -> VideoError {
        var complaintsAreOpen = complaintsAreOpen
        // How long a child that has closed its answer may take to exit.
        let grace = Deadline(secondsFromNow: min(2, deadline.secondsLeft))
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
        case .signalled(SIGSYS): VideoError(.decoderCrashed, detail: "it made a system call that its jail forbids")
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
        let most = 65_536
        if complaint.count > most { complaint.removeFirst(complaint.count - most) }
        return true
    }
}
