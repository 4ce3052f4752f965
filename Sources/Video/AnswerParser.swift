import FoundationEssentials
import JobModel

/// Reads a child's answer as it arrives and believes nothing in it: sizes and counts are the parent's own.
package struct AnswerParser {
    /// What the child said next.
    package enum Message: Sendable, Equatable {
        case progress(Double)
        case frame(DecoderRecord.Frame)
        case restart
        case done(DecoderRecord.Done)
        case failure(VideoError)
    }

    private let request: SamplingRequest
    private let limits: DecoderLimits
    private let bufferCount: Int
    private var buffer: [UInt8] = []
    private var consumed = 0
    private var hasEnded = false
    private var progressCount = 0
    private var progress = 0.0
    private var restartCount = 0
    /// The frames of this attempt, by number.
    private var frames: [Int: (sample: Int, seconds: Double)] = [:]

    /// A parser of the answer to `request` under `limits`, with frames in a ring of `bufferCount` buffers.
    package init(request: SamplingRequest, limits: DecoderLimits, bufferCount: Int) {
        self.request = request
        self.limits = limits
        self.bufferCount = bufferCount
    }

    /// Takes the next bytes.
    package mutating func feed(_ bytes: some Collection<UInt8>) {
        if consumed == buffer.count {
            buffer.removeAll(keepingCapacity: true)
            consumed = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next whole message, or nil until more bytes come; throws `decoder_protocol_error` at the first that cannot be true.
    package mutating func next() throws(VideoError) -> Message? {
        while let (kind, message) = try readRecord() {
            if let message = try accept(kind, message) { return message }
        }
        return nil
    }

    private mutating func readRecord() throws(VideoError) -> (DecoderRecord.Kind, Data)? {
        guard buffer.count > consumed else { return nil }
        guard !hasEnded else { throw Self.lie("bytes after the end") }
        guard buffer.count - consumed >= DecoderRecord.headerBytes else { return nil }
        let letters = String(decoding: buffer[consumed..<consumed + 4], as: UTF8.self)
        guard let kind = DecoderRecord.Kind(rawValue: letters) else { throw Self.lie("unknown record") }
        let size = (0..<4).reduce(0) { $0 | Int(buffer[consumed + 4 + $1]) << (8 * $1) }
        guard size <= DecoderRecord.maxMessageBytes else { throw Self.lie("message of \(size) bytes") }
        let start = consumed + DecoderRecord.headerBytes
        guard buffer.count >= start + size else { return nil }
        consumed = start + size
        return (kind, Data(buffer[start..<start + size]))
    }

    /// nil for a message that tells nothing new.
    private mutating func accept(_ kind: DecoderRecord.Kind, _ message: Data) throws(VideoError) -> Message? {
        switch kind {
        case .progress:
            progressCount += 1
            let fraction = try Self.decode(DecoderRecord.Progress.self, from: message).fraction
            guard progressCount <= 1_000, (0...1).contains(fraction) else { throw Self.lie("progress") }
            guard fraction > progress else { return nil }
            progress = fraction
            return .progress(fraction)
        case .frame:
            let claim = try Self.decode(DecoderRecord.Frame.self, from: message)
            try check(claim)
            frames[claim.frameNumber] = (claim.sample, claim.timestampSeconds)
            return .frame(claim)
        case .restart:
            restartCount += 1
            guard restartCount <= DecoderRecord.maxRestarts else { throw Self.lie("restarts") }
            frames = [:]
            return .restart
        case .done:
            let claim = try Self.decode(DecoderRecord.Done.self, from: message)
            try check(claim)
            hasEnded = true
            return .done(claim)
        case .failure:
            let claim = try Self.decode(VideoError.self, from: message)
            // Only what a decode can find out: a child that was taken over must not stop its worker by a word.
            guard claim.isInputFault || claim.code == .unreadableInput else { throw Self.lie("code \(claim.code.rawValue)") }
            hasEnded = true
            return .failure(claim)
        }
    }

    private func check(_ claim: DecoderRecord.Frame) throws(VideoError) {
        guard (0..<bufferCount).contains(claim.buffer) else { throw Self.lie("buffer \(claim.buffer)") }
        guard (0..<limits.maxFrames).contains(claim.frameNumber), frames[claim.frameNumber] == nil,
            frames.count < request.sampling.count
        else { throw Self.lie("frame number") }
        guard claim.timestampSeconds.isFinite, claim.timestampSeconds >= 0 else { throw Self.lie("time stamp") }
        guard claim.pictures.count == request.pictures.count,
            zip(claim.pictures, request.pictures).allSatisfy({ isPlausible($0, for: $1) })
        else { throw Self.lie("picture size") }
    }

    private func check(_ claim: DecoderRecord.Done) throws(VideoError) {
        guard isPlausible(claim.info), Set(claim.warnings).count == claim.warnings.count, isPlausible(claim.decoding) else {
            throw Self.lie("information")
        }
        guard claim.firstFrame >= 0, claim.firstFrame < claim.endFrame, claim.endFrame <= claim.info.frameCount else {
            throw Self.lie("range of frames")
        }
        if request.sampling.startSeconds == nil && request.sampling.endSeconds == nil {
            guard claim.firstFrame == 0, claim.endFrame == claim.info.frameCount else { throw Self.lie("range of frames") }
        }
        let range = claim.firstFrame..<claim.endFrame
        guard SamplePlan.accepts(claim.frameNumbers, for: request.sampling, in: range) else { throw Self.lie("frame numbers") }
        guard Set(claim.frameNumbers) == Set(frames.keys) else { throw Self.lie("\(frames.count) frames at the end") }
        for (number, frame) in frames where claim.frameNumbers.firstIndex(of: number) != frame.sample { throw Self.lie("samples") }
        let seconds = frames.sorted { $0.key < $1.key }.map(\.value.seconds)
        guard zip(seconds, seconds.dropFirst()).allSatisfy({ $0 <= $1 }) else { throw Self.lie("order of times") }
    }

    private func isPlausible(_ info: VideoInfo) -> Bool {
        let longest = max(limits.maxWidth, limits.maxHeight)
        return (1...longest).contains(info.width) && (1...longest).contains(info.height)
            && (1...limits.maxFrames).contains(info.frameCount)
            && info.durationSeconds.isFinite && info.durationSeconds >= 0
            && info.averageFrameRate.isFinite && info.averageFrameRate >= 0
            && [0, 90, 180, 270].contains(info.rotationDegrees)
            && info.container.utf8.count <= 32 && info.codec.utf8.count <= 32
    }

    private func isPlausible(_ decoding: DecodingReport) -> Bool {
        decoding.packetCount >= 0 && decoding.packetsDecoded >= 0 && (decoding.sequentialBecause ?? "").utf8.count <= 200
    }

    private func isPlausible(_ size: DecoderRecord.Size, for picture: SamplingRequest.PictureSize) -> Bool {
        guard size.width > 0, size.height > 0 else { return false }
        switch picture {
        case .squeezed(let width, let height): return size.width == width && size.height == height
        case .fitted(let maxWidth, let maxHeight): return size.width <= maxWidth && size.height <= maxHeight
        case .source:
            let longest = max(limits.maxWidth, limits.maxHeight)
            return size.width <= longest && size.height <= longest && size.width * size.height <= limits.maxPixels
        }
    }

    private static func decode<Claim: Decodable>(_ type: Claim.Type, from data: Data) throws(VideoError) -> Claim {
        do {
            return try JSONDecoder().decode(type, from: data)
        } catch {
            throw VideoError(.decoderProtocolError, detail: "\(type): \(error)")
        }
    }

    private static func lie(_ what: String) -> VideoError {
        VideoError(.decoderProtocolError, detail: "the decoder's answer is refused: \(what)")
    }
}
