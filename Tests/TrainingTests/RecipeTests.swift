import Foundation
import Testing
import Training

@Suite struct RecipeTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private func failure(_ yaml: String) -> String {
        do {
            _ = try RecipeReader.recipe(yaml: yaml, path: "r.yaml")
            return "none"
        } catch {
            return "\(error)"
        }
    }

    @Test func whatIsNotWrittenHasItsDefault() throws {
        for kind in Recipe.Kind.allCases {
            #expect(try RecipeReader.recipe(yaml: "kind: \(kind.rawValue)", path: "r") == Recipe(kind: kind))
        }
        let recipe = try RecipeReader.recipe(
            yaml: """
                kind: baseline
                mix: {methods: {Deepfakes: 1, FaceSwap: 2.5}}
                optimiser:
                  kind: sgd
                  rate: 1e-3
                split:
                """, path: "r")
        var expected = Recipe(kind: .baseline)
        expected.mix.methods = ["Deepfakes": 1, "FaceSwap": 2.5]
        expected.optimiser.kind = .sgd
        expected.optimiser.rate = 1e-3
        #expect(recipe == expected)
    }

    @Test func theRecipesOfTheProjectCanBeRead() throws {
        let folder = Self.root.appendingPathComponent("recipes")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".yaml") }
        #expect(Set(names).isSuperset(of: ["baseline.yaml", "self-blend.yaml"]))
        for name in names {
            let recipe = try RecipeReader.read(path: folder.appendingPathComponent(name).path)
            if name.hasPrefix(Recipe.Kind.selfBlend.rawValue) { #expect(recipe.kind == .selfBlend && recipe.validation.patience == 0) }
        }
    }

    @Test(arguments: [
        ("", "no keys"), ("- 1", "no keys"), ("kind: [", "not YAML"), ("seed: 1", "kind is missing"), ("kind: other", "not one of"),
        ("kind: baseline\nsede: 3", "unknown key sede (line 2); did you mean seed?"),
        ("kind: baseline\noptimiser:\n  learningRate: 3", "unknown key optimiser.learningRate (line 3)"),
        ("kind: baseline\noptimiser:\n  weightdecay: 3", "did you mean weightDecay?"),
        ("kind: baseline\nseed: 1\nseed: 2", "seed"),
        ("kind: baseline\nsteps: many", "steps must be a whole number, it is \"many\" (line 2)"),
        ("kind: baseline\nsteps: 1.5", "steps must be"), ("kind: baseline\nsteps: 0", "steps is 0, not within 1…10000000"),
        ("kind: baseline\nseed: -1", "seed must be a whole number of 0 or more"),
        ("kind: baseline\noptimiser: {rate: -1}", "optimiser.rate is -1"), ("kind: baseline\noptimiser: {rate: .nan}", "optimiser.rate is nan"),
        ("kind: baseline\noptimiser: {rate: .inf}", "optimiser.rate is inf"),
        ("kind: baseline\noptimiser: {kind: adam}", "optimiser.kind"), ("kind: baseline\noptimiser: 3", "optimiser must have keys"),
        ("kind: baseline\nseed: {a: 1}", "seed has keys"), ("kind: baseline\nsplit: {heldOut: 1}", "split.heldOut is 1"),
        ("kind: baseline\nmix: {methods: {a: -1}}", "mix.methods.a"), ("kind: self-blend\nregion: frame", "region must be face"),
        ("kind: self-blend\nmix: {methods: {a: 1}}", "belongs to baseline"),
        ("kind: self-blend\nmix: {framesPerClip: 17}", "mix.framesPerClip is 17"),
        ("kind: baseline\nvalidation: {everySteps: 0}", "validation.patience needs"), ("kind: baseline\nname: \"\"", "name must have"),
        ("kind: self-blend\nblend: {wrong: 1}", "unknown key blend.wrong"),
    ]) func saysWhatIsWrong(yaml: String, words: String) {
        let failure = failure(yaml)
        #expect(failure.contains(words) && failure.hasPrefix("the recipe r.yaml: ") && !failure.contains("\n"), "\(failure)")
    }

    @Test func filesThatAreNone() throws {
        #expect(throws: TrainingError.self) { try RecipeReader.read(path: "/nowhere/recipe.yaml") }
        let folder = try ScratchFolder()
        try folder.write("binary", Data([0xFF, 0xFE, 0, 1, 2, 0x80]))
        #expect(throws: TrainingError.self) { try RecipeReader.read(path: folder.path + "/binary") }
    }

    @Test func digestKnowsWhatDecides() {
        let recipe = Recipe(kind: .selfBlend)
        var changed = recipe
        changed.machine.threads = 7
        changed.start.weights = "elsewhere.npz"
        #expect(changed.digest == recipe.digest)
        changed.seed = 2
        #expect(changed.digest != recipe.digest)
    }

    /// docs/recipes.md has a row of each value with its default.
    @Test func theTableOfDefaultsIsTrue() throws {
        let text = try String(contentsOf: Self.root.appendingPathComponent("docs/recipes.md"), encoding: .utf8)
        let table = text.components(separatedBy: "\n## ")[0]
        let rows = table.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { row in
            row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }
        let documented = Dictionary(rows.map { ($0[0].trimmingCharacters(in: ["`"]), $0[1]) }, uniquingKeysWith: { first, _ in first })
        func flat(_ value: Any, _ place: String) -> [String: String] {
            guard let keys = value as? [String: Any], !keys.isEmpty else { return [place: "\(value)"] }
            return keys.reduce(into: [:]) { $0.merge(flat($1.value, place.isEmpty ? $1.key : "\(place).\($1.key)")) { a, _ in a } }
        }
        let json = try JSONSerialization.jsonObject(with: Recipe(kind: .selfBlend).canonicalJSON)
        for name in flat(json, "").keys where !name.hasPrefix("blend.") && !name.hasPrefix("augmentation.") && name != "kind" {
            let written = try #require(documented[name], "\(name) has no row")
            // The row's default, put into a recipe, changes nothing.
            let value = written.split(separator: "`").first.map(String.init) ?? ""
            let parts = name.split(separator: ".")
            let yaml = parts.count == 1 ? "\(name): \(value)" : "\(parts[0]): {\(parts[1]): \(value)}"
            #expect(try RecipeReader.recipe(yaml: "kind: self-blend\n\(yaml)", path: name) == Recipe(kind: .selfBlend), "\(name) is not \(value)")
        }
        for name in documented.keys where name.contains(".") && !name.hasPrefix("blend") && !name.hasPrefix("augmentation") {
            #expect(flat(json, "")[name] != nil, "\(name) is documented and does not exist")
        }
    }
}
