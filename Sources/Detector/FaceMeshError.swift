/// Why there is no face mesh. None of them is worth a retry: a process that needs it stops; a command says the `description` and ends.
public enum FaceMeshError: Error, Sendable, Equatable {
    /// The weights that belong beside the program are not there.
    case weightsMissing(folder: String)
    /// The file of weights cannot be used.
    case weights(CheckpointError)
}

extension FaceMeshError: CustomStringConvertible {
    /// One line for a person: what is wrong and what to do.
    public var description: String {
        switch self {
        case .weightsMissing(let folder):
            "the face mesh's weights are missing: \(folder) has no folder \(ShippedWeights.bundleSuffix) with "
                + "\(FaceMeshNetwork.fileName) in it; it is built with the program and has to be installed beside it"
        case .weights(.mismatch(let mismatch)):
            "the face mesh's weights are of no use: the tensors are not those of its network; \(mismatch.listing())"
        case .weights(let error): "the face mesh's weights are of no use: \(error)"
        }
    }
}
