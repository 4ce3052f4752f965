import NeuralCore

/// A change of how fine a picture's details are, drawn once and then the same for any picture.
enum DetailChange: Sendable {
    case coarser(factor: Double, down: PictureScaling, up: PictureScaling)
    case sharper(amount: Double, sigma: Double)
    case none

    func apply(to picture: inout FloatPicture) {
        switch self {
        case .coarser(let factor, let down, let up): picture = picture.coarsened(by: factor, down: down, up: up)
        case .sharper(let amount, let sigma): picture.sharpen(amount: amount, sigma: sigma)
        case .none: break
        }
    }

    /// How a picture is made smaller and larger again.
    static func scalings(random: inout SeededRandom) -> (down: PictureScaling, up: PictureScaling) {
        let down = PictureScaling.allCases[random.index(below: PictureScaling.allCases.count)]
        return (down, random.chance(0.5) ? .linear : .cubic)
    }

    /// Everything is drawn, whatever comes of it: so what is drawn next never depends on it.
    init(_ settings: BlendSettings.Detail, random: inout SeededRandom) {
        let share = random.uniform(), factor = random.uniform(settings.factor)
        let (down, up) = Self.scalings(random: &random)
        let amount = random.uniform(settings.sharpen)
        if share < settings.coarserShare {
            self = .coarser(factor: factor, down: down, up: up)
        } else if share < settings.coarserShare + settings.sharperShare {
            self = .sharper(amount: amount, sigma: settings.sharpenSigma)
        } else {
            self = .none
        }
    }
}
