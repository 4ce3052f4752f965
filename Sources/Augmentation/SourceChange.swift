import NeuralCore

/// What makes the blended face differ from its surroundings, drawn once: colours, then coarseness or sharpness.
struct SourceChange: Sendable {
    /// True if the surroundings are changed, false if the face is.
    let isOfTarget: Bool
    private let color: ColorChange
    private let detail: DetailChange

    init(_ settings: BlendSettings.Difference, random: inout SeededRandom) {
        isOfTarget = random.chance(settings.targetShare)
        color = ColorChange(settings.color, random: &random)
        let isCoarser = random.chance(settings.resampleShare)
        let isFixed = random.chance(settings.fixedFactorShare)
        let fixed = settings.fixedFactors[random.index(below: settings.fixedFactors.count)]
        let free = random.uniform(settings.factor)
        let (down, up) = DetailChange.scalings(random: &random)
        let amount = random.uniform(settings.sharpen)
        detail = isCoarser
            ? .coarser(factor: isFixed ? fixed : free, down: down, up: up) : .sharper(amount: amount, sigma: settings.sharpenSigma)
    }

    func apply(to picture: inout FloatPicture) {
        color.apply(to: &picture)
        detail.apply(to: &picture)
    }
}
