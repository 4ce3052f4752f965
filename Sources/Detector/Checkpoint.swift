import Crypto
import Foundation
import NeuralCore

/// A model that can be run: its card, its tensors under torchvision's names, and the digest that identifies it.
public struct Checkpoint: Sendable {
    /// Key of the card in the safetensors metadata.
    static let cardKey = "card"

    /// The number format of a file's tensors; in memory they are float32 in any case.
    public enum Storage: String, Sendable, Equatable, CaseIterable {
        case float32
        /// IEEE 754 binary16: half the bytes, 11 bits a number.
        case float16
    }

    public let card: ModelCard
    /// Tensors of the backbone, normalised (`bn1.weight`, …) or folded (`conv1.bias`), and of the head (`fc.…`).
    public let tensors: [String: Tensor]
    /// SHA-256, in lower-case hexadecimal, of the file that was read or that `write(to:)` writes.
    public let sha256: String
    /// How `write(to:)` stores the tensors.
    public let storage: Storage

    /// A checkpoint made in memory; throws if the card or the tensors are not those of the network.
    ///
    /// With `float16` the values are rounded at once, so that they are what the file will hold; throws if one is too large for it.
    public init(card: ModelCard, tensors: [String: Tensor], storage: Storage = .float32) throws(CheckpointError) {
        try Checkpoint.validate(card: card, tensors: tensors)
        self.card = card
        self.tensors = storage == .float16 ? try tensors.mapTensors { name, tensor throws(CheckpointError) in
            let rounded = tensor.roundedToHalf()
            guard rounded.isFinite else { throw .unsupported("the tensor \(name) has values beyond ±65504, which float16 cannot hold") }
            return rounded
        } : tensors
        self.storage = storage
        var hash = SHA256()
        try Checkpoint.writer(card: card, tensors: self.tensors, storage: storage).emit { hash.update(bufferPointer: $0) }
        sha256 = Checkpoint.hexadecimal(hash.finalize())
    }

    private init(card: ModelCard, tensors: [String: Tensor], storage: Storage, sha256: String) {
        self.card = card
        self.tensors = tensors
        self.storage = storage
        self.sha256 = sha256
    }

    /// Maps a native checkpoint (safetensors with a card); its tensors are read from the file as they are used.
    public static func open(path: String) throws(CheckpointError) -> Checkpoint {
        let file = try MappedFile(path: path)
        guard !file.bytes.isEmpty else { throw .notACheckpoint("the file is empty") }
        guard SafetensorsFile.matches(file.bytes) else {
            throw .notACheckpoint("it is no safetensors file; a PyTorch or NumPy file has to be imported first")
        }
        let safetensors = try SafetensorsFile(file: file)
        guard let json = safetensors.metadata[cardKey] else {
            throw .invalidCard("the file has none; import it to give it one")
        }
        let card = try ModelCard.decoded(from: json)
        var tensors: [String: Tensor] = [:]
        for entry in safetensors.entries {
            guard entry.type.isFloat else { throw .unsupported("the tensor \(entry.name) holds integers") }
            tensors[entry.name] = try entry.load()
        }
        try validate(card: card, tensors: tensors)
        var hash = SHA256()
        hash.update(bufferPointer: file.bytes)
        let digest = hexadecimal(hash.finalize())
        let isHalf = safetensors.entries.allSatisfy { $0.type == .float16 }
        return Checkpoint(card: card, tensors: tensors, storage: isHalf ? .float16 : .float32, sha256: digest)
    }

    /// The card of a native checkpoint, without looking at its tensors: they are checked when it is opened.
    public static func card(path: String) throws(CheckpointError) -> ModelCard {
        let file = try MappedFile(path: path)
        guard SafetensorsFile.matches(file.bytes) else {
            throw .notACheckpoint("it is no safetensors file; a PyTorch or NumPy file has to be imported first")
        }
        guard let json = try SafetensorsFile(file: file).metadata[cardKey] else {
            throw .invalidCard("the file has none; import it to give it one")
        }
        let card = try ModelCard.decoded(from: json)
        if let problem = card.problem { throw .invalidCard(problem) }
        return card
    }

    /// The same weights under another card.
    public func with(card: ModelCard) throws(CheckpointError) -> Checkpoint {
        try Checkpoint(card: card, tensors: tensors, storage: storage)
    }

    /// The same weights, rounded if need be, in another number format.
    public func stored(as storage: Storage) throws(CheckpointError) -> Checkpoint {
        try Checkpoint(card: card, tensors: tensors, storage: storage)
    }

    /// Writes the safetensors file whose digest is `sha256` (for an opened one: only if it was written by `write(to:)`).
    ///
    /// Written beside the target, synced and renamed, so that no reader ever sees half of it.
    public func write(to path: String) throws(CheckpointError) {
        try Checkpoint.writer(card: card, tensors: tensors, storage: storage).write(to: path)
    }

    private static func writer(
        card: ModelCard, tensors: [String: Tensor], storage: Storage
    ) throws(CheckpointError) -> SafetensorsWriter {
        SafetensorsWriter(tensors: tensors, storage: storage, metadata: [cardKey: try card.encoded(), "format": "pt"])
    }

    private static func validate(card: ModelCard, tensors: [String: Tensor]) throws(CheckpointError) {
        if let problem = card.problem { throw .invalidCard(problem) }
        let mismatch = ResNetArchitecture.mismatch(found: tensors.mapValues(\.shape), head: card.head)
        guard mismatch.isEmpty else { throw .mismatch(mismatch) }
        for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) where !tensor.isFinite {
            throw .notFinite(tensor: name)
        }
    }

    private static func hexadecimal(_ digest: SHA256.Digest) -> String {
        let digits = Array("0123456789abcdef")
        return String(digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}

extension [String: Tensor] {
    fileprivate func mapTensors(
        _ transform: (String, Tensor) throws(CheckpointError) -> Tensor
    ) throws(CheckpointError) -> [String: Tensor] {
        var result: [String: Tensor] = [:]
        for (name, tensor) in self { result[name] = try transform(name, tensor) }
        return result
    }
}

extension Tensor {
    /// Each value as the nearest that float16 has; an infinity where there is none.
    fileprivate func roundedToHalf() -> Tensor {
        withUnsafeBuffer { source in
            Tensor(shape: shape) { target in
                for index in source.indices { target[index] = ElementType.fromHalf(ElementType.toHalf(source[index])) }
            }
        }
    }
}
