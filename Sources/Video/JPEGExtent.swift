/// Whether a JPEG file reaches its end marker: libav's decoder paints what is missing grey and says nothing (ITU-T T.81, annex B).
struct JPEGExtent {
    private static let pieceBytes = 1 << 16

    private let source: ClipSource
    private var piece: [UInt8] = []
    private var place = 0
    private var offset: Int64 = 0

    /// Whether the file begins as a JPEG does and ends before its picture.
    static func isCut(_ source: ClipSource) -> Bool {
        guard source.bytes(at: 0, count: 3) == [0xFF, 0xD8, 0xFF] else { return false }
        var extent = JPEGExtent(source)
        return !extent.findEnd()
    }

    private init(_ source: ClipSource) {
        self.source = source
    }

    private mutating func next() -> UInt8? {
        if place == piece.count {
            piece = source.bytes(at: offset, count: Self.pieceBytes)
            offset += Int64(piece.count)
            place = 0
            if piece.isEmpty { return nil }
        }
        defer { place += 1 }
        return piece[place]
    }

    /// Reads up to the end of image; false where the file ends before.
    private mutating func findEnd() -> Bool {
        while let byte = next() {
            // Between segments, in a scan's data and in the zero that is stuffed there, whatever is no marker is passed over.
            guard byte == 0xFF else { continue }
            var following = next()
            while following == 0xFF { following = next() }
            guard let code = following else { return false }
            switch code {
            case 0xD9: return true
            case 0x00, 0x01, 0xD0...0xD8: continue
            default:
                guard let high = next(), let low = next() else { return false }
                for _ in 0..<max(0, Int(high) << 8 + Int(low) - 2) where next() == nil { return false }
            }
        }
        return false
    }
}
