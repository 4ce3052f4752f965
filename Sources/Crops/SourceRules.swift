import Foundation

/// What a source's place says about it.
public struct SourceFacts: Sendable, Equatable {
    public var label: CropSource.Label
    /// As `CropSource` has it.
    public var method: String
    /// Who or what it shows: sources that share one of these are of one group. Never empty.
    public var identities: [String]

    public init(label: CropSource.Label, method: String, identities: [String]) {
        self.label = label
        self.method = method
        self.identities = identities
    }
}

/// Tells label, method and group of sources from their paths, which are as `CropSource` has them: `FOLDER/below/name.mp4`.
///
/// A table says the most, then a pattern, and what they leave open is read off the folders: the last `real` or `fake` among them is the label; a
/// fake's method is the folder below `fake`, or else its name's start before the first `_`; and its group is its name without ending and such a
/// start. Labels that contradict each other are an error.
public struct SourceRules: Sendable {
    private let pattern: String?
    private let captures: Set<String>
    private let table: SourceTable?
    private let label: CropSource.Label?

    /// Rules of folders alone, with a label for what is in neither `real` nor `fake`.
    public init(label: CropSource.Label? = nil) {
        pattern = nil
        captures = []
        table = nil
        self.label = label
    }

    /// Rules with a pattern, a table, or both.
    ///
    /// - Parameters:
    ///   - pattern: a regular expression (ICU's syntax) that is looked for in the path. It may capture `(?<label>…)`, `(?<method>…)`,
    ///     `(?<group>…)` and, for a source that belongs to several people, `(?<group2>…)` to `(?<group9>…)`: with `(?<group>\d+)_(?<group2>\d+)` the fakes
    ///     183_253 and 253_183 and the reals 183 and 253 become one group.
    ///   - table: comma-separated values with a line of names: `path` and any of `label`, `method`, `group` to `group9`. A row's path is a source's,
    ///     or the end of one after a `/`. Every source must have a row.
    ///   - label: of sources that nothing else labels.
    /// - Throws: `badPattern`, `badTable`, and `twoLabels` for rows of one path.
    public init(
        pattern: String? = nil, table: (name: String, text: String)? = nil, label: CropSource.Label? = nil
    ) throws(CropsError) {
        self.pattern = pattern
        self.label = label
        captures = try pattern.map { pattern throws(CropsError) in try Self.captures(of: pattern) } ?? []
        self.table = try table.map { table throws(CropsError) in try SourceTable(name: table.name, text: table.text) }
    }

    /// What the paths say, in their order.
    ///
    /// - Throws: `noMatch`, `notInTable`, `unlabelled`, `twoLabels` where table, pattern and folders contradict each other, and `badPattern` for a
    ///   label that is neither real nor fake.
    public func facts(of paths: [String]) throws(CropsError) -> [SourceFacts] {
        let expression = try pattern.map { pattern throws(CropsError) in try Self.compile(pattern) }
        var facts: [SourceFacts] = []
        facts.reserveCapacity(paths.count)
        for path in paths { facts.append(try self.facts(of: path, expression)) }
        return facts
    }

    /// Rows of the table that no path answers to, in the table's order.
    public func rowsWithoutFile(among paths: [String]) -> [String] {
        table?.unused(among: paths) ?? []
    }

    private func facts(of path: String, _ expression: NSRegularExpression?) throws(CropsError) -> SourceFacts {
        var clues = Clues()
        if let table {
            guard let row = table.row(of: path) else { throw .notInTable(path: path, name: table.name) }
            clues = row
        }
        let labelledBy = clues.label == nil ? nil : table?.name
        if let expression, let pattern {
            let captured = try captured(from: path, expression, pattern)
            if let named = clues.label, let other = captured.label, named != other {
                throw .twoLabels(
                    first: "\(labelledBy ?? "") on \(path)", firstLabel: named, second: "the pattern", secondLabel: other)
            }
            clues.fill(with: captured)
        }
        let folders = FolderClues(path)
        if let named = clues.label, let other = folders.label, named != other {
            throw .twoLabels(
                first: "\(labelledBy ?? "the pattern") on \(path)", firstLabel: named, second: "its folder", secondLabel: other)
        }
        guard let label = clues.label ?? folders.label ?? label else { throw .unlabelled(path: path) }
        let method = clues.method ?? (label == .real ? "real" : folders.method ?? "unknown")
        let identities = clues.identities.isEmpty ? [label == .real ? folders.stem : folders.group] : clues.identities
        return SourceFacts(label: label, method: method, identities: identities)
    }

