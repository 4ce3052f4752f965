import CLibav

/// Which pictures of an H.264 stream no other refers to, told from the packets alone (ITU-T H.264, 7.4.1: nal_ref_idc).
///
/// Their packets need not even be given to a decoder, which with threads of its own would wait for its turn with each.
struct SliceReferences {
    /// Bytes of a unit's length; nil for a stream with start codes.
    private let lengthBytes: Int?

    /// nil for other codecs.
    init?(_ parameters: UnsafeMutablePointer<AVCodecParameters>) {
        guard parameters.pointee.codec_id == AV_CODEC_ID_H264 else { return nil }
        let isConfigured = parameters.pointee.extradata_size > 4 && parameters.pointee.extradata?[0] == 1
        // An AVCDecoderConfigurationRecord (ISO/IEC 14496-15) says it in its fifth byte.
        lengthBytes = isConfigured ? parameters.pointee.extradata.map { Int($0[4] & 3) + 1 } : nil
    }

    /// Whether every slice of the packet says that nothing refers to it; false when there is none or the packet is nonsense.
    func isUnreferenced(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var slices = 0
        var place = 0
        while let unit = nextUnit(bytes, &place) {
            let type = bytes[unit] & 0x1F
            guard type == 1 || type == 2 || type == 5 else { continue }
            if bytes[unit] & 0x60 != 0 { return false }
            slices += 1
        }
        return slices > 0 && place == bytes.count
    }

    /// Where the next unit's first byte is, and moves on; nil at the end, `place` being the end then only if all was well.
    private func nextUnit(_ bytes: UnsafeBufferPointer<UInt8>, _ place: inout Int) -> Int? {
        guard let lengthBytes else { return nextStartCode(bytes, &place) }
        guard bytes.count - place > lengthBytes else { return nil }
        let length = bytes[place..<place + lengthBytes].reduce(0) { $0 << 8 | Int($1) }
        let start = place + lengthBytes
        guard length > 0, length <= bytes.count - start else { return nil }
        place = start + length
        return start
    }

    private func nextStartCode(_ bytes: UnsafeBufferPointer<UInt8>, _ place: inout Int) -> Int? {
        while place + 3 < bytes.count {
            if bytes[place] == 0, bytes[place + 1] == 0, bytes[place + 2] == 1 {
                place += 3
                return place
            }
            place += 1
        }
        place = bytes.count
        return nil
    }
}
