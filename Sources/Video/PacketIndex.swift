import CLibav
import JobModel

/// Every packet of a clip's video stream, found by reading the container and decoding nothing.
struct PacketIndex: Sendable {
    /// One packet, in ticks and bytes.
    struct Entry: Sendable {
        var displayTime: Int64
        var decodingTime: Int64
        var position: Int64
        var size: Int32
        /// Decoding can begin here.
        var isKey: Bool
        /// It gives a frame that is shown.
        var isShown: Bool
        /// No other frame needs it, as far as can be told without decoding.
        var isUnreferenced: Bool

        func isSame(as packet: UnsafeMutablePointer<AVPacket>) -> Bool {
            packet.pointee.pts == displayTime && packet.pointee.pos == position && packet.pointee.size == size
        }
    }

    /// In order of decoding.
    private(set) var entries: [Entry] = []
    /// Places in `entries` of the shown packets, in order of display: frame number → packet.
    private(set) var display: [Int32] = []
    /// Places of the keyframes, ascending.
    private var keys: [Int32] = []
    /// Why the frames cannot be told from the packets; nil when they can.
    private(set) var irregularity: String?
    /// Of the last shown frame, in ticks; 0 when unknown.
    private(set) var lastDuration: Int64 = 0
    let secondsPerTick: Double

    /// A packet that is shown earlier than so many before it in order of decoding belongs to another recording.
    private static let longestReordering = 64

    /// Reads all packets, from the reader's first.
    init(_ reader: ClipReader, codec: String, limits: DecoderLimits) throws(VideoError) {
        secondsPerTick = av_q2d(reader.stream.pointee.time_base)
        guard let packet = av_packet_alloc() else { throw VideoError(.outOfMemory, detail: "packet") }
        var owned: UnsafeMutablePointer<AVPacket>? = packet
        defer { av_packet_free(&owned) }
        let references = reader.stream.pointee.codecpar.flatMap { SliceReferences($0) }
        // Packets that show nothing (VP8's hidden frames) may outnumber the frames a little.
        let most = limits.maxFrames + limits.maxFrames / 8
        var last = (time: Int64.min, duration: Int64(0))
        var hasStrangers = false
        // The container's own count is a hint and not believed beyond the bound.
        entries.reserveCapacity(min(max(0, Int(reader.stream.pointee.nb_frames)), most) + 1)
        while try reader.read(into: packet) {
            append(packet, codec: codec, references)
            if packet.pointee.pts >= last.time { last = (packet.pointee.pts, packet.pointee.duration) }
            hasStrangers = hasStrangers || packet.pointee.side_data_elems > 0 && Self.changesStream(packet)
            av_packet_unref(packet)
            if entries.count > most {
                throw VideoError(.tooLong, subject: "at least \(entries.count) frames; at most \(limits.maxFrames)")
            }
        }
        lastDuration = last.duration
        display = entries.indices.filter { entries[$0].isShown }.map(Int32.init)
        display.sort { [entries] in entries[Int($0)].displayTime < entries[Int($1)].displayTime }
        irregularity = hasStrangers ? "the stream changes inside" : irregularity(of: reader, codec: codec)
        if irregularity == nil, display.count > limits.maxFrames {
            throw VideoError(.tooLong, subject: "\(display.count) frames; at most \(limits.maxFrames)")
        }
    }

    /// Frames that are shown.
    var frameCount: Int { display.count }

    /// The packet of a frame.
    func packet(ofFrame number: Int) -> Int { Int(display[number]) }

    /// Seconds from the first frame to frame `number`.
    func seconds(ofFrame number: Int) -> Double {
        let first = entries[packet(ofFrame: 0)].displayTime
        return Double(entries[packet(ofFrame: number)].displayTime - first) * secondsPerTick
    }

    /// The frames between two times, in seconds after the first frame.
    func frames(from start: Double?, to end: Double?) -> Range<Int> {
        let lower = start.map { firstFrame(at: $0) } ?? 0
        let upper = end.map { firstFrame(at: $0) } ?? frameCount
        return lower..<max(lower, upper)
    }