    private func captured(
        from path: String, _ expression: NSRegularExpression, _ pattern: String
    ) throws(CropsError) -> Clues {
        guard let match = expression.firstMatch(in: path, range: NSRange(path.startIndex..., in: path)) else {
            throw .noMatch(path: path, pattern: pattern)
        }
        func value(_ name: String) -> String? {
            guard captures.contains(name), let range = Range(match.range(withName: name), in: path), !range.isEmpty else { return nil }
            return String(path[range])
        }
        var clues = Clues(method: value("method"), identities: Clues.groupNames.compactMap(value))
        if let word = value("label") {
            guard let label = CropSource.Label(rawValue: word.lowercased()) else {
                throw .badPattern(pattern: pattern, reason: "it captures \(word) as the label of \(path), which must be real or fake")
            }
            clues.label = label
        }
        return clues
    }

    private static func compile(_ pattern: String) throws(CropsError) -> NSRegularExpression {
        do {
            return try NSRegularExpression(pattern: pattern)
        } catch {
            throw .badPattern(pattern: pattern, reason: "it is no regular expression")
        }
    }

    private static func captures(of pattern: String) throws(CropsError) -> Set<String> {
        _ = try compile(pattern)
        let known = Set(["label", "method"] + Clues.groupNames)
        let found = Set(pattern.matches(of: /\(\?<([A-Za-z][A-Za-z0-9]*)>/).map { String($0.1) })
        if let stranger = found.subtracting(known).sorted().first {
            throw .badPattern(pattern: pattern, reason: "it captures \(stranger); it may capture label, method, group and group2 to group9")
        }
        guard !found.isEmpty else {
            throw .badPattern(pattern: pattern, reason: "it captures nothing; write (?<group>…), (?<method>…) or (?<label>…) around a part")
        }
        return found
    }
}

extension SourceRules {
    /// Groups' names for sources of these identities, in their order: sources that share an identity, also by way of others, are of one group.
    ///
    /// A group is named after its identities, in order of their names: `183+253`, or `183+15 more` where they are many.
    public static func groups(of identities: [[String]]) -> [String] {
        let names = Set(identities.joined()).sorted()
        let numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
        // Each leads to one with a smaller number, the smallest of a group to itself.
        var parents = Array(names.indices)
        func root(_ start: Int) -> Int {
            var number = start
            while parents[number] != number {
                parents[number] = parents[parents[number]]
                number = parents[number]
            }
            return number
        }
        let members = identities.map { $0.compactMap { numbers[$0] } }
        for list in members {
            for (one, other) in zip(list, list.dropFirst()) {
                let (a, b) = (root(one), root(other))
                parents[max(a, b)] = min(a, b)
            }
        }
        var joined: [Int: [String]] = [:]
        for number in names.indices { joined[root(number), default: []].append(names[number]) }
        let labels = joined.mapValues { $0.count <= 4 ? $0.joined(separator: "+") : "\($0[0])+\($0.count - 1) more" }
        return members.map { list in list.first.flatMap { labels[root($0)] } ?? "" }
    }
}

/// What one rule says of a source; nil and empty where it says nothing.
struct Clues: Sendable, Equatable {
    static let groupNames = ["group"] + (2...9).map { "group\($0)" }

    var label: CropSource.Label?
    var method: String?
    var identities: [String] = []

    /// Takes from another what this one leaves open.
    mutating func fill(with other: Clues) {
        label = label ?? other.label
        method = method ?? other.method
        if identities.isEmpty { identities = other.identities }
    }
}

/// What a path's folders and name say.
private struct FolderClues {
    var label: CropSource.Label?
    /// Of a fake.
    var method: String?
    /// The name without its ending.
    var stem: String
    /// Of a fake: the stem without the method that it starts with, so that one pair's fakes by several methods are of one group.
    var group: String

    init(_ path: String) {
        let parts = path.split(separator: "/").map(String.init)
        let folders = parts.dropLast()
        let name = parts.last ?? path
        let ending = name.lastIndex(of: ".") ?? name.endIndex
        stem = ending == name.startIndex ? name : String(name[..<ending])
        group = stem
        guard let place = folders.lastIndex(where: { CropSource.Label(rawValue: $0.lowercased()) != nil }) else { return }
        label = CropSource.Label(rawValue: folders[place].lowercased())
        if place + 1 < folders.endIndex {
            method = folders[place + 1]
        } else if let end = stem.firstIndex(of: "_"), end > stem.startIndex, stem.index(after: end) < stem.endIndex {
            method = String(stem[..<end])
            group = String(stem[stem.index(after: end)...])
        }
    }
}
