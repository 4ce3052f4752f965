/// What a client should know about a clip that could be sampled all the same.
public enum VideoWarning: String, Sendable, Equatable, Codable, CaseIterable {
    /// Fewer decoded frames than were asked for: some are repeated.
    case shortClip = "short_clip"
    /// Some packets or frames were damaged; what decoded was used.
    case damagedFrames = "damaged_frames"
    /// The file ends before its container says it does.
    case truncatedTail = "truncated_tail"
    /// The picture's size changes inside the clip; `VideoInfo` gives the first size.
    case sizeChanged = "size_changed"
    /// Most frames have no time stamp and were timed by the average rate.
    case missingTimestamps = "missing_timestamps"
}
