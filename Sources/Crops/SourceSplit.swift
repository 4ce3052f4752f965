import NeuralCore

/// Sources divided into those to train on and those to choose by: whole groups only, so that nobody is in both.
public struct SourceSplit: Codable, Sendable, Equatable {
    /// Places in the list of sources, ascending.
    public let training: [Int]
    /// Places in the list of sources, ascending.
    public let validation: [Int]

    /// Divides sources by group, stratified by label: groups of reals, of fakes and of both are divided each in the share asked for, as nearly as
    /// whole groups allow.
    ///
    /// Which groups are chosen follows from the seed and the groups' names alone: more sources leave a group where it was, as far as the share
    /// allows. A kind of groups gives each part at least one of them where it has two.
    ///
    /// - Parameters:
    ///   - share: of the sources that are for validation, between 0 and 1.
    ///   - needed: labels that both parts must have; those that the sources have by default.
    /// - Throws: `badShare`, `tooFewGroups`, `labelMissing` for one that is needed and not there, `labelInOneGroup` and `labelNotDivisible`.
    public init(
        _ sources: [CropSource], validationShare share: Double = 0.2, seed: UInt64, needed: Set<CropSource.Label>? = nil
    ) throws(CropsError) {
        guard share > 0, share < 1 else { throw .badShare(share) }
        let groups = Dictionary(grouping: sources.indices) { sources[$0].group }
        let present = Set(sources.map(\.label))
        for label in CropSource.Label.allCases where needed?.contains(label) == true && !present.contains(label) {
            throw .labelMissing(label)
        }
        guard groups.count >= 2 else { throw .tooFewGroups(count: groups.count) }
        let strata = Dictionary(grouping: groups.keys) { name in Set((groups[name] ?? []).map { sources[$0].label }) }
        var chosen: Set<String> = []
        for names in strata.values {
            let order = Self.shuffled(names, seed: seed)
            chosen.formUnion(order.prefix(Self.count(of: order.map { groups[$0]?.count ?? 0 }, share: share)))
        }
        if chosen.isEmpty {
            // Every kind is a single group: one of them goes over.
            chosen = [Self.shuffled(Array(groups.keys), seed: seed)[0]]
        }
        for label in CropSource.Label.allCases where present.contains(label) && needed?.contains(label) != false {
            let holders = Self.shuffled(groups.keys.filter { name in groups[name]?.contains { sources[$0].label == label } == true }, seed: seed)
            guard holders.count >= 2 else { throw .labelInOneGroup(label: label, group: holders.first ?? "") }
            // Kinds of a single group stay together; one that the other part needs goes over.
            if chosen.isDisjoint(with: holders) { chosen.insert(holders[0]) }
            if chosen.isSuperset(of: holders) { chosen.remove(holders[holders.count - 1]) }
        }
        validation = sources.indices.filter { chosen.contains(sources[$0].group) }
        training = sources.indices.filter { !chosen.contains(sources[$0].group) }
        guard !training.isEmpty, !validation.isEmpty else { throw .tooFewGroups(count: groups.count) }
        for label in CropSource.Label.allCases where present.contains(label) && needed?.contains(label) != false {
            for part in [training, validation] where !part.contains(where: { sources[$0].label == label }) {
                throw .labelNotDivisible(label)
            }
        }
    }

    /// Refuses two lists of sources, indexed apart, that share a group or a file.
    public static func requireApart(training: [CropSource], validation: [CropSource]) throws(CropsError) {
        let groups = Dictionary(training.map { ($0.group, $0.path) }, uniquingKeysWith: { first, _ in first })
        let files = Dictionary(training.map { ($0.sha256, $0.path) }, uniquingKeysWith: { first, _ in first })
        for source in validation {
            if let other = files[source.sha256] { throw .shared(what: "a file", training: other, validation: source.path) }
            if let other = groups[source.group] {
                throw .shared(what: "the group \(source.group)", training: other, validation: source.path)
            }
        }
    }

    /// Each name draws a number of its own.
    private static func shuffled(_ names: [String], seed: UInt64) -> [String] {
        let keyed = names.map { name in
            var random = SeededRandom(seed: seed, stream: "split \(name)")
            return (key: random.next(), name: name)
        }
        return keyed.sorted { ($0.key, $0.name) < ($1.key, $1.name) }.map(\.name)
    }

    /// How many of the groups, from the first, hold a share of the sources most nearly.
    private static func count(of sizes: [Int], share: Double) -> Int {
        let target = share * Double(sizes.reduce(0, +))
        var (taken, best, distance) = (0, 0, target)
        for (place, size) in sizes.enumerated() {
            taken += size
            if abs(Double(taken) - target) < distance { (best, distance) = (place + 1, abs(Double(taken) - target)) }
        }
        return sizes.count < 2 ? 0 : min(max(best, 1), sizes.count - 1)
    }
}
