/// How a network's batch normalisations (Ioffe and Szegedy 2015, arXiv:1502.03167) take part in training.
public enum NormForm: String, Sendable, Codable, CaseIterable {
    /// There are none: each convolution has a bias instead.
    case folded
    /// Fixed means and variances; gamma and beta learn.
    case frozen
    /// Means and variances of each batch; running ones are kept for use afterwards.
    case batch
}
