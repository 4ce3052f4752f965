import Foundation
import Testing

@Suite struct ModelTests {
    private struct Summary: Decodable {
        struct Card: Decodable {
            var name, version, head: String
            var trained: Bool
        }
        struct Tensor: Decodable {
            var name: String
            var shape: [Int]
        }
        var card: Card
        var sha256: String
        var parameterCount: Int
        var tensors: [Tensor]
    }

    private func inspect(_ path: String) throws -> Summary {
        let outcome = try WhorlProcess.run(["model", "inspect", path, "--json"])
        try #require(outcome.status == 0, "\(outcome.error)")
        return try JSONDecoder().decode(Summary.self, from: Data(outcome.output.utf8))
    }

    @Test func sameSeedSameBytes() throws {
        let folder = try TestFolder()
        func make(_ name: String, _ seed: String, _ head: String) throws -> String {
            let path = "\(folder.path)/new/\(name)"
            let outcome = try WhorlProcess.run(["model", "init", "--seed", seed, "--head", head, "--output", path])
            #expect(outcome.status == 0)
            #expect(outcome.output.contains("UNTRAINED"))
            return try inspect(path).sha256
        }
        let first = try make("a", "3", "linear")
        #expect(try make("b", "3", "linear") == first)
        #expect(try folder.bytes("new/a") == folder.bytes("new/b"))
        #expect(try make("c", "4", "linear") != first)
        #expect(try make("d", "3", "mlp") != first)
        #expect(try inspect("\(folder.path)/new/d").card.head == "mlp")
    }

    @Test func overwritesOnlyWhenForced() throws {
        let folder = try TestFolder()
        let path = try folder.write("kept", [1, 2, 3])
        let refused = try WhorlProcess.run(["model", "init", "--seed", "1", "--output", path])
        #expect(refused.status == 1)
        #expect(refused.error.contains("--force"))
        #expect(try folder.bytes("kept") == [1, 2, 3])
        #expect(try WhorlProcess.run(["model", "init", "--seed", "1", "--output", path, "--force"]).status == 0)
        #expect(try folder.bytes("kept").count > 40_000_000)
    }

    @Test func inspectShowsCardAndTensors() throws {
        let model = try WhorlProcess.model.get()
        let summary = try inspect(model)
        #expect(!summary.card.trained)
        #expect(summary.tensors.contains { $0.name == "conv1.weight" && $0.shape == [64, 3, 7, 7] })
        #expect(summary.parameterCount > 11_000_000 && summary.parameterCount < 12_000_000)
        let text = try WhorlProcess.run(["model", "inspect", model])
        #expect(text.status == 0)
        for word in ["resnet18", "NO: its verdicts mean nothing", summary.sha256, "[64, 3, 7, 7]"] {
            #expect(text.output.contains(word), "\(word)")
        }
    }

    @Test func importKeepsTheWeights() throws {
        let folder = try TestFolder()
        let path = "\(folder.path)/imported.safetensors"
        let outcome = try WhorlProcess.run([
            "model", "import", try WhorlProcess.model.get(), "--output", path, "--name", "renamed", "--model-version", "9",
        ])
        #expect(outcome.status == 0)
        let summary = try inspect(path)
        #expect(summary.card.name == "renamed" && summary.card.version == "9")
        #expect(!summary.card.trained, "a name makes no model trained")
        #expect(try WhorlProcess.run(["model", "import", "/etc/hostname", "--output", "\(folder.path)/x"]).status == 1)
    }

    @Test func badCheckpoints() throws {
        let folder = try TestFolder()
        let good = try Data(contentsOf: URL(fileURLWithPath: try WhorlProcess.model.get()))
        var poisoned = good
        // The last tensor's last number becomes a NaN.
        poisoned.replaceSubrange(poisoned.count - 4..<poisoned.count, with: [0, 0, 0xC0, 0x7F])
        let cases: [(String, String)] = [
            (try folder.write("text", "not a checkpoint\n".utf8), "not a checkpoint"),
            (try folder.write("empty", []), "empty"),
            (try folder.write("cut", good.prefix(1_000_000)), "cut short"),
            (try folder.write("nan", poisoned), "NaN"),
            ("\(folder.path)/missing", "cannot be read"),
        ]
        let clip = try folder.clip()
        for (path, words) in cases {
            let commands = [["analyze", clip, "--model", path], ["model", "inspect", path]]
            for command in commands {
                let outcome = try WhorlProcess.run(command)
                #expect(outcome.status == 1, "\(command)")
                #expect(outcome.error.contains(words), "\(command): \(outcome.error)")
                #expect(outcome.error.split(separator: "\n").count == 1 && outcome.error.hasPrefix("whorl: "))
            }
        }
    }

    @Test func verifyTellsSameFromOther() throws {
        let folder = try TestFolder()
        let model = try WhorlProcess.model.get()
        func reference(_ name: String, logit: Float) throws -> String {
            let input = [Float](repeating: 0.25, count: 3 * 224 * 224)
            return try folder.write(name, safetensors([("input", [1, 3, 224, 224], input), ("logit", [1], [logit])]))
        }
        let wrong = try WhorlProcess.run(["model", "verify", "--model", model, "--reference", try reference("wrong", logit: 40)])
        #expect(wrong.status == 1)
        #expect(wrong.output.contains("FAILED"))
        // Verify prints the logit it found; a reference that holds it passes.
        let printed = try #require(wrong.output.firstMatch(of: /logit (-?[0-9.e-]+)/))
        let logit = try #require(Float(printed.1))
        let right = try WhorlProcess.run(["model", "verify", "--model", model, "--reference", try reference("right", logit: logit)])
        #expect(right.status == 0)
        #expect(right.output.contains("passed"))
        let none = try WhorlProcess.run(["model", "verify", "--model", model, "--reference", "\(folder.path)/missing"])
        #expect(none.status == 1)
    }

    private func safetensors(_ tensors: [(name: String, shape: [Int], values: [Float])]) -> [UInt8] {
        var header: [String] = []
        var data: [UInt8] = []
        for tensor in tensors {
            let start = data.count
            for value in tensor.values { withUnsafeBytes(of: value.bitPattern.littleEndian) { data += Array($0) } }
            header.append(
                "\"\(tensor.name)\":{\"dtype\":\"F32\",\"shape\":\(tensor.shape),\"data_offsets\":[\(start),\(data.count)]}")
        }
        let text = Array("{\(header.joined(separator: ","))}".utf8)
        return withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) } + text + data
    }
}
