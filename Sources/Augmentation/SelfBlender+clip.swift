import NeuralCore
import Video

extension SelfBlender {
    /// Frames of a clip and their fakes, in the order of `sources`, which are frames of one person in the order of time: what is drawn for a pair is
    /// drawn once and done to every frame, each face by its own mesh. Some clips then hold frames, shake or flicker, real and fake alike; in some of
    /// the fakes the blended face does so by itself. Compression is one H.264 stream for the reals and one for the fakes.
    ///
    /// Throws for a face that cannot be used, for no frame or more than `H264RoundTrip.mostFrames`, and where compression fails.
    public func clip(of sources: [BlendSource], random: SeededRandom) throws(AugmentationError) -> [BlendedPair] {
        guard (1...H264RoundTrip.mostFrames).contains(sources.count) else { throw .unusableClip(frames: sources.count) }
        for source in sources { try source.check() }
        var random = random
        let draw = BlendDraw(settings, random: &random)
        let motion = ClipMotion(settings.clip, frames: sources.count, random: &random)
        let patches = patches(of: sources, draw: draw.patch)
        let frames = zip(sources, patches).map { BlendFrame($0, in: $1) }
        let displacement = draw.mask.displacement()
        var blends: [Blend] = []
        for (index, step) in motion.steps.enumerated() {
            let picture = patches[index].cut(from: sources[index].picture)
            let other: (BlendFrame, FloatPicture)? =
                step.inner == index ? nil : (frames[step.inner], patches[step.inner].cut(from: sources[step.inner].picture))
            blends.append(
                try Blend(frames[index], picture: picture, other: other, draw: draw, displacement: displacement, step: step))
        }
        let reals = try draw.compression.clip(motion.steps.map { blends[$0.shown].real })
        let fakes = try draw.compression.clip(motion.steps.map { blends[$0.shown].fake })
        return motion.steps.enumerated().map { index, step in
            finished(
                reals[index], fakes[index], blends[step.shown].mask,
                square: draw.crop.square(about: frames[step.shown].box, shaken: step.shake))
        }
    }

    /// Patches of one size, which a stream needs. Where the faces are about as large as each other they are cut out as they are, so that the
    /// stream's motion stays whole pixels; else each is scaled to the middle one's size.
    private func patches(of sources: [BlendSource], draw: FacePatch.Draw) -> [FacePatch] {
        let sides = sources.map(\.box.longer).sorted()
        let (least, middle, most) = (sides[0], sides[sides.count / 2], sides[sides.count - 1])
        let limits = settings.patch.sidePixels
        let size = draw.pixels(longer: most, limits: limits)
        let keepsPixels = draw.isUnscaled(pixels: size, longer: most) && most <= 1.15 * least
        let pixels = keepsPixels ? size : draw.pixels(longer: middle, limits: limits)
        return sources.map { FacePatch(about: $0.box, draw: draw, pixels: pixels, keepsPixels: keepsPixels) }
    }
}
