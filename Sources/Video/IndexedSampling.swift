import CLibav
import JobModel
import Synchronization

/// Samples a clip whose packets tell its frames: decodes from the keyframe before each group of wanted frames, leaves out frames that none
/// refers to, stops after the last wanted one, and decodes groups side by side.
///
/// What comes out is held against the index all the way; whatever does not agree (a frame that does not come or is out of order, damage, another
/// size) means that this clip has to be decoded in sequence.
final class IndexedSampling: Sendable {
    private let file: ClipFile
    private let request: SamplingRequest
    private let limits: DecoderLimits
    private let deadline: Deadline
    private let index: PacketIndex
    private let parameters: StreamParameters
    private let outlet: FrameOutlet

    private struct State {
        var units: [DecodePlan.Unit] = []
        var geometry: DisplayGeometry?
        var disagrees = false
        var error: VideoError?
    }

    private let state = Mutex(State())

    init(
        file: ClipFile, request: SamplingRequest, limits: DecoderLimits, deadline: Deadline, index: PacketIndex,
        parameters: StreamParameters, outlet: FrameOutlet
    ) {
        self.file = file
        self.request = request
        self.limits = limits
        self.deadline = deadline
        self.index = index
        self.parameters = parameters
        self.outlet = outlet
    }

    /// Delivers the frames, the first decoder reading through `reader`; nil when the clip is not what its index says, and what was delivered is
    /// void.
    func run(_ reader: ClipReader) throws(VideoError) -> DecoderRecord.Done? {
        let range = index.frames(from: request.sampling.startSeconds, to: request.sampling.endSeconds)
        guard !range.isEmpty else { throw emptyRange }
        if index.frameCount == 1, reader.containerName == "mjpeg" { return nil }
        let numbers = request.sampling.mode == .exact
            ? SamplePlan.frameNumbers(request.sampling, in: range) : index.cheapFrames(request.sampling, in: range)
        let plan = DecodePlan(numbers, of: index)
        let decoders = plan.decoders(threads: limits.threads)
        outlet.expect(steps: plan.packetCount)
        // The first is taken last.
        state.withLock { $0.units = plan.units.reversed() }
        let errorsBefore = LibavLog.decodeErrorCount
        let first = FirstReader(reader)
        let known = ClipSummary(
            streamIndex: Int(reader.stream.pointee.index), codec: reader.stream.pointee.codecpar.pointee.codec_id)
        let threads = decoders == 1 ? limits.threads : 1
        ParallelThreads.run(decoders) { worker in
            do throws(VideoError) {
                let own = worker == 0
                    ? first.reader : try ClipReader(self.file, limits: self.limits, deadline: self.deadline, known: known)
                try self.decodeUnits(from: own, startsAtEnd: worker == 0, threads: threads)
            } catch {
                self.state.withLock { $0.error = $0.error ?? error }
            }
        }
        let (error, disagrees, geometry) = state.withLock { ($0.error, $0.disagrees, $0.geometry) }
        // Running out of time or memory is no question of the index.
        if let error, [.decodeTimeout, .outOfMemory, .cancelled, .unreadableInput].contains(error.code) { throw error }
        guard error == nil, !disagrees, LibavLog.decodeErrorCount == errorsBefore, let geometry else { return nil }
        return done(reader, geometry: geometry, range: range, numbers: numbers, packetsDecoded: plan.packetCount)
    }

    private func done(
        _ reader: ClipReader, geometry: DisplayGeometry, range: Range<Int>, numbers: [Int], packetsDecoded: Int
    ) -> DecoderRecord.Done {
        let rate = reader.claimedRate
        let clock = FrameClock(secondsPerTick: index.secondsPerTick, framesPerSecond: rate)
        let facts = ClipFacts(
            geometry: geometry, frameCount: index.frameCount, lastSeconds: index.seconds(ofFrame: index.frameCount - 1),
            lastDuration: Double(index.lastDuration) * index.secondsPerTick, secondsPerFrame: clock.secondsPerFrame)
        return DecoderRecord.Done(
            info: facts.info(container: reader.containerName, codec: parameters.codecName),
            warnings: range.count < request.sampling.count ? [.shortClip] : [], firstFrame: range.lowerBound,
            endFrame: range.upperBound, frameNumbers: numbers,
            decoding: DecodingReport(
                packetCount: index.entries.count, packetsDecoded: packetsDecoded, sequentialBecause: nil))
    }

    private var emptyRange: VideoError {
        let end = index.seconds(ofFrame: index.frameCount - 1)
        return VideoError(.emptyRange, subject: "the last frame is at \(end) s")
    }

    /// Decodes units until none is left.
    private func decodeUnits(from reader: ClipReader, startsAtEnd: Bool, threads: Int) throws(VideoError) {
        let decoder = try FrameDecoder(reader, parameters: parameters, threads: threads, limits: limits)
        let delivery = FrameDelivery(request, outlet: outlet)
        let packets = IndexedPackets(reader, index: index, startsAtEnd: startsAtEnd)
        while let unit = state.withLock({ $0.disagrees || $0.error != nil ? nil : $0.units.popLast() }) {
            guard try packets.move(to: unit.firstPacket),
                try decode(unit, packets: packets, decoder: decoder, delivery: delivery)
            else {
                state.withLock { $0.disagrees = true }
                return
            }
            decoder.flush()
        }
    }

