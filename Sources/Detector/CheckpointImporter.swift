import Foundation
import NeuralCore

/// Turns other programs' checkpoints into Whorl's: PyTorch (zip and legacy), NumPy `.npz`, and any safetensors.
///
/// Nothing in the file is executed. The format is told by the first bytes, never by the name.
public enum CheckpointImporter {
    /// What the file does not say.
    public struct Options: Sendable {
        /// Makes a fresh random head from this seed if the file has none; the card then says `trained: false`.
        public var headSeed: UInt64?
        /// The model's name; the file's name without its extension if nil.
        public var name: String?
        /// The model's version; "1" if nil.
        public var version: String?
        /// The card's time; none if nil.
        public var created: Date?

        /// Options that leave everything to the file.
        public init(headSeed: UInt64? = nil, name: String? = nil, version: String? = nil, created: Date? = nil) {
            self.headSeed = headSeed
            self.name = name
            self.version = version
            self.created = created
        }
    }

    private struct Source {
        let format: String
        var card: ModelCard?
        /// Dictionaries of tensors with their place in the file, nearest first.
        let stateDicts: [TorchFile.StateDict]
    }

    /// Reads, recognises and validates a checkpoint of any known format.
    public static func read(path: String, options: Options = Options()) throws(CheckpointError) -> Checkpoint {
        let source = try readSource(path: path)
        guard !source.stateDicts.isEmpty else { throw .notACheckpoint("the \(source.format) file holds no tensors by name") }
        let stateDict = best(of: source.stateDicts)
        let mapping = try NameMapping(entries: stateDict.entries, allowsMissingHead: options.headSeed != nil)

        var tensors: [String: Tensor] = [:]
        for (name, entry) in mapping.tensors {
            let tensor = try entry.load()
            guard tensor.isFinite else { throw .notFinite(tensor: entry.name) }
            tensors[name] = tensor
        }
        var isTrained = true
        if mapping.head == nil, let seed = options.headSeed {
            tensors.merge(Checkpoint.freshHead(.linear, seed: seed)) { _, fresh in fresh }
            isTrained = false
        }
        if let card = source.card, isTrained { return try Checkpoint(card: card, tensors: tensors) }

        let fileName = URL(fileURLWithPath: path).lastPathComponent
        var notes = "Imported from \(fileName) (\(source.format))"
        if !stateDict.path.isEmpty { notes += ", tensors from \(stateDict.path)" }
        if !mapping.prefix.isEmpty { notes += ", names after \(mapping.prefix)" }
        if !isTrained { notes += "; the head is random" }
        let card = ModelCard(
            name: options.name ?? URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent,
            version: options.version ?? "1", head: mapping.head ?? .linear, trained: isTrained,
            seed: isTrained ? nil : options.headSeed, created: options.created.map(Checkpoint.rfc3339),
            notes: notes + ".")
        return try Checkpoint(card: card, tensors: tensors)
    }

    /// Every floating tensor of a file of any known format, by the place of its dictionary and its name there.
    ///
    /// No network is looked for: this is the reader alone, for tests of it.
    package static func readTensors(path: String) throws(CheckpointError) -> [String: [String: Tensor]] {
        var result: [String: [String: Tensor]] = [:]
        for stateDict in try readSource(path: path).stateDicts where result[stateDict.path] == nil {
            var tensors: [String: Tensor] = [:]
            for entry in stateDict.entries where entry.type.isFloat { tensors[entry.name] = try entry.load() }
            result[stateDict.path] = tensors
        }
        return result
    }

    private static func readSource(path: String) throws(CheckpointError) -> Source {
        let file = try MappedFile(path: path)
        guard !file.bytes.isEmpty else { throw .notACheckpoint("the file is empty") }
        if ZipArchive.matches(file.bytes) {
            let archive = try ZipArchive(file: file)
            if NumpyArchive.matches(archive) {
                let entries = try NumpyArchive(archive: archive).entries
                return Source(format: "NumPy", stateDicts: [TorchFile.StateDict(path: "", entries: entries)])
            }
            let torch = try TorchFile(archive: archive)
            return Source(format: torch.format, stateDicts: torch.stateDicts)
        }
        if TorchFile.matchesLegacy(file.bytes) {
            let torch = try TorchFile(legacy: file)
            return Source(format: torch.format, stateDicts: torch.stateDicts)
        }
        if SafetensorsFile.matches(file.bytes) {
            let safetensors = try SafetensorsFile(file: file)
            var source = Source(
                format: "safetensors", stateDicts: [TorchFile.StateDict(path: "", entries: safetensors.entries)])
            if let json = safetensors.metadata[Checkpoint.cardKey] { source.card = try ModelCard.decoded(from: json) }
            return source
        }
        if file.bytes[0] == 0x80 {
            // A bare pickle: read it so far as to name what it refers to, since that is what a hostile one is.
            var machine = PickleMachine(bytes: file.bytes)
            _ = try machine.run()
            throw .notACheckpoint("it is a pickle, but not one that torch.save wrote")
        }
        throw .notACheckpoint("it is none of safetensors, PyTorch zip or legacy, and NumPy .npz")
    }

    /// The dictionary with most of ResNet18's names and a head; of equal ones the one under the usual key, then the nearest.
    private static func best(of stateDicts: [TorchFile.StateDict]) -> TorchFile.StateDict {
        let usual = ["", "model_state_dict", "state_dict", "model"]
        func rank(_ path: String) -> Int { usual.firstIndex(of: path) ?? usual.count }
        var best = stateDicts[0]
        func score(_ entries: [TensorEntry]) -> Int {
            let headShape = [1, ResNetArchitecture.featureCount]
            return NameMapping.matchCount(entries) + (entries.contains { $0.shape == headShape } ? 1 : 0)
        }
        var bestCount = score(best.entries)
        for candidate in stateDicts.dropFirst() {
            let count = score(candidate.entries)
            // The flattened whole comes last: it is taken only if it explains more, as with a backbone apart from its head.
            if count > bestCount || (count == bestCount && rank(candidate.path) < rank(best.path) && !candidate.path.isEmpty) {
                (best, bestCount) = (candidate, count)
            }
        }
        return best
    }
}
