import CLibav

/// Samples a clip inside this process; only the decoder child runs it on bytes that somebody else sent.
package struct VideoSampler {
    private let descriptor: Int32
    private let request: SamplingRequest
    private let limits: DecoderLimits
    private let deadline: Deadline

    /// A sampler of the clip that `descriptor` has open; its file position is neither used nor moved.
    package init(descriptor: Int32, request: SamplingRequest, limits: DecoderLimits) throws(VideoError) {
        try limits.validate()
        try request.validate(limits: limits)
        self.descriptor = descriptor
        self.request = request
        self.limits = limits
        deadline = Deadline(secondsFromNow: limits.wallClockSeconds)
    }

    /// Decodes the clip from its first frame to its last and keeps the evenly spaced ones.
    ///
    /// The packets are counted first, so that one pass is enough when every packet gives a frame; when the decoder counts
    /// otherwise, a second pass takes the frames that the true count asks for. Only sampled frames are converted and held.
    package func run(progress: (Double) -> Void) throws(VideoError) -> SampledVideo {
        var estimate = try countPackets()
        var kept: [Int: ConvertedFrame] = [:]
        for _ in 0..<Self.maxPasses {
            let wanted = Set(SamplePlan.frameNumbers(count: request.count, frameCount: max(1, estimate)))
            let pass = try decode(wanted: wanted, kept: &kept, estimate: estimate, progress: progress)
            let numbers = SamplePlan.frameNumbers(count: request.count, frameCount: pass.frameCount)
            if numbers.allSatisfy({ kept[$0] != nil }) {
                return result(numbers: numbers, kept: kept, pass: pass)
            }
            estimate = pass.frameCount
            let needed = Set(numbers)
            kept = kept.filter { needed.contains($0.key) }
        }
        throw VideoError(.damaged, detail: "each decode gave another number of frames")
    }

    /// Two are enough for a decoder that gives the same frames twice.
    private static let maxPasses = 3

    private struct ConvertedFrame {
        var timestampSeconds: Double
        var input: RGBImage
        var picture: RGBImage
    }

    private struct Pass {
        var frameCount: Int
        var info: VideoInfo
        var warnings: [VideoWarning]
    }

    private func countPackets() throws(VideoError) -> Int {
        let reader = try ClipReader(descriptor: descriptor, limits: limits, deadline: deadline)
        guard var packet = av_packet_alloc() else { throw VideoError(.outOfMemory, detail: "packet") }
        defer { Self.free(&packet) }
        // Packets that show nothing (VP8's hidden frames) may outnumber the frames a little.
        let most = limits.maxFrames + limits.maxFrames / 8
        var count = 0
        while try reader.read(into: packet) {
            av_packet_unref(packet)
            count += 1
            if count > most { throw tooLong(atLeast: count) }
        }
        return count
    }

    private func decode(
        wanted: Set<Int>, kept: inout [Int: ConvertedFrame], estimate: Int, progress: (Double) -> Void
    ) throws(VideoError) -> Pass {
        let reader = try ClipReader(descriptor: descriptor, limits: limits, deadline: deadline)
        let decoder = try FrameDecoder(reader: reader, limits: limits)
        let inputConverter = FrameConverter(), pictureConverter = FrameConverter()
        var clock = FrameClock(
            secondsPerTick: av_q2d(reader.stream.pointee.time_base), framesPerSecond: Self.claimedRate(of: reader))
        var first: DisplayGeometry?
        var sizeChanged = false
        var lastDuration = 0.0
        var count = 0
        while let frame = try decoder.next() {
            let ticks = frame.pointee.best_effort_timestamp
            let seconds = clock.next(ticks: ticks == whorl_av_no_timestamp ? nil : ticks)
            lastDuration = Double(frame.pointee.pkt_duration) * clock.secondsPerTick
            let geometry = DisplayGeometry(frame: frame, reader: reader)
            if let first {
                sizeChanged = sizeChanged || first.codedWidth != geometry.codedWidth
                    || first.codedHeight != geometry.codedHeight
            } else {
                first = geometry
            }
            if wanted.contains(count), kept[count] == nil {
                kept[count] = try convert(
                    frame, geometry: geometry, seconds: seconds, input: inputConverter, picture: pictureConverter)
            }
            count += 1
            if count > limits.maxFrames { throw tooLong(atLeast: count) }
            if count % 16 == 0 { progress(min(0.99, Double(count) / Double(max(estimate, count)))) }
        }
        guard let first else { throw noFrames(reader: reader, decoder: decoder, packets: estimate) }
        let end = clock.lastSeconds + (lastDuration > 0 && lastDuration < 3_600 ? lastDuration : clock.secondsPerFrame)
        let info = VideoInfo(
            container: reader.containerName, codec: decoder.codecName, width: first.displayedWidth,
            height: first.displayedHeight, durationSeconds: end, frameCount: count,
            averageFrameRate: count > 1 && clock.lastSeconds > 0
                ? Double(count - 1) / clock.lastSeconds : 1 / clock.secondsPerFrame,
            rotationDegrees: first.orientation.rotationDegrees, isMirrored: first.orientation.isMirrored,
            sampleAspectRatio: first.displayedAspect)
        if count == 1, ["mjpeg", "gif"].contains(info.container) { throw VideoError(.pictureOnly) }
        var warnings: [VideoWarning] = []
        if count < request.count { warnings.append(.shortClip) }
        if decoder.damageCount > 0 || (reader.sawErrors && !reader.isTruncated) { warnings.append(.damagedFrames) }
        if reader.isTruncated { warnings.append(.truncatedTail) }
        if sizeChanged { warnings.append(.sizeChanged) }
        // AVI and MPEG-1 leave out a few by design, which the rate fills in well.
        if clock.missingCount * 2 > count { warnings.append(.missingTimestamps) }
        return Pass(frameCount: count, info: info, warnings: warnings)
    }

    private func convert(
        _ frame: UnsafeMutablePointer<AVFrame>, geometry: DisplayGeometry, seconds: Double, input: FrameConverter,
        picture: FrameConverter
    ) throws(VideoError) -> ConvertedFrame {
        let size: (width: Int, height: Int)
        switch request.picture {
        case .fitted(let maxWidth, let maxHeight): size = geometry.fittedSize(maxWidth: maxWidth, maxHeight: maxHeight)
        case .source: size = (geometry.displayedWidth, geometry.displayedHeight)
        }
        return ConvertedFrame(
            timestampSeconds: seconds,
            input: try input.convert(
                frame, orientation: geometry.orientation, width: request.inputWidth, height: request.inputHeight),
            picture: try picture.convert(
                frame, orientation: geometry.orientation, width: size.width, height: size.height))
    }

    private func result(numbers: [Int], kept: [Int: ConvertedFrame], pass: Pass) -> SampledVideo {
        let frames = numbers.enumerated().compactMap { index, number in
            kept[number].map {
                SampledFrame(
                    index: index, frameNumber: number, timestampSeconds: $0.timestampSeconds, input: $0.input,
                    picture: $0.picture)
            }
        }
        return SampledVideo(info: pass.info, frames: frames, warnings: pass.warnings)
    }

    private func tooLong(atLeast count: Int) -> VideoError {
        VideoError(.tooLong, subject: "at least \(count) frames; at most \(limits.maxFrames)")
    }

    private func noFrames(reader: ClipReader, decoder: FrameDecoder, packets: Int) -> VideoError {
        if let size = LibavLog.refusedPictureSize {
            return VideoError(.dimensionsTooLarge, subject: "\(size) pixels", detail: LibavLog.text)
        }
        let detail = "\(packets) packets gave no frame; log: \(LibavLog.text)"
        if reader.isTruncated { return VideoError(.truncated, detail: detail) }
        if packets == 0 { return VideoError(.noFrames, detail: detail) }
        return VideoError(decoder.damageCount > 0 ? .damaged : .noFrames, detail: detail)
    }

    private static func claimedRate(of reader: ClipReader) -> Double {
        let stream = reader.stream.pointee
        let average = av_q2d(stream.avg_frame_rate)
        return average.isFinite && average > 0 ? average : av_q2d(stream.r_frame_rate)
    }

    private static func free(_ packet: inout UnsafeMutablePointer<AVPacket>) {
        var optional: UnsafeMutablePointer<AVPacket>? = packet
        av_packet_free(&optional)
    }
}
