/// Finds ResNet18 and its head among tensors with unknown names.
///
/// A tensor's name is torchvision's after some prefix (`module.backbone.layer1.0.conv1.weight`), or its place in an
/// `nn.Sequential` of the network's children (`features.4.0.conv1.weight`). One prefix and one style hold for the whole
/// network: the pair that explains most tensors is taken.
struct NameMapping {
    /// Tensors under the checkpoint's own names.
    let tensors: [String: TensorEntry]
    /// Nil if a fresh head has to be made.
    let head: ModelCard.Head?
    /// What stands before torchvision's names, with its dot.
    let prefix: String

    private enum Style: Hashable { case named, sequential }
    private struct Reading: Hashable {
        let prefix: String
        let style: Style
    }

    /// Fewer matches than this are an accident, not a ResNet18; folded and partial ones have more than 30.
    private static let minimumMatches = 20
    private static let counterName = "num_batches_tracked"
    /// Children of torchvision's ResNet by their place: 2 and 3 (max(0, x) and pooling) have no tensors.
    private static let children = ["0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4"]

    /// How many of the names one reading explains: what the best of several dictionaries is chosen by.
    static func matchCount(_ entries: [TensorEntry]) -> Int {
        votes(entries).values.max() ?? 0
    }

    /// Throws what is missing, unexpected or of the wrong shape. Without a head it throws unless `allowsMissingHead`.
    init(entries: [TensorEntry], allowsMissingHead: Bool) throws(CheckpointError) {
        let votes = NameMapping.votes(entries)
        let ranked = votes.sorted { ($1.value, $0.key.prefix.count, $0.key.prefix) < ($0.value, $1.key.prefix.count, $1.key.prefix) }
        guard let (reading, count) = ranked.first, count >= NameMapping.minimumMatches else {
            throw .notACheckpoint(NameMapping.summary(of: entries))
        }
        if let second = ranked.dropFirst().first, second.value == count {
            throw .unsupported(
                "it holds two networks, \(NameMapping.quoted(reading)) and \(NameMapping.quoted(second.key)); save one of them")
        }
        prefix = reading.prefix

        var found: [String: TensorEntry] = [:]
        var rest: [TensorEntry] = []
        for entry in entries {
            if let name = NameMapping.canonicalName(entry.name, reading) {
                guard found.updateValue(entry, forKey: name) == nil else {
                    throw .malformed("the tensor \(entry.name) is there twice")
                }
            } else if !NameMapping.isCounter(entry) {
                rest.append(entry)
            }
        }
        var finder = HeadFinder(entries: rest)
        head = finder.find()
        found.merge(finder.tensors) { backbone, _ in backbone }
        tensors = found

        var mismatch = ResNetArchitecture.mismatch(found: found.mapValues(\.shape), head: head)
        if reading.style == .named { mismatch.prepend(prefix) }
        // A classifier of another task beside a binary head cannot feed it; without a head it is the reason for that.
        let leftover = finder.rest.filter { !NameMapping.isClassifier($0, prefix: prefix) }
        mismatch.unexpected += leftover.map { "\($0.name) \($0.shape)" }
        if head == nil, !allowsMissingHead {
            guard mismatch.missing.isEmpty, mismatch.wrongShape.isEmpty else {
                mismatch.missing.append("a head [1, 512]")
                throw .mismatch(mismatch)
            }
            let seen = finder.rest.map { "\($0.name) \($0.shape)" }
            throw .headMissing(seen.isEmpty ? "nothing follows layer4" : "found \(seen.prefix(6).joined(separator: ", "))")
        }
        guard mismatch.isEmpty else { throw .mismatch(mismatch) }
        for (name, entry) in found where !entry.type.isFloat {
            throw .unsupported("the tensor \(name) holds integers, float16, bfloat16, float32 or float64 expected")
        }
    }

    private static func votes(_ entries: [TensorEntry]) -> [Reading: Int] {
        var votes: [Reading: Int] = [:]
        for entry in entries {
            let parts = entry.name.split(separator: ".", omittingEmptySubsequences: false)
            // No name of ours has more than five parts; what stands before them is the prefix.
            for start in parts.indices.suffix(5) {
                let prefix = parts[..<start].map { $0 + "." }.joined()
                for style in [Style.named, .sequential] {
                    let reading = Reading(prefix: prefix, style: style)
                    if canonicalName(entry.name, reading) != nil { votes[reading, default: 0] += 1 }
                }
            }
        }
        return votes
    }

    private static func canonicalName(_ name: String, _ reading: Reading) -> String? {
        guard name.hasPrefix(reading.prefix) else { return nil }
        var parts = name.dropFirst(reading.prefix.count).split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        if reading.style == .sequential {
            guard let child = parts.first.flatMap({ children[$0] }) else { return nil }
            parts[0] = child
        }
        let canonical = parts.joined(separator: ".")
        return ResNetArchitecture.backboneShapes[canonical] == nil ? nil : canonical
    }

    /// Integers that count training steps change nothing.
    private static func isCounter(_ entry: TensorEntry) -> Bool {
        entry.name.hasSuffix(counterName) || (entry.shape.isEmpty && !entry.type.isFloat)
    }

    private static func isClassifier(_ entry: TensorEntry, prefix: String) -> Bool {
        (entry.name == prefix + "fc.weight" && entry.shape.count == 2)
            || (entry.name == prefix + "fc.bias" && entry.shape.count == 1)
    }

    private static func quoted(_ reading: Reading) -> String { "\"\(reading.prefix)\"" }

    private static func summary(of entries: [TensorEntry]) -> String {
        guard !entries.isEmpty else { return "it holds no tensors" }
        let names = entries.prefix(4).map { "\($0.name) \($0.shape)" }.joined(separator: ", ")
        return "its \(entries.count) tensors (\(names)\(entries.count > 4 ? ", …" : "")) are not those of a ResNet18"
    }
}

extension CheckpointError.Mismatch {
    /// Puts the file's own prefix before the network's names.
    fileprivate mutating func prepend(_ prefix: String) {
        missing = missing.map { $0.hasPrefix("fc.") ? $0 : prefix + $0 }
        unexpected = unexpected.map { $0.hasPrefix("fc.") ? $0 : prefix + $0 }
        wrongShape = wrongShape.map { .init(name: prefix + $0.name, expected: $0.expected, found: $0.found) }
    }
}
