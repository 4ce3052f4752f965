import NeuralCore
import Video

/// Makes fakes of real faces: a face is blended into its own picture, a little changed and a little moved, so that the seam is all there is to find
/// ("Detecting Deepfakes with Self-Blended Images", Shiohara and Yamasaki 2022, arXiv:2204.08376).
///
/// All that is random comes from the generator that is given: the same one with the same source gives the same bytes, on any thread.
public struct SelfBlender: Sendable {
    public let settings: BlendSettings
    /// Of the pictures that are made, a side.
    public let pixels: Int

    /// A blender; settings whose `problem` is not nil are a programmer's mistake, since decoding refuses them.
    public init(settings: BlendSettings, pixels: Int = 224) {
        if let problem = settings.problem { preconditionFailure(problem) }
        precondition(pixels > 0, "pictures have pixels")
        self.settings = settings
        self.pixels = pixels
    }

    /// A real picture and a fake made of it; throws for a face that cannot be used and where compression fails.
    ///
    /// The two differ by the blending alone: they are cut, changed in colour and compressed alike.
    public func pair(of source: BlendSource, random: SeededRandom) throws(AugmentationError) -> BlendedPair {
        try source.check()
        var random = random
        let draw = BlendDraw(settings, random: &random)
        let size = draw.patch.pixels(longer: source.box.longer, limits: settings.patch.sidePixels)
        let patch = FacePatch(
            about: source.box, draw: draw.patch, pixels: size,
            keepsPixels: draw.patch.isUnscaled(pixels: size, longer: source.box.longer))
        let frame = BlendFrame(source, in: patch), picture = patch.cut(from: source.picture)
        let blend = try Blend(
            frame, picture: picture, other: nil, draw: draw, displacement: draw.mask.displacement(), step: ClipMotion.Step(0))
        let pictures = try draw.compression.stills([blend.real, blend.fake])
        return finished(pictures[0], pictures[1], blend.mask, square: draw.crop.square(about: frame.box))
    }

    func finished(_ real: RGBImage, _ fake: RGBImage, _ mask: FloatPicture, square: SquareCrop) -> BlendedPair {
        // Weights add up to one but for their last digit.
        let values = square.cut(from: mask, pixels: pixels).values.map { min($0, 1) }
        return BlendedPair(
            real: square.cut(from: real, pixels: pixels), fake: square.cut(from: fake, pixels: pixels), mask: values)
    }
}

/// Where a face lies in its patch.
struct BlendFrame: Sendable {
    let pixels: Int
    let box: BlendSource.Box
    let landmarks: [SIMD2<Double>]
    let mesh: [SIMD2<Double>]?

    init(_ source: BlendSource, in patch: FacePatch) {
        pixels = patch.pixels
        box = patch.box(source.box)
        landmarks = patch.landmarks(source.landmarks)
        mesh = source.usableMesh.map(patch.places)
    }

    /// What aligns this face with the same one in another frame.
    func alignment(to other: BlendFrame) -> AffineMap {
        if let mesh, let target = other.mesh, let map = AffineMap(from: mesh, to: target) { return map }
        return AffineMap(from: landmarks, to: other.landmarks) ?? AffineMap()
    }
}

/// One frame's real picture, its fake, and the mask between them, still in the patch.
struct Blend {
    let real: RGBImage
    let fake: RGBImage
    let mask: FloatPicture

    /// Blends a face into a frame: its own, or a neighbour's (`other`).
    init(
        _ frame: BlendFrame, picture: FloatPicture, other: (frame: BlendFrame, picture: FloatPicture)?, draw: BlendDraw,
        displacement: (dx: FloatPicture, dy: FloatPicture)?, step: ClipMotion.Step
    ) throws(AugmentationError) {
        var map = draw.placement(pixels: frame.pixels, longer: frame.box.longer)
        if let other { map = other.frame.alignment(to: frame).then(map) }
        let face = other?.frame ?? frame
        if step.growth != 1 || step.tremble != .zero {
            map = map.then(AffineMap(scale: step.growth, about: frame.box.center, shift: step.tremble * frame.box.longer))
        }
        // The outline is moved with the face, before it becomes a mask: moving a mask would soften it once more.
        let outline = draw.hull.outline(landmarks: face.landmarks, mesh: face.mesh).map { polygon in
            ConvexPolygon(around: polygon.corners.map { map($0) })
        }
        let made = draw.mask.mask(of: outline, pixels: frame.pixels, displacement: displacement, factor: step.ratio)
        guard let mask = made, let region = PixelRegion(nonzeroOf: mask) else {
            throw .unusableLandmarks("nothing of the face's outline lies in the patch about its box")
        }
        var target = picture, source = other?.picture ?? picture
        if draw.change.isOfTarget { draw.change.apply(to: &target) } else { draw.change.apply(to: &source) }
        if step.color != .zero { source.adjust(gain: .one, offset: SIMD3(step.color)) }
        var fake = target
        fake.blend(source, warpedBy: map.inverse, border: .reflect, mask: mask, region: region)
        if let color = draw.photometric {
            color.apply(to: &target)
            color.apply(to: &fake)
        }
        draw.detail.apply(to: &target)
        draw.detail.apply(to: &fake)
        if step.flicker != 1 {
            target.adjust(gain: SIMD3(repeating: Float(step.flicker)), offset: .zero)
            fake.adjust(gain: SIMD3(repeating: Float(step.flicker)), offset: .zero)
        }
        real = target.image
        self.fake = fake.image
        self.mask = mask
    }
}
