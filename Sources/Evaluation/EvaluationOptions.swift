import JobModel

/// What is measured, and how thoroughly.
public struct EvaluationOptions: Codable, Sendable, Equatable {
    /// The frames of each clip.
    public var sampling: Sampling
    /// Ways to make every clip worse; empty for none. Each is an encode and an analysis of each clip.
    public var robustness: [RobustnessCell]
    /// Whether shortcuts are looked for: two forwards a clip and an encode of each real.
    public var shortcuts: Bool
    /// Whether the maps are tested: a dozen forwards a clip and ten shuffled networks.
    public var explanations: Bool
    /// Whether a network of random weights is judged beside the model.
    public var untrainedBaseline: Bool
    /// Draws of each interval.
    public var resamples: Int
    /// Of everything that is drawn.
    public var seed: UInt64
    /// Share of wrong calls that an abstention band should leave.
    public var targetError: Double
    /// Frames of a clip that are encoded again, from its first.
    public var frameLimit: Int
    /// Clips that the shuffled networks judge, as many reals as fakes where there are.
    public var explanationClips: Int
    /// Clips whose contact sheets are shown.
    public var worstErrors: Int
    /// Of the reliability curve.
    public var bins: Int

    public init(
        sampling: Sampling = Sampling(), robustness: [RobustnessCell] = [], shortcuts: Bool = false, explanations: Bool = false,
        untrainedBaseline: Bool = false, resamples: Int = 2_000, seed: UInt64 = 1, targetError: Double = 0.1, frameLimit: Int = 1_500,
        explanationClips: Int = 8, worstErrors: Int = 6, bins: Int = 10
    ) {
        self.sampling = sampling
        self.robustness = robustness
        self.shortcuts = shortcuts
        self.explanations = explanations
        self.untrainedBaseline = untrainedBaseline
        self.resamples = resamples
        self.seed = seed
        self.targetError = targetError
        self.frameLimit = frameLimit
        self.explanationClips = explanationClips
        self.worstErrors = worstErrors
        self.bins = bins
    }

    func validate() throws(EvaluationError) {
        guard (1...1_000_000).contains(resamples) else { throw .invalid("the resamples of an interval are \(resamples); they must be 1 to 1000000") }
        guard (0...1).contains(targetError) else { throw .invalid("the target error is \(targetError); it must be a share of 0 to 1") }
        guard frameLimit > 0, (0...1_000).contains(explanationClips), (0...100).contains(worstErrors), (1...100).contains(bins) else {
            throw .invalid("the frame limit must be above 0, explanation clips 0 to 1000, worst errors 0 to 100, bins 1 to 100")
        }
        guard let cell = robustness.first(where: { !$0.isValid }) else { return }
        throw .invalid(
            "CRF \(cell.crf), scale \(cell.scale), frames \(cell.frameShare) is no robustness cell: CRF is 0 to 51, scale and frames "
                + "above 0 and up to 1, frames one over a whole number")
    }
}
