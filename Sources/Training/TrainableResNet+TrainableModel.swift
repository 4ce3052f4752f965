import Detector
import NeuralCore

extension TrainableResNet: TrainableModel {}

extension Recipe.Start.Norm {
    /// As the network has it.
    public var form: NormForm {
        switch self {
        case .folded: .folded
        case .frozen: .frozen
        case .batch: .batch
        }
    }
}
