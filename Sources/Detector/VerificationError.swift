/// Why a checkpoint could not be compared with a reference; a difference found is no error but a result.
public enum VerificationError: Error, Sendable {
    /// The reference file could not be read.
    case reference(CheckpointError)
    /// A tensor that the comparison needs is missing, or has a shape that does not fit the input's.
    case badTensor(name: String, detail: String)
    /// The network refused the reference's input.
    case detector(DetectorError)
}

extension VerificationError: CustomStringConvertible {
    /// One line for a person.
    public var description: String {
        switch self {
        case .reference(let error): "the reference cannot be used: \(error)"
        case .badTensor(let name, let detail): "the reference's tensor \(name) \(detail)"
        case .detector(let error): "the reference's input was not judged: \(error)"
        }
    }
}
