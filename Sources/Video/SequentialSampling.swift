import CLibav
import JobModel

/// Samples a clip by decoding all of it in sequence: for clips whose packets do not tell their frames.
struct SequentialSampling {
    let file: ClipFile
    let request: SamplingRequest
    let limits: DecoderLimits
    let deadline: Deadline
    let parameters: StreamParameters
    let outlet: FrameOutlet
    /// Why.
    let reason: String

    /// Three, in case that a decoder does not give the same frames twice.
    private static let maxPasses = 3

    private struct Pass {
        var facts: ClipFacts
        var warnings: [VideoWarning]
        var containerName: String
        var packetCount: Int
        /// Of every frame, in order.
        var seconds: [Double]
    }

    /// The packets were counted: one pass is enough when every packet gives a frame. When the decoder counts otherwise, another takes the frames
    /// that the true count asks for.
    func run(estimate: Int) throws(VideoError) -> DecoderRecord.Done {
        var range = 0..<max(1, estimate)
        for attempt in 0..<Self.maxPasses {
            if attempt > 0 { try outlet.restart() }
            let planned = SamplePlan.frameNumbers(exact, in: range)
            let wanted = Dictionary(planned.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
            let pass = try decode(wanted: wanted, estimate: range.upperBound)
            let found = frames(of: pass)
            guard !found.isEmpty else {
                throw VideoError(.emptyRange, subject: "the last frame is at \(pass.facts.lastSeconds) s")
            }
            let numbers = SamplePlan.frameNumbers(exact, in: found)
            if numbers == planned { return done(pass, range: found, numbers: numbers) }
            range = found
        }
        throw VideoError(.damaged, detail: "each decode gave another number of frames")
    }

    /// Every frame is decoded anyway, so none is cheaper than another.
    private var exact: Sampling {
        var sampling = request.sampling
        sampling.mode = .exact
        return sampling
    }

    private func frames(of pass: Pass) -> Range<Int> {
        let start = request.sampling.startSeconds, end = request.sampling.endSeconds
        let lower = start.map { start in pass.seconds.firstIndex { $0 >= start - 1e-6 } ?? pass.seconds.count } ?? 0
        let upper = end.map { end in pass.seconds.firstIndex { $0 >= end - 1e-6 } ?? pass.seconds.count } ?? pass.seconds.count
        return lower..<max(lower, upper)
    }

    private func done(_ pass: Pass, range: Range<Int>, numbers: [Int]) -> DecoderRecord.Done {
        var warnings = pass.warnings
        if range.count < request.sampling.count { warnings.insert(.shortClip, at: 0) }
        return DecoderRecord.Done(
            info: pass.facts.info(container: pass.containerName, codec: parameters.codecName), warnings: warnings,
            firstFrame: range.lowerBound, endFrame: range.upperBound, frameNumbers: numbers,
            decoding: DecodingReport(
                packetCount: pass.packetCount, packetsDecoded: pass.packetCount, sequentialBecause: reason))
    }

    /// `wanted` are the frames to deliver with the samples that show them.
    private func decode(wanted: [Int: Int], estimate: Int) throws(VideoError) -> Pass {
        let reader = try ClipReader(file, limits: limits, deadline: deadline)
        let decoder = try FrameDecoder(reader, parameters: try StreamParameters(reader), threads: limits.threads, limits: limits)
        let delivery = FrameDelivery(request, outlet: outlet)
        var clock = FrameClock(secondsPerTick: av_q2d(reader.stream.pointee.time_base), framesPerSecond: reader.claimedRate)
        var first: DisplayGeometry?
        var sizeChanged = false
        var damagedFrames = 0
        var lastDuration = 0.0
        var seconds: [Double] = []
        outlet.expect(steps: estimate)
        let packetCount = try SequentialFrames(reader, decoder).forEach { frame throws(VideoError) in
            if FrameDecoder.isDamaged(frame) { damagedFrames += 1 }
            let ticks = frame.pointee.best_effort_timestamp
            let time = clock.next(ticks: ticks == whorl_av_no_timestamp ? nil : ticks)
            lastDuration = Double(frame.pointee.pkt_duration) * clock.secondsPerTick
            let geometry = DisplayGeometry(frame: frame, reader: reader)
            let start = first ?? geometry
            first = start
            sizeChanged = sizeChanged || start.codedWidth != geometry.codedWidth || start.codedHeight != geometry.codedHeight
            if let sample = wanted[seconds.count] {
                try delivery.deliver(frame, geometry: geometry, sample: sample, number: seconds.count, seconds: time)
            }
            seconds.append(time)
            if seconds.count > limits.maxFrames {
                throw VideoError(.tooLong, subject: "at least \(seconds.count) frames; at most \(limits.maxFrames)")
            }
            try outlet.step()
        }
        guard let first else { throw noFrames(reader: reader, decoder: decoder, packets: packetCount) }
        if seconds.count == 1, !request.acceptsStills, ["mjpeg", "gif"].contains(reader.containerName) { throw VideoError(.pictureOnly) }
        var warnings: [VideoWarning] = []
        if damagedFrames + decoder.errorCount > 0 || (reader.sawErrors && !reader.isTruncated) { warnings.append(.damagedFrames) }
        if reader.isTruncated { warnings.append(.truncatedTail) }
        if sizeChanged { warnings.append(.sizeChanged) }
        // AVI and MPEG-1 leave out a few by design, which the rate fills in well.
        if clock.missingCount * 2 > seconds.count { warnings.append(.missingTimestamps) }
        let facts = ClipFacts(
            geometry: first, frameCount: seconds.count, lastSeconds: clock.lastSeconds, lastDuration: lastDuration,
            secondsPerFrame: clock.secondsPerFrame)
        return Pass(facts: facts, warnings: warnings, containerName: reader.containerName, packetCount: packetCount, seconds: seconds)
    }

    private func noFrames(reader: ClipReader, decoder: FrameDecoder, packets: Int) -> VideoError {
        if let size = LibavLog.refusedPictureSize {
            return VideoError(.dimensionsTooLarge, subject: "\(size) pixels", detail: LibavLog.text)
        }
        let detail = "\(packets) packets gave no frame; log: \(LibavLog.text)"
        if reader.isTruncated { return VideoError(.truncated, detail: detail) }
        if packets == 0 { return VideoError(.noFrames, detail: detail) }
        return VideoError(decoder.errorCount > 0 ? .damaged : .noFrames, detail: detail)
    }
}

/// All frames of a stream, from its first packet to its last.
private struct SequentialFrames {
    private let reader: ClipReader
    private let decoder: FrameDecoder

    init(_ reader: ClipReader, _ decoder: FrameDecoder) {
        self.reader = reader
        self.decoder = decoder
    }

    /// Calls `body` with each frame, valid until it returns; the number of packets.
    func forEach(_ body: (UnsafeMutablePointer<AVFrame>) throws(VideoError) -> Void) throws(VideoError) -> Int {
        guard let packet = av_packet_alloc() else { throw VideoError(.outOfMemory, detail: "packet") }
        var owned: UnsafeMutablePointer<AVPacket>? = packet
        defer { av_packet_free(&owned) }
        var count = 0
        while try reader.read(into: packet) {
            try decoder.send(packet)
            av_packet_unref(packet)
            count += 1
            while let frame = try decoder.receive() { try body(frame) }
        }
        try decoder.send(nil)
        while let frame = try decoder.receive() { try body(frame) }
        return count
    }
}
