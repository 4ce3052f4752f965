import NeuralCore

/// How a mask's edge is bent and softened, drawn once and then the same for any outline.
struct MaskDraw: Sendable {
    /// Of the mask in pixels while it is made.
    private let side: Int
    private let firstKernel: Int
    private let leastWhole: Double
    private let secondKernel: Int
    private let secondSigma: Double
    private let ratio: Double
    private let strength: Double
    private let sigma: Double
    private let noise: SeededRandom

    init(_ settings: BlendSettings.Mask, random: inout SeededRandom) {
        side = random.integer(settings.sidePixels)
        firstKernel = random.integer(settings.firstKernel) | 1
        leastWhole = settings.leastWhole
        secondKernel = random.integer(settings.secondKernel) | 1
        secondSigma = random.uniform(settings.secondSigma)
        ratio = settings.ratios[random.index(below: settings.ratios.count)]
        // The patch that the settings speak of is 300 pixels wide.
        strength = settings.elasticStrength * Double(side) / 300
        sigma = settings.elasticSigma * Double(side) / 300
        noise = SeededRandom(seed: random.next())
    }

    /// How far each pixel of the mask is moved: smoothed noise, drawn at half the size since it has nothing finer.
    func displacement() -> (dx: FloatPicture, dy: FloatPicture)? {
        guard strength > 0 else { return nil }
        var random = noise
        func field() -> FloatPicture {
            let half = side / 2
            let raw = FloatPicture(width: half, height: half, channels: 1) { target in
                for index in 0..<half * half { target[index] = Float(2 * random.uniform() - 1) }
            }
            var smooth = raw.blurred(sigma: max(0.5, sigma / 2))
            for index in 0..<half * half { smooth.storage[index] *= Float(strength) }
            return smooth.resized(width: side, height: side, by: .linear)
        }
        let dx = field()
        return (dx, field())
    }

    /// The mask of an outline in a patch, `[pixels, pixels]`, its largest value the drawn ratio times `factor`; nil if nothing of it lies inside.
    ///
    /// It is filled, bent, drawn in so far that its soft edge lies inside the outline, and softened.
    func mask(
        of outline: [ConvexPolygon], pixels: Int, displacement: (dx: FloatPicture, dy: FloatPicture)?, factor: Double
    ) -> FloatPicture? {
        var mask = FloatPicture(width: side, height: side, channels: 1) { $0.initialize(repeating: 0, count: side * side) }
        let zoom = Double(side) / Double(pixels)
        for polygon in outline { ConvexPolygon(around: polygon.corners.map { $0 * zoom }).fill(&mask) }
        if let displacement { mask = mask.displaced(dx: displacement.dx, dy: displacement.dy) }
        mask = drawnIn(mask).blurred(sigma: secondSigma, radius: secondKernel / 2)
        let peak = mask.largest
        guard peak > 0 else { return nil }
        mask.scale(by: Float(ratio * factor) / peak)
        return mask.resized(width: pixels, height: pixels, by: .linear)
    }

    /// What stays whole when the mask is blurred. A small outline that a wide blur leaves little of is blurred less: a fake of which next to nothing
    /// is blended in would be a real picture under a wrong name.
    private func drawnIn(_ mask: FloatPicture) -> FloatPicture {
        let least = Float(leastWhole) * mask.sum
        var kernel = firstKernel
        while kernel > 1 {
            var rest = mask.blurred(kernel: kernel)
            // A little below 1, since the weights of a Gaussian add up to it only nearly.
            rest.scale(by: 1, zeroBelow: 0.999)
            if rest.largest > 0, rest.sum >= least { return rest }
            kernel = kernel <= 5 ? kernel - 2 : kernel * 3 / 4 | 1
        }
        return mask
    }
}
