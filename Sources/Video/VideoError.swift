/// What went wrong between a clip and its frames: a stable code, words for the client, and libav's own words for logs.
public struct VideoError: Error, Sendable, Equatable, Codable {
    /// The stable reason; the raw value is what the API, the tables and the tests name.
    public enum Code: String, Sendable, Equatable, Codable, CaseIterable {
        case emptyFile = "empty_file"
        case notAVideo = "not_a_video"
        case audioOnly = "audio_only"
        case pictureOnly = "picture_only"
        case noFrames = "no_frames"
        case emptyRange = "empty_range"
        case truncated = "truncated"
        case damaged = "damaged"
        case unsupportedCodec = "unsupported_codec"
        case unsupportedContainer = "unsupported_container"
        case dimensionsTooLarge = "dimensions_too_large"
        case dimensionsTooSmall = "dimensions_too_small"
        case tooLong = "too_long"
        case decodeTimeout = "decode_timeout"
        case outOfMemory = "out_of_memory"
        case decoderCrashed = "decoder_crashed"
        case decoderKilled = "decoder_killed"
        case decoderProtocolError = "decoder_protocol_error"
        case decoderUnavailable = "decoder_unavailable"
        case systemBusy = "system_busy"
        case cancelled = "cancelled"
        case unreadableInput = "unreadable_input"
        case invalidRequest = "invalid_request"
        case encodingFailed = "encoding_failed"
    }

    /// What a worker does next.
    public enum Disposition: Sendable, Equatable {
        /// The clip is at fault: trying again gives the same answer.
        case refuse
        /// Ours or the machine's fault, and it may pass.
        case retry
        /// Ours, and it will not pass until an operator acts.
        case stop
    }

    /// The stable reason.
    public let code: Code
    /// Specifics fit for a client, such as "16384×16384 pixels"; at most 200 characters.
    public let subject: String?
    /// libav's or the system's words, fit for logs only; at most 4,000 characters.
    public let detail: String

    /// Makes an error; texts are cut to their limits and stripped of control characters, since a clip may have chosen them.
    public init(_ code: Code, subject: String? = nil, detail: String = "") {
        self.code = code
        self.subject = subject.map { Self.printable($0, limit: 200) }
        self.detail = Self.printable(detail, limit: 4_000)
    }

    /// Decodes through the same limits as `init(_:subject:detail:)`: the bytes come from a process that read hostile input.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try container.decode(Code.self, forKey: .code),
            subject: try container.decodeIfPresent(String.self, forKey: .subject),
            detail: try container.decode(String.self, forKey: .detail))
    }

    private enum CodingKeys: String, CodingKey {
        case code, subject, detail
    }

    /// Whether to refuse the clip for good, try again, or stop the process.
    ///
    /// A crash, a time-out or a memory bomb is the clip's doing: the child's limits do not depend on its neighbours. A kill from
    /// outside (the kernel's out-of-memory killer, an operator) is not.
    public var disposition: Disposition {
        switch code {
        case .emptyFile, .notAVideo, .audioOnly, .pictureOnly, .noFrames, .emptyRange, .truncated, .damaged, .unsupportedCodec,
            .unsupportedContainer, .dimensionsTooLarge, .dimensionsTooSmall, .tooLong, .decodeTimeout, .outOfMemory,
            .decoderCrashed:
            .refuse
        case .decoderKilled, .decoderProtocolError, .systemBusy, .cancelled, .unreadableInput, .encodingFailed:
            .retry
        case .decoderUnavailable, .invalidRequest:
            .stop
        }
    }

    /// True when the clip itself is at fault.
    public var isInputFault: Bool { disposition == .refuse }

    func adding(detail more: String) -> VideoError {
        more.isEmpty ? self : VideoError(code, subject: subject, detail: detail.isEmpty ? more : "\(detail); \(more)")
    }

    private static func printable(_ text: String, limit: Int) -> String {
        let scalars = text.unicodeScalars.lazy.map { scalar -> Unicode.Scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: " "
            default: scalar
            }
        }
        var result = String.UnicodeScalarView()
        result.append(contentsOf: scalars.prefix(limit))
        return String(result)
    }
}

extension VideoError: CustomStringConvertible, CustomDebugStringConvertible {
    /// What was wrong with the clip and what to do, in words fit for a client.
    public var description: String {
        guard let subject, !subject.isEmpty else { return "\(explanation) \(advice)" }
        return "\(explanation) (\(subject)) \(advice)"
    }

    /// The code and libav's own words, for logs.
    public var debugDescription: String {
        let specifics = subject.map { " (\($0))" } ?? ""
        return "\(code.rawValue)\(specifics)\(detail.isEmpty ? "" : ": \(detail)")"
    }

    /// What was wrong, without advice.
    package var explanation: String {
        switch code {
        case .emptyFile: "The file is empty."
        case .notAVideo: "The file is not a video."
        case .audioOnly: "The file holds sound but no video."
        case .pictureOnly: "The file is a single picture, not a video."
        case .noFrames: "The video track holds no frames."
        case .emptyRange: "The video has no frame between the times asked for."
        case .truncated: "The file ends before its first frame can be read."
        case .damaged: "The file is too damaged to be decoded."
        case .unsupportedCodec: "The video's codec is not supported."
        case .unsupportedContainer: "The file's container is not supported."
        case .dimensionsTooLarge: "The video's picture is too large."
        case .dimensionsTooSmall: "The video's picture is too small."
        case .tooLong: "The video has too many frames."
        case .decodeTimeout: "Decoding the video took too long and was stopped."
        case .outOfMemory: "Decoding the video needs more memory than is allowed."
        case .decoderCrashed: "The decoder crashed on this file."
        case .decoderKilled: "The decoder was killed from outside."
        case .decoderProtocolError: "The decoder gave an answer that cannot be trusted."
        case .decoderUnavailable: "The decoder could not be started."
        case .systemBusy: "The machine has no room for another decoder."
        case .cancelled: "Decoding was cancelled."
        case .unreadableInput: "The file could not be read."
        case .invalidRequest: "The sampling request is not valid."
        case .encodingFailed: "A picture could not be encoded."
        }
    }

    private var advice: String {
        switch code {
        case .emptyFile, .truncated: "Upload the complete file."
        case .notAVideo, .audioOnly, .pictureOnly, .noFrames: "Send a clip with a video track."
        case .emptyRange: "Ask for times inside the clip."
        case .damaged, .decoderCrashed: "Send the original file, or convert it to H.264 in MP4 first."
        case .unsupportedCodec: "Convert it to H.264 in MP4 first."
        case .unsupportedContainer: "Send MP4, MOV, MKV, WebM, AVI, MPEG, MPEG-TS, GIF, Ogg or motion JPEG."
        case .dimensionsTooLarge: "Scale it down first."
        case .dimensionsTooSmall: "Send a larger picture; faces need more pixels than this."
        case .tooLong: "Send a shorter part of it."
        case .decodeTimeout, .outOfMemory: "Send a shorter or smaller version of it."
        case .decoderKilled, .decoderProtocolError, .systemBusy, .encodingFailed: "Try again; tell the operator if it persists."
        case .decoderUnavailable: "The operator has to install whorl-decoder beside this program."
        case .cancelled: "Start it again if it is still wanted."
        case .unreadableInput: "Check that it is a regular file and may be read."
        case .invalidRequest: "Correct the request."
        }
    }
}
