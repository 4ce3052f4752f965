import CLibav
import Glibc
import Synchronization

/// The last lines that libav wrote at warning level or above, kept for `VideoError.detail`.
///
/// libav's log callback belongs to the process, so only the decoder child installs it.
package enum LibavLog {
    private static let lines = Mutex<[String]>([])
    private static let refusedSize = Mutex<String?>(nil)
    private static let demuxErrors = Atomic<Int>(0)
    private static let decodeErrors = Atomic<Int>(0)
    private static let maxLines = 12

    /// Sends libav's messages here instead of to standard error.
    package static func install() {
        av_log_set_level(AV_LOG_WARNING)
        av_log_set_callback { object, level, format, arguments in
            guard level <= AV_LOG_WARNING, let format, let arguments else { return }
            var text = [CChar](repeating: 0, count: 300)
            vsnprintf(&text, text.count, format, arguments)
            let bytes = text.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }
            guard !bytes.isEmpty else { return }
            let line = String(decoding: bytes, as: UTF8.self)
            LibavLog.append(line)
            // A group of pictures without an IDR gives up references that a decoder which begins there never had.
            if level <= AV_LOG_ERROR, !line.hasPrefix("mmco: unref short failure") { LibavLog.count(object) }
        }
    }

    /// The lines so far, joined.
    package static var text: String {
        lines.withLock { $0.joined(separator: " | ") }
    }

    /// The size of a picture that `max_pixels` refused, such as "16384x16384": libav reports it in words only.
    static var refusedPictureSize: String? {
        refusedSize.withLock { $0 }
    }

    /// How many errors demuxers have reported: some skip damaged parts of a file and say so in words only.
    static var demuxErrorCount: Int { demuxErrors.load(ordering: .relaxed) }

    /// How many errors open decoders have reported: some conceal a damaged picture and say so in words only.
    static var decodeErrorCount: Int { decodeErrors.load(ordering: .relaxed) }

    /// Counts an error where it belongs: the first member of the object that logs points to the class that tells what it is.
    private static func count(_ object: UnsafeMutableRawPointer?) {
        guard let object, let type = object.assumingMemoryBound(to: UnsafePointer<AVClass>?.self).pointee,
            let name = type.pointee.class_name
        else { return }
        switch String(cString: name) {
        case "AVFormatContext": demuxErrors.add(1, ordering: .relaxed)
        // A demuxer's parsers complain through a context that has no codec.
        case "AVCodecContext" where object.assumingMemoryBound(to: AVCodecContext.self).pointee.codec != nil:
            decodeErrors.add(1, ordering: .relaxed)
        default: break
        }
    }

    private static func append(_ line: String) {
        if line.contains("exceeds specified max pixel count") || line.hasSuffix("is invalid") {
            let size = line.split(separator: " ").first { $0.contains("x") && $0.first?.isNumber == true }
            if let size { refusedSize.withLock { $0 = $0 ?? String(size) } }
        }
        lines.withLock { lines in
            if lines.last == line { return }
            lines.append(line)
            if lines.count > maxLines { lines.removeFirst() }
        }
    }
}

extension VideoError {
    /// Turns a negative libav result into the reason that it stands for; `otherwise` when the number alone does not tell. EIO
    /// does not: demuxers return it for nonsense in a file too, so `ClipSource` remembers real failures itself.
    init(libav result: Int32, during action: String, otherwise: Code) {
        var text = [CChar](repeating: 0, count: 128)
        av_strerror(result, &text, text.count)
        let words = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let code: Code
        switch result {
        case whorl_averror_no_memory: code = .outOfMemory
        case whorl_averror_exit: code = .decodeTimeout
        case whorl_averror_decoder_not_found: code = .unsupportedCodec
        default: code = otherwise
        }
        let log = LibavLog.text
        self.init(code, detail: "\(action): \(words) (\(result))\(log.isEmpty ? "" : "; log: \(log)")")
    }
}
