import JobModel
import Video

extension SampledVideo {
    /// Gives every frame the time that its sender noted, in the place of its file's.
    ///
    /// - Parameter times: in seconds, rising, one for each of the clip's frames.
    /// - Throws: `frame_times_mismatch` when the clip has more frames or fewer.
    mutating func setTimes(_ times: [Double]) throws(JobFailure) {
        guard times.count == info.frameCount else {
            throw JobFailure(
                code: "frame_times_mismatch",
                message: "The clip has \(info.frameCount) frames, and frameTimesSeconds \(times.count) times; send one for each frame.",
                disposition: .refuse)
        }
        for place in frames.indices { frames[place].timestampSeconds = times[frames[place].frameNumber] }
        info.durationSeconds = (times.last ?? 0) - (times.first ?? 0)
        warnings.removeAll { $0 == .missingTimestamps }
    }
}
