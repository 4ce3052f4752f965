import Detector
import JobModel
import Video

/// Why no report was made.
public enum EvaluationError: Error, Sendable {
    /// Nothing to hold the fakes against, or nothing to find.
    case missingLabel(EvaluationClip.Label)
    /// Clips of one path, or of the same bytes, with different labels.
    case twoLabels(path: String)
    /// Options that make no sense together.
    case invalid(String)
    /// We or the machine are at fault, and every further clip would meet the same.
    case failed(JobFailure)
    case checkpoint(CheckpointError)
    case network(DetectorError)
    case video(VideoError)
    /// The report or a clip for it could not be written; nothing half-written stays.
    case unwritable(path: String, reason: String)
}

extension EvaluationError: CustomStringConvertible {
    /// What was wrong and what to do.
    public var description: String {
        switch self {
        case .missingLabel(let label): "there are no \(label.rawValue) clips: rates need both, real and fake"
        case .twoLabels(let path): "\(path) is given as real and as fake; keep one of them"
        case .invalid(let what): what
        case .failed(let failure): failure.description
        case .checkpoint(let error): "\(error)"
        case .network(let error): "\(error)"
        case .video(let error): error.description
        case .unwritable(let path, let reason): "\(path) cannot be written: \(reason)"
        }
    }
}
