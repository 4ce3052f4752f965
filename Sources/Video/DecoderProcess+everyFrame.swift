import JobModel

extension DecoderProcess {
    /// Most bytes of pictures that are held at once while a clip goes by.
    private static let heldBytes = 128 << 20

    /// Calls `body` with every frame of a clip in the order of display, from the first to the last or the `limit`-th, and gives what the clip is.
    ///
    /// Decoded in pieces, each in a child of its own as everywhere, so that a clip of any length takes the memory of a few dozen pictures. `picture`
    /// is the size that `body` gets. `body` runs where the caller does and may take its time; what it throws ends the run. Throws as `sample` does,
    /// and `damaged` where pieces do not fit together.
    public func everyFrame(
        path: String, picture: SamplingRequest.PictureSize, limit: Int = .max, isolation: isolated (any Actor)? = #isolation,
        _ body: (SampledFrame<RGBImage>) throws(VideoError) -> Void
    ) async throws(VideoError) -> VideoInfo {
        var next = 0
        var start = 0.0
        // Short at first: neither the rate nor the picture's size is known.
        var seconds = 0.1
        while true {
            guard let piece = try await piece(path: path, picture: picture, start: start, end: start + seconds) else {
                // Nothing is shown in this time; after the first piece the clip's length is known.
                start += seconds
                seconds = min(2 * seconds, 60)
                if start > Sampling.longestSeconds - seconds { throw VideoError(.damaged, detail: "\(next) frames and no end") }
                continue
            }
            let numbers = piece.frames.map(\.frameNumber)
            let isWhole = zip(numbers, numbers.dropFirst()).allSatisfy { $1 - $0 <= 1 }
            if !isWhole, seconds > 1e-3 {
                seconds /= 2
                continue
            }
            guard isWhole, numbers.first == next else {
                throw VideoError(.damaged, detail: "frame \(next) was looked for from \(start) s on and \(numbers.first ?? -1) found")
            }
            for frame in piece.frames where frame.frameNumber >= next {
                guard next < limit else { return piece.info }
                try body(frame)
                next = frame.frameNumber + 1
            }
            if next >= min(piece.info.frameCount, limit) { return piece.info }
            start += seconds
            seconds = Self.seconds(of: piece)
        }
    }

    /// The frames of a span of time, as many as there are up to the most that a sampling has; nil when there are none.
    private func piece(
        path: String, picture: SamplingRequest.PictureSize, start: Double, end: Double
    ) async throws(VideoError) -> SampledVideo<RGBImage>? {
        let sampling: Sampling
        do throws(SamplingError) {
            sampling = try Sampling(
                checking: .exact, count: Sampling.countRange.upperBound, startSeconds: start > 0 ? start : nil, endSeconds: end)
        } catch {
            throw VideoError(.tooLong, subject: "\(error)")
        }
        do throws(VideoError) {
            var video = try await sample(path: path, request: SamplingRequest(sampling: sampling, pictures: [picture])) { $0.pictures[0].copied() }
            // A short piece repeats its frames to make up the count.
            var last = -1
            video.frames = video.frames.filter { frame in
                defer { last = frame.frameNumber }
                return frame.frameNumber != last
            }
            return video
        } catch where error.code == .emptyRange && start > 0 {
            return nil
        }
    }

    /// How long the next piece may be: three quarters of what a sampling or the memory holds, since frames do not come evenly.
    private static func seconds(of piece: SampledVideo<RGBImage>) -> Double {
        let bytes = piece.frames.first.map(\.kept.pixels.count) ?? heldBytes
        let frames = Double(min(Sampling.countRange.upperBound, max(4, heldBytes / max(1, bytes)))) * 0.75
        return frames / max(piece.info.averageFrameRate, 0.1)
    }
}