    /// Whether the frames came as the index says.
    private func decode(
        _ unit: DecodePlan.Unit, packets: IndexedPackets, decoder: FrameDecoder, delivery: FrameDelivery
    ) throws(VideoError) -> Bool {
        var missing = unit.targets
        let beginning = index.entries[unit.firstPacket].displayTime
        var lastTime = Int64.min
        func receiveAll() throws(VideoError) -> Bool {
            while let frame = try decoder.receive() {
                let time = frame.pointee.pts
                guard time != whorl_av_no_timestamp, time > lastTime else { return false }
                lastTime = time
                // Frames shown before the keyframe but decoded after it lean on an earlier group: nobody wants them here.
                if time < beginning { continue }
                guard !FrameDecoder.isDamaged(frame) else { return false }
                guard let target = missing.removeValue(forKey: time) else { continue }
                guard try deliver(target, frame, reader: packets.reader, by: delivery) else { return false }
                if missing.isEmpty { return true }
            }
            return true
        }
        // A decoder that begins at a recovery point gives up its last frames only when more follow.
        let end = index.isOpen(at: unit.firstPacket) ? index.entries.count - 1 : unit.lastPacket
        for place in unit.firstPacket...end where !missing.isEmpty {
            guard let packet = try packets.next() else { return false }
            let isWanted = unit.targets[index.entries[place].displayTime]?.packet == place
            if isWanted || !index.entries[place].isUnreferenced { try decoder.send(packet, skipsUnreferenced: !isWanted) }
            packets.release()
            if place <= unit.lastPacket { try outlet.step() }
            guard try receiveAll() else { return false }
        }
        if !missing.isEmpty {
            // What the decoder still holds back comes without more packets.
            try decoder.send(nil)
            guard try receiveAll() else { return false }
        }
        return missing.isEmpty && decoder.errorCount == 0
    }

    /// False when the frame's shape is not the other frames'.
    private func deliver(
        _ target: DecodePlan.Target, _ frame: UnsafeMutablePointer<AVFrame>, reader: ClipReader, by delivery: FrameDelivery
    ) throws(VideoError) -> Bool {
        let geometry = DisplayGeometry(frame: frame, reader: reader)
        let isSame = state.withLock { state in
            state.geometry = state.geometry ?? geometry
            return state.geometry == geometry
        }
        guard isSame else { return false }
        try delivery.deliver(
            frame, geometry: geometry, sample: target.sample, number: target.number, seconds: index.seconds(ofFrame: target.number))
        return true
    }
}

/// Hands the reader that made the index to the first decoder.
///
/// `@unchecked Sendable`: only that decoder's thread, which is the one that made it, touches it.
private struct FirstReader: @unchecked Sendable {
    let reader: ClipReader

    init(_ reader: ClipReader) {
        self.reader = reader
    }
}

/// A clip's packets by their places in its index.
final class IndexedPackets {
    let reader: ClipReader
    private let index: PacketIndex
    private let packet: UnsafeMutablePointer<AVPacket>?
    /// The place of the packet that the reader gives next; nil after its last.
    private var place: Int?
    /// The packet at `place` was read already, on the way there.
    private var isHeld = false

    /// A container without a usable index may need so many packets from where a jump led to where it should have.
    private static let longestWalk = 512

    init(_ reader: ClipReader, index: PacketIndex, startsAtEnd: Bool) {
        self.reader = reader
        self.index = index
        packet = av_packet_alloc()
        place = startsAtEnd ? nil : 0
    }

    deinit {
        var packet = packet
        av_packet_free(&packet)
    }

    /// Makes the packet at `target` the next one; false when it cannot be found.
    func move(to target: Int) throws(VideoError) -> Bool {
        guard let packet else { throw VideoError(.outOfMemory, detail: "packet") }
        if place == target { return true }
        release()
        isHeld = false
        if try jump(to: target, packet) { return true }
        try reader.rewind()
        for place in 0...target {
            guard try reader.read(into: packet), index.entries[place].isSame(as: packet) else { return false }
            if place < target { av_packet_unref(packet) }
        }
        place = target
        isHeld = true
        return true
    }

    /// The next packet; nil when it is not the one that the index names. Valid until `release`.
    func next() throws(VideoError) -> UnsafeMutablePointer<AVPacket>? {
        guard let packet, let place, index.entries.indices.contains(place) else { return nil }
        if !isHeld {
            guard try reader.read(into: packet) else { return nil }
        }
        isHeld = false
        self.place = place + 1
        return index.entries[place].isSame(as: packet) ? packet : nil
    }

    /// Lets go of the last packet's bytes.
    func release() {
        if let packet { av_packet_unref(packet) }
    }

    private func jump(to target: Int, _ packet: UnsafeMutablePointer<AVPacket>) throws(VideoError) -> Bool {
        let entry = index.entries[target]
        guard reader.jump(to: entry) else { return false }
        place = nil
        for _ in 0..<Self.longestWalk {
            guard try reader.read(into: packet) else { return false }
            if entry.isSame(as: packet) {
                place = target
                isHeld = true
                return true
            }
            let isBeyond = packet.pointee.pos > entry.position
            av_packet_unref(packet)
            if isBeyond { return false }
        }
        return false
    }
}
