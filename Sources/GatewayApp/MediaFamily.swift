/// What a clip's first bytes show it to be, as far as they tell: enough to notice a clip that is not of its declared type.
public enum MediaFamily: String, Hashable, Sendable, CaseIterable {
    case mp4, matroska, avi, mpegTransport, mpegProgram, ogg, mxf, gif, jpeg

    /// In words for a client.
    public var name: String {
        switch self {
        case .mp4: "MP4 or QuickTime"
        case .matroska: "Matroska or WebM"
        case .avi: "AVI"
        case .mpegTransport: "an MPEG transport stream"
        case .mpegProgram: "an MPEG program stream"
        case .ogg: "Ogg"
        case .mxf: "MXF"
        case .gif: "GIF"
        case .jpeg: "JPEG"
        }
    }

    /// So many bytes are looked at.
    public static let prefixBytes = 400

    /// The family of a clip that begins like this; nil for what is not known, which the decoder will tell.
    public init?(prefix: [UInt8]) {
        func has(_ bytes: [UInt8], at offset: Int = 0) -> Bool {
            prefix.count >= offset + bytes.count && prefix[offset..<offset + bytes.count].elementsEqual(bytes)
        }
        func says(_ text: String, at offset: Int = 0) -> Bool { has(Array(text.utf8), at: offset) }
        if ["ftyp", "moov", "mdat", "wide", "free", "skip", "pnot"].contains(where: { says($0, at: 4) }) {
            self = .mp4
        } else if has([0x1A, 0x45, 0xDF, 0xA3]) {
            self = .matroska
        } else if says("RIFF"), says("AVI ", at: 8) {
            self = .avi
        } else if has([0x47]), has([0x47], at: 188), prefix.count < 377 || has([0x47], at: 376) {
            self = .mpegTransport
        } else if has([0, 0, 1, 0xBA]) {
            self = .mpegProgram
        } else if says("OggS") {
            self = .ogg
        } else if has([0x06, 0x0E, 0x2B, 0x34, 0x02, 0x05, 0x01, 0x01]) {
            self = .mxf
        } else if says("GIF87a") || says("GIF89a") {
            self = .gif
        } else if has([0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else {
            return nil
        }
    }

    /// The families that a media type names; nil where it names none in particular.
    public static func named(by mediaType: String) -> Set<MediaFamily>? {
        switch mediaType {
        case "video/mp4", "application/mp4", "video/quicktime", "video/x-m4v", "video/3gpp", "video/3gpp2": [.mp4]
        case "video/webm", "video/x-matroska", "video/matroska", "application/x-matroska": [.matroska]
        case "video/x-msvideo", "video/avi", "video/vnd.avi", "video/msvideo": [.avi]
        case "video/mp2t": [.mpegTransport]
        case "video/mpeg", "video/mp2p": [.mpegProgram, .mpegTransport]
        case "video/ogg", "application/ogg": [.ogg]
        case "application/mxf": [.mxf]
        case "image/gif": [.gif]
        default: nil
        }
    }
}
