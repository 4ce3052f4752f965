import FoundationEssentials

/// Reads a child's answer as it arrives and believes nothing in it: sizes and counts are the parent's own.
package struct AnswerParser {
    private let request: SamplingRequest
    private let limits: DecoderLimits
    private var buffer: [UInt8] = []
    private var consumed = 0
    private var info: DecoderRecord.Info?
    private var frames: [SampledFrame] = []
    private var progressCount = 0

    /// The answer, once it is complete.
    package private(set) var outcome: Result<SampledVideo, VideoError>?
    /// The last fraction reported, 0 to 1.
    package private(set) var progress = 0.0

    /// A parser of the answer to `request` under `limits`.
    package init(request: SamplingRequest, limits: DecoderLimits) {
        self.request = request
        self.limits = limits
    }

    /// Takes the next bytes; throws `decoder_protocol_error` at the first that cannot be true.
    package mutating func feed(_ bytes: some Collection<UInt8>) throws(VideoError) {
        buffer.append(contentsOf: bytes)
        while try readRecord() {}
        if consumed > 1 << 20 || consumed == buffer.count {
            buffer.removeFirst(consumed)
            consumed = 0
        }
    }

    private mutating func readRecord() throws(VideoError) -> Bool {
        guard buffer.count > consumed else { return false }
        guard outcome == nil else { throw Self.lie("bytes after the end") }
        guard buffer.count - consumed >= DecoderRecord.headerBytes else { return false }
        let letters = String(decoding: buffer[consumed..<consumed + 4], as: UTF8.self)
        guard let kind = DecoderRecord.Kind(rawValue: letters) else { throw Self.lie("unknown record") }
        let messageBytes = size(at: consumed + 4), pixelBytes = size(at: consumed + 8)
        guard messageBytes <= DecoderRecord.maxMessageBytes else { throw Self.lie("message of \(messageBytes) bytes") }
        guard pixelBytes <= (kind == .frame ? maxPixelBytes : 0) else { throw Self.lie("\(pixelBytes) bytes of pixels") }
        let messageStart = consumed + DecoderRecord.headerBytes
        let pixelStart = messageStart + messageBytes
        guard buffer.count >= pixelStart + pixelBytes else {
            buffer.reserveCapacity(pixelStart + pixelBytes)
            return false
        }
        let message = Data(buffer[messageStart..<pixelStart])
        try accept(kind, message: message, pixels: buffer[pixelStart..<pixelStart + pixelBytes])
        consumed = pixelStart + pixelBytes
        return true
    }

    private mutating func accept(
        _ kind: DecoderRecord.Kind, message: Data, pixels: ArraySlice<UInt8>
    ) throws(VideoError) {
        switch kind {
        case .progress:
            progressCount += 1
            let fraction = try Self.decode(DecoderRecord.Progress.self, from: message).fraction
            guard info == nil, progressCount <= 1_000, (0...1).contains(fraction) else { throw Self.lie("progress") }
            progress = max(progress, fraction)
        case .info:
            let info = try Self.decode(DecoderRecord.Info.self, from: message)
            guard self.info == nil, isPlausible(info) else { throw Self.lie("information") }
            self.info = info
        case .frame:
            frames.append(try frame(Self.decode(DecoderRecord.Frame.self, from: message), pixels: pixels))
        case .done:
            guard let info, frames.count == request.count else { throw Self.lie("\(frames.count) frames at the end") }
            outcome = .success(SampledVideo(info: info.info, frames: frames, warnings: info.warnings))
        case .failure:
            guard info == nil else { throw Self.lie("failure after information") }
            let claim = try Self.decode(VideoError.self, from: message)
            // Only what a decode can find out: a child that was taken over must not stop its worker by a word.
            guard claim.isInputFault || claim.code == .unreadableInput else { throw Self.lie("code \(claim.code.rawValue)") }
            outcome = .failure(claim)
        }
    }

    private func frame(_ claim: DecoderRecord.Frame, pixels: ArraySlice<UInt8>) throws(VideoError) -> SampledFrame {
        guard let info, frames.count < request.count, claim.index == frames.count else { throw Self.lie("frame order") }
        let number = SamplePlan.frameNumber(index: claim.index, count: request.count, frameCount: info.info.frameCount)
        guard claim.frameNumber == number else { throw Self.lie("frame number") }
        let earliest = frames.last?.timestampSeconds ?? 0
        guard claim.timestampSeconds.isFinite, claim.timestampSeconds >= earliest else { throw Self.lie("time stamp") }
        guard claim.inputWidth == request.inputWidth, claim.inputHeight == request.inputHeight,
            isPlausiblePicture(width: claim.pictureWidth, height: claim.pictureHeight)
        else { throw Self.lie("frame size") }
        let inputBytes = claim.inputWidth * claim.inputHeight * 3
        guard pixels.count == inputBytes + claim.pictureWidth * claim.pictureHeight * 3 else { throw Self.lie("pixels") }
        return SampledFrame(
            index: claim.index, frameNumber: number, timestampSeconds: claim.timestampSeconds,
            input: RGBImage(
                width: claim.inputWidth, height: claim.inputHeight, pixels: Array(pixels.prefix(inputBytes))),
            picture: RGBImage(
                width: claim.pictureWidth, height: claim.pictureHeight, pixels: Array(pixels.dropFirst(inputBytes))))
    }

    private func isPlausible(_ claim: DecoderRecord.Info) -> Bool {
        let info = claim.info
        let longest = max(limits.maxWidth, limits.maxHeight)
        return (1...longest).contains(info.width) && (1...longest).contains(info.height)
            && (1...limits.maxFrames).contains(info.frameCount)
            && info.durationSeconds.isFinite && info.durationSeconds >= 0
            && info.averageFrameRate.isFinite && info.averageFrameRate >= 0
            && [0, 90, 180, 270].contains(info.rotationDegrees)
            && info.container.utf8.count <= 32 && info.codec.utf8.count <= 32
            && Set(claim.warnings).count == claim.warnings.count
    }

    private func isPlausiblePicture(width: Int, height: Int) -> Bool {
        guard width > 0, height > 0 else { return false }
        switch request.picture {
        case .fitted(let maxWidth, let maxHeight): return width <= maxWidth && height <= maxHeight
        case .source:
            let longest = max(limits.maxWidth, limits.maxHeight)
            return width <= longest && height <= longest && width * height <= limits.maxPixels
        }
    }

    private var maxPixelBytes: Int {
        let input = request.inputWidth * request.inputHeight
        switch request.picture {
        case .fitted(let maxWidth, let maxHeight): return (input + maxWidth * maxHeight) * 3
        case .source: return (input + limits.maxPixels) * 3
        }
    }

    private func size(at offset: Int) -> Int {
        (0..<4).reduce(0) { $0 | Int(buffer[offset + $1]) << (8 * $1) }
    }

    private static func decode<Message: Decodable>(_ type: Message.Type, from data: Data) throws(VideoError) -> Message {
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
