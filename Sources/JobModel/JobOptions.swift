import FoundationEssentials

/// What a client may ask of a job beside its bytes.
public struct JobOptions: Hashable, Sendable, Codable {
    /// What encoded a clip's frames again on their way here.
    public enum Reencoder: String, Sendable, Codable, CaseIterable {
        /// A page's canvas, from the playing video.
        case canvas
        /// A picture of the screen.
        case screen
    }

    /// As many frames as may be given times.
    public static let maximumFrameTimes = 1024

    public var sampling: Sampling
    /// When each of the clip's frames was shown, in seconds, rising: for clips whose file does not tell. nil: as the file says.
    public var frameTimesSeconds: [Double]?
    /// nil for a clip as it was published.
    public var reencodedBy: Reencoder?

    public init(sampling: Sampling = Sampling(), frameTimesSeconds: [Double]? = nil, reencodedBy: Reencoder? = nil) {
        self.sampling = sampling
        self.frameTimesSeconds = frameTimesSeconds
        self.reencodedBy = reencodedBy
    }

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case sampling, frameTimesSeconds, reencodedBy
    }

    /// Takes what it knows: options that a newer gateway stored do not break an older reader.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        sampling = try container.decodeIfPresent(Sampling.self, forKey: .sampling) ?? Sampling()
        frameTimesSeconds = try container.decodeIfPresent([Double].self, forKey: .frameTimesSeconds)
        reencodedBy = try container.decodeIfPresent(String.self, forKey: .reencodedBy).flatMap(Reencoder.init(rawValue:))
    }

    /// Reads options as a client sent them; an unknown one is refused.
    public static func strictly(from json: Data) throws -> JobOptions {
        try WhorlJSON.decoder().decode(Strict.self, from: json).options
    }

    /// Options as a client sent them.
    public struct Strict: Hashable, Sendable, Decodable {
        public let options: JobOptions

        private struct StrictSampling: Decodable {
            private struct StrictWindows: Decodable {
                init(from decoder: any Decoder) throws {
                    try WhorlJSON.refuseStrangers(in: decoder, known: ["count", "frames"])
                }
            }

            private enum Part: String, CodingKey, CaseIterable {
                case mode, count, startSeconds, endSeconds, windows
            }

            init(from decoder: any Decoder) throws {
                try WhorlJSON.refuseStrangers(in: decoder, known: Part.allCases.map(\.rawValue))
                _ = try decoder.container(keyedBy: Part.self).decodeIfPresent(StrictWindows.self, forKey: .windows)
            }
        }

        /// - Throws: `DecodingError` for an unknown one.
        public init(from decoder: any Decoder) throws {
            try WhorlJSON.refuseStrangers(in: decoder, known: CodingKeys.allCases.map(\.rawValue))
            let container = try decoder.container(keyedBy: CodingKeys.self)
            _ = try container.decodeIfPresent(StrictSampling.self, forKey: .sampling)
            _ = try container.decodeIfPresent(Reencoder.self, forKey: .reencodedBy)
            options = try JobOptions(from: decoder)
            if let complaint = Self.complaint(about: options) {
                throw DecodingError.dataCorruptedError(forKey: .frameTimesSeconds, in: container, debugDescription: complaint)
            }
        }

        private static func complaint(about options: JobOptions) -> String? {
            guard let times = options.frameTimesSeconds else { return nil }
            guard (1...JobOptions.maximumFrameTimes).contains(times.count) else {
                return "frameTimesSeconds has \(times.count) times; it must have 1 to \(JobOptions.maximumFrameTimes), one for each frame"
            }
            guard times.allSatisfy({ (0...Sampling.longestSeconds).contains($0) }) else {
                return "frameTimesSeconds must lie between 0 and \(Int(Sampling.longestSeconds))"
            }
            guard zip(times, times.dropFirst()).allSatisfy(<) else { return "frameTimesSeconds must rise from frame to frame" }
            guard options.sampling.startSeconds == nil, options.sampling.endSeconds == nil else {
                return "frameTimesSeconds cannot go with startSeconds or endSeconds; leave out the frames that are not to count"
            }
            return nil
        }
    }
}
