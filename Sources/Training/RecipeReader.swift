import Augmentation
import Foundation
import Yams

/// Reads a recipe from YAML: what is not written has its kind's default, what is not known is an error.
public enum RecipeReader {
    /// A recipe is some kilobytes; more is another file.
    private static let maximumBytes = 1 << 20

    /// The recipe of a file.
    public static func read(path: String) throws(TrainingError) -> Recipe {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw .recipe(path: path, reason: "it cannot be read: \(error.localizedDescription)")
        }
        guard data.count <= maximumBytes, let text = String(data: data, encoding: .utf8) else {
            throw .recipe(path: path, reason: "it is no text of at most 1 MiB")
        }
        return try recipe(yaml: text, path: path)
    }

    /// The recipe of a text; `path` is what errors call it.
    public static func recipe(yaml: String, path: String) throws(TrainingError) -> Recipe {
        let written = try parsed(yaml, path: path)
        let kinds = Recipe.Kind.allCases.map(\.rawValue)
        guard let word = written["kind"]?.scalar?.string else {
            throw .recipe(path: path, reason: "kind is missing: it is one of \(kinds.joined(separator: ", "))")
        }
        guard let kind = Recipe.Kind(rawValue: word) else {
            throw .recipe(path: path, reason: "kind is \(word), not one of \(kinds.joined(separator: ", "))")
        }
        let merged: Node
        do {
            guard let defaults = try Yams.compose(yaml: YAMLEncoder().encode(Recipe(kind: kind))) else {
                preconditionFailure("the defaults are a mapping")
            }
            merged = try merge(written, over: defaults, place: [])
        } catch let problem as Problem {
            throw .recipe(path: path, reason: problem.text)
        } catch {
            preconditionFailure("the defaults can be written as YAML: \(error)")
        }
        var recipe: Recipe
        do {
            recipe = try YAMLDecoder().decode(Recipe.self, from: merged)
        } catch {
            throw .recipe(path: path, reason: explanation(of: error, in: written))
        }
        if written["augmentation"]?["region"] == nil, let region = PictureSettings.Region(rawValue: recipe.region.rawValue) {
            recipe.augmentation.region = region
        }
        if let problem = recipe.problem { throw .recipe(path: path, reason: problem) }
        return recipe
    }

    private static func parsed(_ yaml: String, path: String) throws(TrainingError) -> Node {
        do {
            guard let node = try Yams.compose(yaml: yaml), node.mapping != nil else {
                throw Problem(text: "it has no keys; at least kind is needed")
            }
            return node
        } catch let problem as Problem {
            throw .recipe(path: path, reason: problem.text)
        } catch {
            let words = "\(error)".split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
            throw .recipe(path: path, reason: "it is not YAML: \(words.joined(separator: " ").prefix(500))")
        }
    }

    private struct Problem: Error {
        var text: String
    }

    /// What is written takes the place of the defaults, mapping by mapping. A mapping that is empty by default has keys of the user's own.
    private static func merge(_ written: Node, over defaults: Node, place: [String]) throws -> Node {
        guard let known = defaults.mapping else {
            if written.mapping != nil { throw Problem(text: "\(name(place)) has keys, but is a single value\(line(of: written))") }
            return written
        }
        guard let given = written.mapping else {
            // A key with nothing after it, as when all of its lines are comments.
            if written.isNothing { return defaults }
            throw Problem(text: "\(name(place)) must have keys of its own\(line(of: written))")
        }
        if known.isEmpty, !place.isEmpty { return written }
        var merged = known
        let names = Array(known.keys).compactMap(\.string)
        for (key, value) in given {
            guard let word = key.scalar?.string else { throw Problem(text: "a key of \(name(place)) is no word\(line(of: key))") }
            guard let standard = known[Node(word)] else {
                let nearest = NearestName.of(word, in: names).map { "; did you mean \($0)?" } ?? ""
                throw Problem(text: "unknown key \(name(place + [word]))\(line(of: key))\(nearest) Known here: \(names.joined(separator: ", "))")
            }
            merged[Node(word)] = try merge(value, over: standard, place: place + [word])
        }
        return .mapping(merged)
    }

    private static func name(_ place: [String]) -> String { place.isEmpty ? "the recipe" : place.joined(separator: ".") }

    private static func line(of node: Node) -> String { node.mark.map { " (line \($0.line))" } ?? "" }

    private static func explanation(of error: any Error, in written: Node) -> String {
        guard let error = error as? DecodingError else { return "\(error)" }
        let (context, what): (DecodingError.Context, String) =
            switch error {
            case .typeMismatch(let type, let context): (context, "must be \(words(for: type))")
            case .valueNotFound(let type, let context): (context, "must be \(words(for: type))")
            case .keyNotFound(let key, let context): (context, "lacks \(key.stringValue)")
            case .dataCorrupted(let context): (context, "makes no sense: \(context.debugDescription)")
            @unknown default: (.init(codingPath: [], debugDescription: ""), "\(error)")
            }
        let place = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }
        var node: Node? = written
        for key in context.codingPath { node = key.intValue.flatMap { node?[$0] } ?? node?[key.stringValue] }
        let value = node?.scalar.map { ", it is \"\($0.string)\"" } ?? ""
        return "\(name(place)) \(what)\(value)\(node.map(line(of:)) ?? "")"
    }

    private static func words(for type: Any.Type) -> String {
        switch type {
        case is Double.Type, is Float.Type: "a number"
        case is Int.Type: "a whole number"
        case is UInt64.Type: "a whole number of 0 or more"
        case is Bool.Type: "true or false"
        case is String.Type: "a text"
        default: "a \(type)"
        }
    }
}

extension Node {
    fileprivate var isNothing: Bool { scalar.map { ["", "~", "null"].contains($0.string) } ?? false }
}

/// The known word that a misspelt one was probably meant to be.
enum NearestName {
    /// Nil where none is near: more than half of the letters would have to change.
    static func of(_ word: String, in names: [String]) -> String? {
        let ranked = names.map { ($0, distance(word.lowercased(), $0.lowercased())) }
        guard let (name, distance) = ranked.min(by: { $0.1 < $1.1 }), distance <= max(1, max(name.count, word.count) / 2) else { return nil }
        return name
    }

    /// Levenshtein's distance.
    private static func distance(_ a: String, _ b: String) -> Int {
        let (a, b) = (Array(a), Array(b))
        var row = Array(0...b.count)
        for i in 0..<a.count {
            var diagonal = row[0]
            row[0] = i + 1
            for j in 0..<b.count {
                let substitution = diagonal + (a[i] == b[j] ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(substitution, row[j] + 1, diagonal + 1)
            }
        }
        return row[b.count]
    }
}
