/// What a file's outermost boxes say about its length, read without libav: how a cut file is told from a damaged one.
struct DeclaredLength {
    /// Where the outermost box, chunk or element ends; nil when the container does not say.
    var end: Int64?
    /// Whether a whole ISO `moov` or `moof` box lies inside the file.
    var hasIndex = false

    /// Reads the outermost structure of an ISO base media, RIFF or EBML file.
    init(of source: ClipSource) {
        let head = source.bytes(at: 0, count: 4)
        if head.elementsEqual("RIFF".utf8) {
            let size = source.bytes(at: 4, count: 4)
            if size.count == 4 { end = 8 + Int64(Self.bigEndian(size.reversed())) }
        } else if source.acceptsStills, JPEGExtent.isCut(source) {
            end = .max
        } else if head == [0x1A, 0x45, 0xDF, 0xA3] {
            readMatroska(source)
        } else {
            readBoxes(source)
        }
    }

    /// Whether the file ends before its container says so.
    func isCut(size: Int64) -> Bool {
        end.map { $0 > size } ?? false
    }

    private mutating func readBoxes(_ source: ClipSource) {
        var offset: Int64 = 0
        var boxes = 0
        while offset < source.size, boxes < 10_000 {
            let header = source.bytes(at: offset, count: 16)
            guard header.count >= 8, header[4..<8].allSatisfy({ (32...126).contains($0) }) else { return }
            var size = Int64(Self.bigEndian(header[0..<4]))
            if size == 1 {
                guard header.count == 16, header[8] < 0x40 else { return }
                size = Int64(Self.bigEndian(header[8..<16]))
            } else if size == 0 {
                size = source.size - offset
            }
            guard size >= 8 else { return }
            let (next, overflow) = offset.addingReportingOverflow(size)
            guard !overflow else { return }
            let kind = header[4..<8]
            if next <= source.size, kind.elementsEqual("moov".utf8) || kind.elementsEqual("moof".utf8) { hasIndex = true }
            offset = next
            boxes += 1
            end = next
        }
    }

    private mutating func readMatroska(_ source: ClipSource) {
        guard let (headerSize, headerStart) = Self.elementSize(source.bytes(at: 4, count: 8), at: 4) else { return }
        let segment = headerStart + min(headerSize, 1 << 20)
        guard source.bytes(at: segment, count: 4) == [0x18, 0x53, 0x80, 0x67] else { return }
        guard let (size, start) = Self.elementSize(source.bytes(at: segment + 4, count: 8), at: segment + 4) else { return }
        end = start + size
    }

    /// An EBML variable-length size and where its data starts; nil when it is unknown or cut.
    private static func elementSize(_ bytes: [UInt8], at offset: Int64) -> (size: Int64, dataStart: Int64)? {
        guard let first = bytes.first, first != 0 else { return nil }
        let length = first.leadingZeroBitCount + 1
        guard bytes.count >= length else { return nil }
        let value = bytes[1..<length].reduce(UInt64(first) & (0xFF >> UInt64(length))) { $0 << 8 | UInt64($1) }
        let unknown = (UInt64(1) << UInt64(7 * length)) - 1
        guard value != unknown, value < 1 << 60 else { return nil }
        return (Int64(value), offset + Int64(length))
    }

    private static func bigEndian(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }
}
