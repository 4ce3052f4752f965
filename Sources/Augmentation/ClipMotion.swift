import NeuralCore

/// What changes from frame to frame of a clip, drawn for all of its frames.
struct ClipMotion: Sendable {
    /// What one frame does by itself.
    struct Step: Sendable {
        /// The frame whose picture is shown, real and fake alike.
        var shown: Int
        /// Of the crop, in parts of a face, alike.
        var shake = SIMD2<Double>.zero
        /// Brightness as a factor, alike.
        var flicker = 1.0
        /// The frame that the fake's face is taken from.
        var inner: Int
        /// Of the fake's face, in parts of a face, and its growth.
        var tremble = SIMD2<Double>.zero
        var growth = 1.0
        /// Of the fake's face, levels of 255.
        var color = SIMD3<Double>.zero
        /// Of the mask's strength.
        var ratio = 1.0

        /// A frame that changes nothing.
        init(_ frame: Int) {
            shown = frame
            inner = frame
        }
    }

    private(set) var steps: [Step]

    init(_ settings: BlendSettings.Clip, frames count: Int, random: inout SeededRandom) {
        steps = (0..<count).map(Step.init)
        let isHeld = random.chance(settings.holdChance), isShaken = random.chance(settings.shakeChance)
        let isFlickering = random.chance(settings.flickerChance), isInnerHeld = random.chance(settings.innerHoldChance)
        let isTrembling = random.chance(settings.trembleChance), isColored = random.chance(settings.colorFlickerChance)
        let isFading = random.chance(settings.ratioFlickerChance)
        func pair() -> SIMD2<Double> { SIMD2(random.normal(), random.normal()) }
        for frame in steps.indices {
            let held = Self.neighbor(of: frame, count: count, share: settings.holdShare, random: &random)
            let inner = Self.neighbor(of: frame, count: count, share: settings.innerHoldShare, random: &random)
            let (shake, flicker, tremble, growth) = (pair(), random.normal(), pair(), random.normal())
            let color = SIMD3(random.normal(), random.normal(), random.normal()), fall = random.uniform()
            if isHeld { steps[frame].shown = held }
            if isShaken { steps[frame].shake = shake * settings.shake }
            if isFlickering { steps[frame].flicker = max(0.5, 1 + flicker * settings.flicker) }
            if isInnerHeld { steps[frame].inner = inner }
            if isTrembling {
                steps[frame].tremble = tremble * settings.tremble
                steps[frame].growth = min(max(1 + growth * settings.tremble, 0.8), 1.25)
            }
            if isColored { steps[frame].color = color * settings.colorFlicker }
            if isFading { steps[frame].ratio = 1 - fall * settings.ratioFlicker }
        }
    }

    /// Mostly the frame itself; else the one before it, which is repeated, or the one after it, before which one is missing.
    private static func neighbor(of frame: Int, count: Int, share: Double, random: inout SeededRandom) -> Int {
        let isHeld = random.chance(share), isRepeat = random.chance(0.5)
        guard isHeld, frame > 0, frame + 1 < count else { return frame }
        return isRepeat ? frame - 1 : frame + 1
    }
}
