import Detector
import Foundation
import Testing

@Suite("The model that ships")
struct ShippedModelTests {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    @Test("is found from a program in the source tree and from an installed one, and from nowhere else")
    func path() throws {
        #expect(ShippedModel.path(from: "\(Self.root)/.build/release") == "\(Self.root)/models/whorl.safetensors")
        #expect(ShippedModel.path != nil)
        let folder = try TemporaryFolder()
        let programs = folder.path("bin")
        try FileManager.default.createDirectory(atPath: programs, withIntermediateDirectories: true)
        #expect(ShippedModel.path(from: programs) == nil)
        let models = folder.path("share/whorl/models")
        try FileManager.default.createDirectory(atPath: models, withIntermediateDirectories: true)
        try Data("weights".utf8).write(to: URL(fileURLWithPath: models + "/whorl.safetensors"))
        let installed = try #require(ShippedModel.path(from: programs))
        #expect(try Data(contentsOf: URL(fileURLWithPath: installed)) == Data("weights".utf8))
    }

    @Test("is trained, calibrated, in half precision, and carries the card that docs/ shows")
    func card() throws {
        let path = try #require(ShippedModel.path)
        let model = try Checkpoint.open(path: path)
        #expect(model.card.trained && model.card.region == .face && model.storage == .float16 && model.card.created != nil)
        #expect(model.card.temperature != 1 && model.card.abstention[0] < model.card.threshold && model.card.threshold < model.card.abstention[1])
        let words = try String(contentsOfFile: "\(Self.root)/docs/model-card.md", encoding: .utf8)
        #expect(model.card.notes == words.trimmingCharacters(in: .whitespacesAndNewlines))
        #expect(words.contains(model.card.name) && words.contains(model.card.version))
    }
}
