/// Turns presentation time stamps into seconds after the first frame that never run backwards.
struct FrameClock {
    /// Seconds of one tick of the stream's time base.
    let secondsPerTick: Double
    /// Seconds of one frame at the average rate, for frames without a time stamp.
    let secondsPerFrame: Double
    /// How many frames had no time stamp.
    private(set) var missingCount = 0
    private var origin: Double?
    private var last: Double?

    init(secondsPerTick: Double, framesPerSecond: Double) {
        self.secondsPerTick = secondsPerTick
        let isPlausible = framesPerSecond.isFinite && framesPerSecond > 0.000_1 && framesPerSecond <= 100_000
        secondsPerFrame = isPlausible ? 1 / framesPerSecond : 1.0 / 25
    }

    /// The time of the last frame seen; 0 before the first.
    var lastSeconds: Double { last ?? 0 }

    /// The next frame's time in seconds; `ticks` is nil when it has no time stamp.
    mutating func next(ticks: Int64?) -> Double {
        let expected = last.map { $0 + secondsPerFrame } ?? 0
        var seconds = expected
        if let ticks {
            let absolute = Double(ticks) * secondsPerTick
            // The first time stamp that is there fixes the origin, even when frames without one came before it.
            var zero = origin ?? absolute - expected
            // A long jump back is a new recording behind the first, not jitter: it goes on where that one ended.
            if let last, absolute - zero < last - max(1, 10 * secondsPerFrame) { zero = absolute - expected }
            origin = zero
            seconds = max(last ?? 0, absolute - zero)
        } else {
            missingCount += 1
        }
        last = seconds
        return seconds
    }
}
