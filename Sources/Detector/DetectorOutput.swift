import NeuralCore

/// What the network says about one clip, with the evidence for it.
public struct DetectorOutput: Sendable {
    /// The clip's logit, before the card's temperature; positive speaks for fake.
    public let logit: Double
    /// The head applied to each frame alone; the same to the bit in whatever clip the frame stands.
    public let frameLogits: [Double]
    /// What each frame adds to the logit: they sum to it.
    public let contributions: [Double]
    /// The part of the logit that no place in the picture accounts for: logit = headBias + sum of all maps.
    ///
    /// The bias of a linear head; for an mlp, logit − g · mean feature, g being the gradient at the mean feature.
    public let headBias: Double
    /// Feature of each frame, `[T, 512]`: layer4 averaged over the picture.
    public let features: Tensor
    /// Signed Grad-CAM of each frame, `[T, 7, 7]`, on layer4 and from the logit, without the usual max(0, x).
    ///
    /// Selvaraju et al. 2017 (arXiv:1610.02391), equations 1 and 2, the logit in place of a class score: map_t =
    /// Σ_k α_k A_tk with α_k = g_k / (49 · T), so that all maps together sum to logit − headBias.
    public let maps: Tensor

    package init(
        logit: Double, frameLogits: [Double], contributions: [Double], headBias: Double, features: Tensor, maps: Tensor
    ) {
        self.logit = logit
        self.frameLogits = frameLogits
        self.contributions = contributions
        self.headBias = headBias
        self.features = features
        self.maps = maps
    }

    /// Smallest and largest value in any map of the clip: one scale for all its frames.
    public var mapRange: ClosedRange<Float> {
        maps.withUnsafeBuffer { values in (values.min() ?? 0)...(values.max() ?? 0) }
    }

    /// The map of one frame: 7 × 7 values, row by row.
    public func map(frame: Int) -> [Float] {
        let count = maps.shape[1] * maps.shape[2]
        precondition(frame >= 0 && frame < maps.shape[0], "frame \(frame) of \(maps.shape[0])")
        return maps.withUnsafeBuffer { Array($0[frame * count..<(frame + 1) * count]) }
    }
}
