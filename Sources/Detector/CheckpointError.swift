/// Why a checkpoint could not be read, understood or written.
///
/// None of them is worth a retry: a process that needs the model stops; a command says the `description` and ends.
public enum CheckpointError: Error, Sendable, Equatable {
    /// A tensor that should have another shape.
    public struct WrongShape: Sendable, Equatable {
        public let name: String
        public let expected: [Int]
        public let found: [Int]
    }

    /// How the tensors of a file differ from those of the network.
    public struct Mismatch: Sendable, Equatable {
        /// Names with the shapes they should have.
        public var missing: [String]
        /// Names with the shapes they have.
        public var unexpected: [String]
        public var wrongShape: [WrongShape]

        var isEmpty: Bool { missing.isEmpty && unexpected.isEmpty && wrongShape.isEmpty }
    }

    /// The file could not be opened, mapped or read.
    case unreadable(path: String, reason: String)
    /// The file is of no format that is known.
    case notACheckpoint(String)
    /// The file ends before its contents do.
    case cutShort(String)
    /// The file contradicts its own format.
    case malformed(String)
    /// A format or a feature of one that is not read.
    case unsupported(String)
    /// A pickle that asks for code other than that which makes tensors; nothing of it was run.
    case refusedGlobal(String)
    /// The tensors are not those of the network.
    case mismatch(Mismatch)
    /// The backbone is there, the binary head is not.
    case headMissing(String)
    /// A tensor holds a NaN or an infinity.
    case notFinite(tensor: String)
    /// The model's card is missing or makes no sense.
    case invalidCard(String)
    /// The file could not be written.
    case unwritable(path: String, reason: String)
}

extension CheckpointError: CustomStringConvertible, CustomDebugStringConvertible {
    /// Names printed of each kind before the rest is only counted.
    static let listedNames = 6

    /// One line for a person: what is wrong and, where it is not plain, what to do.
    public var description: String {
        switch self {
        case .unreadable(let path, let reason): "the checkpoint \(path) cannot be read: \(reason)"
        case .notACheckpoint(let reason): "this is not a checkpoint: \(reason)"
        case .cutShort(let detail): "the checkpoint is cut short: \(detail)"
        case .malformed(let detail): "the checkpoint is damaged: \(detail)"
        case .unsupported(let detail): "the checkpoint cannot be used: \(detail)"
        case .refusedGlobal(let name):
            "the checkpoint refers to \(name): refused, nothing was run; save a state_dict of tensors only"
        case .mismatch(let mismatch): describe(mismatch, limit: CheckpointError.listedNames)
        case .headMissing(let detail):
            "the checkpoint is a ResNet18 without a binary head: \(detail); a head is [1, 512], or [512, 512] and "
                + "[1, 512], each with its bias; a fresh untrained one can be made by giving a head seed"
        case .notFinite(let tensor): "the tensor \(tensor) holds a NaN or an infinity"
        case .invalidCard(let reason): "the model's card is of no use: \(reason)"
        case .unwritable(let path, let reason): "the checkpoint \(path) cannot be written: \(reason)"
        }
    }

    /// The description, with every name in it.
    public var debugDescription: String {
        if case .mismatch(let mismatch) = self { return describe(mismatch, limit: .max) }
        return description
    }

    private func describe(_ mismatch: Mismatch, limit: Int) -> String {
        "the tensors are not those of a ResNet18 with a binary head; " + mismatch.listing(limit: limit)
    }
}

extension CheckpointError.Mismatch {
    /// What is missing, unexpected and of a wrong shape, at most `limit` names of each kind.
    func listing(limit: Int = CheckpointError.listedNames) -> String {
        var parts: [String] = []
        if !missing.isEmpty { parts.append("missing: " + list(missing, limit: limit)) }
        if !unexpected.isEmpty { parts.append("unexpected: " + list(unexpected, limit: limit)) }
        if !wrongShape.isEmpty {
            let texts = wrongShape.map { "\($0.name) is \($0.found), should be \($0.expected)" }
            parts.append("wrong shape: " + list(texts, limit: limit))
        }
        return parts.joined(separator: "; ")
    }

    private func list(_ names: [String], limit: Int) -> String {
        let shown = names.prefix(limit).joined(separator: ", ")
        return names.count > limit ? "\(shown) and \(names.count - limit) more" : shown
    }
}
