/// The containers that are read, and what the others are called when they are refused.
enum ContainerKind {
    /// libav's demuxers that may be opened.
    private static let demuxers = ["mov", "matroska", "avi", "mpeg", "mpegts", "gif", "ogg", "mjpeg"]
    /// Those of single pictures, where stills are taken; a JPEG's is `mjpeg`.
    static let stillDemuxers = ["png_pipe", "webp_pipe", "bmp_pipe"]
    /// Decoders that only stills need.
    private static let stillDecoders = ["webp", "bmp"]

    static func demuxers(withStills: Bool) -> [String] { withStills ? demuxers + stillDemuxers : demuxers }
    static func decoders(withStills: Bool) -> [String] { withStills ? decoders + stillDecoders : decoders }

    /// libav's decoders that may be opened.
    private static let decoders = [
        "h264", "hevc", "vp8", "vp9", "libdav1d", "mpeg4", "mpeg2video", "mpeg1video", "mjpeg", "gif", "theora",
        "prores", "h263", "msmpeg4v2", "msmpeg4", "wmv1", "wmv2", "dvvideo", "dnxhd", "ffv1", "huffyuv", "ffvhuff",
        "utvideo", "rawvideo", "png", "svq3", "cinepak",
    ]

    /// Codecs of which each shown packet is one frame with a time of its own, so that frames can be found without decoding: ones whose
    /// decoders keep nothing from before a keyframe.
    static let indexableCodecs: Set<String> = [
        "h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mpeg2video", "mpeg1video", "mjpeg", "prores", "dnxhd", "ffv1", "huffyuv",
        "ffvhuff", "utvideo", "rawvideo", "png", "dvvideo",
    ]
    /// Containers (as `displayName` calls them) without an index, in which places are found by position.
    static let seeksByByte: Set<String> = ["mpegts", "mpeg"]
    /// Containers whose header tells all about the streams.
    static let declaresStreams: Set<String> = ["mp4", "mov", "matroska", "webm"]

    private static let videoContainers: Set<String> = [
        "flv", "asf", "rm", "mxf", "ivf", "h264", "hevc", "m4v", "mpegvideo", "nut", "dv", "obu", "swf", "wtv", "vc1",
        "apng", "h261", "h263", "y4m", "yuv4mpegpipe", "roq", "bink", "smk", "avs2", "avs3", "dirac", "nsv", "gxf", "film_cpk",
        "webm_dash_manifest", "live_flv", "kux", "amv", "fli", "flic", "mlv", "4xm",
    ]
    private static let audioContainers: Set<String> = [
        "mp3", "wav", "flac", "aac", "aiff", "au", "ac3", "eac3", "amr", "amrnb", "amrwb", "caf", "dts", "ape", "wv", "tta",
        "mpc", "mpc8", "w64", "loas", "truehd", "mlp", "voc", "tak", "shn", "dsf", "gsm", "xa", "oma", "spdif", "sbc", "rso",
    ]

    /// Why a file whose demuxer is `name` is refused.
    static func refusal(of name: String) -> VideoError {
        let first = shortName(of: name)
        if name.hasSuffix("_pipe") || first == "image2" || first == "ico" || first == "webp" {
            return VideoError(.pictureOnly, detail: "libav takes it for \(name)")
        }
        if audioContainers.contains(first) { return VideoError(.audioOnly, detail: "libav takes it for \(name)") }
        if videoContainers.contains(first) {
            return VideoError(.unsupportedContainer, subject: first, detail: "libav takes it for \(name)")
        }
        return VideoError(.notAVideo, detail: "libav takes it for \(name)")
    }

    static func shortName(of name: String) -> String {
        String(name.prefix { $0 != "," })
    }

    /// The name that `VideoInfo` gives: the brand decides between mp4 and mov, the DocType between matroska and webm.
    static func displayName(demuxer: String, head: [UInt8]) -> String {
        let name = shortName(of: demuxer)
        switch name {
        case "mov":
            let brand = String(decoding: head.dropFirst(8).prefix(4), as: UTF8.self)
            let hasBrand = head.count >= 12 && head[4...7].elementsEqual("ftyp".utf8)
            return hasBrand && brand != "qt  " ? "mp4" : "mov"
        case "matroska":
            return String(decoding: head.prefix(64), as: UTF8.self).contains("webm") ? "webm" : "matroska"
        default: return stillDemuxers.contains(name) ? String(name.prefix { $0 != "_" }) : name
        }
    }

    /// ISO base media brands of still pictures, which the mov demuxer opens.
    static func isPictureBrand(head: [UInt8]) -> Bool {
        guard head.count >= 12, head[4...7].elementsEqual("ftyp".utf8) else { return false }
        return ["avif", "heic", "heix", "mif1", "heim", "heis"].contains(
            String(decoding: head[8..<12], as: UTF8.self))
    }
}
