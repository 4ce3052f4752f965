/// Why a training could not begin or go on. None is worth a retry as it is.
public enum TrainingError: Error, Sendable, Equatable {
    /// What there is to train on does not do.
    case data(String)
    /// The recipe is wrong.
    case recipe(path: String, reason: String)
    /// The output's state does not belong to this run, or is damaged.
    case state(path: String, reason: String)
    /// A file could not be written; what was saved last is whole.
    case unwritable(path: String, reason: String)
    /// The loss or the gradient is not finite any more.
    case diverged(step: Int, what: String, savedStep: Int)
    /// The initial weights do not do.
    case weights(path: String, reason: String)
}

extension TrainingError {
    static let noReals = TrainingError.data("there are no real faces to train on; index folders of real clips or stills (label real)")
    static let noFakes = TrainingError.data(
        "there are no fakes to train on, which this kind of recipe needs; "
            + "index folders of fakes (label fake), or train with self-blend")
}

extension TrainingError: CustomStringConvertible {
    /// One line for a person.
    public var description: String {
        switch self {
        case .data(let reason): reason
        case .recipe(let path, let reason): "the recipe \(path): \(reason)"
        case .state(let path, let reason): "\(path): \(reason)"
        case .unwritable(let path, let reason): "\(path) cannot be written: \(reason); what was saved before is whole, --resume goes on from there"
        case .diverged(let step, let what, let savedStep):
            "\(what) at step \(step) is no longer finite: the run stopped, and the state of step \(savedStep) is kept. "
                + "Try a lower learning rate, a longer warm-up or a smaller clipNorm"
        case .weights(let path, let reason): "the initial weights \(path): \(reason)"
        }
    }
}