    /// The packet at which decoding has to begin for a frame to come out right: the last keyframe before it that is not shown after it.
    func beginning(ofFrame number: Int) -> Int {
        let target = packet(ofFrame: number)
        let time = entries[target].displayTime
        var low = 0, high = keys.count
        while low < high {
            let middle = (low + high) / 2
            if Int(keys[middle]) <= target { low = middle + 1 } else { high = middle }
        }
        return keys[..<low].last { entries[Int($0)].displayTime <= time }.map(Int.init) ?? 0
    }

    /// Whether frames that are shown before the keyframe at `place` are decoded after it: they lean on the group before.
    func isOpen(at place: Int) -> Bool {
        for follower in entries[(place + 1)...].prefix(Self.longestReordering) {
            if follower.isKey { return false }
            if follower.displayTime < entries[place].displayTime { return true }
        }
        return false
    }

    private func firstFrame(at seconds: Double) -> Int {
        // A frame at 0.32 s is there for whoever asks for 0.32, whatever the last digits say.
        let time = seconds - 1e-6
        var low = 0, high = frameCount
        while low < high {
            let middle = (low + high) / 2
            if self.seconds(ofFrame: middle) < time { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private mutating func append(
        _ packet: UnsafeMutablePointer<AVPacket>, codec: String, _ references: SliceReferences?
    ) {
        let flags = packet.pointee.flags
        var isShown = flags & AV_PKT_FLAG_DISCARD == 0
        // A VP8 packet says in its first byte whether its frame is shown (RFC 6386, section 9.1).
        if codec == "vp8", packet.pointee.size > 0, let data = packet.pointee.data { isShown = isShown && data[0] & 0x10 != 0 }
        if flags & AV_PKT_FLAG_KEY != 0 { keys.append(Int32(entries.count)) }
        entries.append(
            Entry(
                displayTime: packet.pointee.pts, decodingTime: packet.pointee.dts, position: packet.pointee.pos,
                size: packet.pointee.size, isKey: flags & AV_PKT_FLAG_KEY != 0, isShown: isShown,
                isUnreferenced: references?.isUnreferenced(
                    UnsafeBufferPointer(start: packet.pointee.data, count: Int(packet.pointee.size))) ?? false))
    }

    private func irregularity(of reader: ClipReader, codec: String) -> String? {
        guard ContainerKind.indexableCodecs.contains(codec) else { return "\(codec) does not tell frames by packets" }
        guard let first = display.first, let start = entries.first else { return "there is no frame" }
        guard start.isKey, first == 0 else { return "it does not begin with a keyframe" }
        guard entries.allSatisfy({ $0.displayTime != whorl_av_no_timestamp && $0.position >= 0 && $0.size > 0 }) else {
            return "packets lack a time or a place"
        }
        for (earlier, later) in zip(display, display.dropFirst())
        where entries[Int(earlier)].displayTime == entries[Int(later)].displayTime {
            return "two frames share a time"
        }
        for (number, place) in display.enumerated() {
            // As many frames as packets up to here, less those that wait for their turn.
            if abs(Int(place) - number) > Self.longestReordering + (entries.count - display.count) {
                return "times jump"
            }
        }
        if reader.isTruncated { return "the file is cut" }
        if reader.sawErrors { return "the container is damaged" }
        let order = reader.stream.pointee.codecpar.pointee.field_order
        let isInterlaced = order != AV_FIELD_UNKNOWN && order != AV_FIELD_PROGRESSIVE
        // A broadcast's packet may be one field of a frame.
        if isInterlaced, codec == "h264", ContainerKind.seeksByByte.contains(reader.containerName) { return "packets may be fields" }
        return nil
    }

    private static func changesStream(_ packet: UnsafeMutablePointer<AVPacket>) -> Bool {
        for kind in [AV_PKT_DATA_NEW_EXTRADATA, AV_PKT_DATA_PARAM_CHANGE] {
            var size = 0
            if av_packet_get_side_data(packet, kind, &size) != nil { return true }
        }
        return false
    }
}
