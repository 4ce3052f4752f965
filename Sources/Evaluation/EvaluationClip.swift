import Crops

/// A clip whose label is known.
public struct EvaluationClip: Codable, Sendable, Hashable {
    public typealias Label = CropSource.Label

    /// Where its file is.
    public var path: String
    /// What the report calls it: its path below the data's folder.
    public var name: String
    public var label: Label
    /// How a fake was made, such as `Deepfakes`; `real` for real ones.
    public var method: String
    /// What it belongs to: a source, an identity, or clips that share them. Intervals over groups draw these.
    public var group: String
    /// Of the file's bytes, in lower-case hexadecimal; nil where nobody computed it. Equal bytes with two labels end a run.
    public var sha256: String?

    public init(path: String, name: String, label: Label, method: String, group: String, sha256: String? = nil) {
        self.path = path
        self.name = name
        self.label = label
        self.method = method
        self.group = group
        self.sha256 = sha256
    }

    public var isFake: Bool { label == .fake }
}

/// Groups of clips that share an identity, directly or through others: a fake of 183 and 253 ties the real 183 to the real 253.
public struct IdentityGroups: Sendable {
    private var parents: [String: String] = [:]

    public init() {}

    /// Takes note of the identities of one clip, at least one.
    public mutating func join(_ identities: [String]) {
        guard let first = identities.first else { return }
        for identity in identities {
            parents[identity] = parents[identity] ?? identity
            let (a, b) = (root(first), root(identity))
            // The smaller name leads, whatever the order of the clips.
            parents[max(a, b)] = min(a, b)
        }
    }

    /// The group of an identity: the names of all that it is tied to, in order, joined with `+`; of more than six the first and the number.
    public func group(of identity: String) -> String {
        let root = root(identity)
        let members = Set(parents.keys).union([identity]).filter { self.root($0) == root }.sorted()
        return members.count > 6 ? "\(members[0])+\(members.count - 1) more" : members.joined(separator: "+")
    }

    private func root(_ identity: String) -> String {
        var name = identity
        while let parent = parents[name], parent != name { name = parent }
        return name
    }
}
