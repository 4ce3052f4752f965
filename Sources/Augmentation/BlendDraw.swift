import NeuralCore

/// All decisions for one pair, or for all pairs of one clip, apart from the faces that they are made of.
struct BlendDraw: Sendable {
    let patch: FacePatch.Draw
    let hull: FaceHull
    let change: SourceChange
    let mask: MaskDraw
    /// nil if colours stay.
    let photometric: ColorChange?
    let detail: DetailChange
    let compression: CompressionChange
    let crop: CropDraw
    private let shift: SIMD2<Double>
    private let scale: Double
    private let turnDegrees: Double

    init(_ settings: BlendSettings, random: inout SeededRandom) {
        patch = FacePatch.Draw(settings.patch, random: &random)
        hull = FaceHull(settings.hulls, random: &random)
        change = SourceChange(settings.difference, random: &random)
        let placement = settings.placement
        shift = SIMD2(
            random.uniform(-placement.shiftX...placement.shiftX), random.uniform(-placement.shiftY...placement.shiftY))
        scale = random.uniform(placement.scale)
        let isTurned = random.chance(placement.turnChance), turn = random.uniform(-placement.turnDegrees...placement.turnDegrees)
        turnDegrees = isTurned ? turn : 0
        mask = MaskDraw(settings.mask, random: &random)
        let isPhotometric = random.chance(settings.photometric.chance)
        let color = ColorChange(settings.photometric.color, random: &random)
        photometric = isPhotometric ? color : nil
        compression = CompressionChange(settings.compression, random: &random)
        crop = CropDraw(settings.crop, random: &random)
        detail = DetailChange(settings.detail, random: &random)
    }

    /// Where a patch's face is laid, `longer` being the longer side of its box.
    func placement(pixels: Int, longer: Double) -> AffineMap {
        let middle = Double(pixels) / 2
        return AffineMap(angle: turnDegrees * .pi / 180, scale: scale, about: SIMD2(middle, middle), shift: shift * longer)
    }
}
