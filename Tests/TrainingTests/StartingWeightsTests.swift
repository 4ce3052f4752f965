import Detector
import Foundation
import NeuralCore
import Testing
import Training

/// What a network starts from.
@Suite struct StartingWeightsTests {
    private let card = ModelCard(name: "n", version: "1", trained: true, region: .face, faceCrop: FaceCropRule())

    private func make(_ start: Recipe.Start, folder: String = "/", seed: UInt64 = 3) throws -> StartingWeights.Result {
        try StartingWeights.make(start, folder: folder, card: card, seed: seed)
    }

    private func reason(_ start: Recipe.Start, folder: String = "/") -> String {
        do {
            _ = try make(start, folder: folder)
            return "none"
        } catch {
            return "\(error)"
        }
    }

    /// A safetensors file of float32.
    private func safetensors(_ tensors: [String: Tensor]) -> Data {
        var (members, data): ([String], Data) = ([], Data())
        for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
            let start = data.count
            tensor.withUnsafeBuffer { data.append(Data(buffer: $0)) }
            members.append("\"\(name)\":{\"dtype\":\"F32\",\"shape\":\(tensor.shape),\"data_offsets\":[\(start),\(data.count)]}")
        }
        let text = Data("{\(members.joined(separator: ","))}".utf8)
        return withUnsafeBytes(of: UInt64(text.count).littleEndian) { Data($0) } + text + data
    }

    /// The network folded, each bias one half.
    private func folded() throws -> [String: Tensor] {
        var tensors: [String: Tensor] = [:]
        for (name, tensor) in try Checkpoint.initialised(seed: 5).tensors where tensor.shape.count == 4 {
            tensors[name] = tensor
            tensors[name.replacingOccurrences(of: ".weight", with: ".bias")] = Tensor(
                shape: [tensor.shape[0]], elements: [Float](repeating: 0.5, count: tensor.shape[0]))
        }
        return tensors
    }

    @Test func randomWeightsHaveAHeadOfZeros() throws {
        var start = Recipe.Start()
        let made = try make(start)
        #expect(made.checkpoint.tensors["fc.weight"]?.elements.allSatisfy { $0 == 0 } == true)
        #expect(try made.checkpoint.tensors["conv1.weight"] == Checkpoint.initialised(seed: 3).tensors["conv1.weight"])
        #expect(made.checkpoint.card == card)
        start.zeroHead = false
        #expect(try make(start).checkpoint.tensors["fc.weight"] == Checkpoint.initialised(seed: 3).tensors["fc.weight"])
    }

    @Test func whatIsMissingDoesNothingAtFirst() throws {
        let folder = try ScratchFolder()
        var tensors = try folded()
        // As the partial ImageNet weights: the block's weights are gone, its biases are there, and so is a classifier of 1000 kinds.
        for name in ["layer4.1.conv1.weight", "layer4.1.conv2.weight"] { tensors[name] = nil }
        tensors["fc.weight"] = Tensor(shape: [3, 512]) { _ in }
        tensors["fc.bias"] = Tensor(shape: [3]) { _ in }
        try folder.write("partial.safetensors", safetensors(tensors))
        var start = Recipe.Start()
        start.weights = "partial.safetensors"
        let made = try make(start, folder: folder.path)
        let got = made.checkpoint.tensors
        #expect(made.notes.count == 2 && made.notes.allSatisfy { $0.contains("layer4.1.conv") })
        for name in ["conv1.weight", "conv1.bias", "layer4.0.downsample.0.bias", "layer3.1.conv2.weight"] { #expect(got[name] == tensors[name]) }
        for name in ["layer4.1.conv2.weight", "layer4.1.conv1.bias", "layer4.1.conv2.bias", "fc.weight", "fc.bias"] {
            #expect(got[name]?.elements.allSatisfy { $0 == 0 } == true, "\(name)")
        }
        let drawn = try #require(got["layer4.1.conv1.weight"]).elements
        let variance = drawn.reduce(0.0) { $0 + Double($1 * $1) } / Double(drawn.count)
        #expect(abs(variance / (2 / Double(512 * 9)) - 1) < 0.01)
        #expect(try make(start, folder: folder.path).checkpoint.sha256 == made.checkpoint.sha256)
        #expect(try make(start, folder: folder.path, seed: 4).checkpoint.sha256 != made.checkpoint.sha256)

        start.missing = .refuse
        #expect(reason(start, folder: folder.path).contains("layer4.1.conv1.weight"))
    }

    @Test func filesThatDoNotDo() throws {
        let folder = try ScratchFolder()
        var start = Recipe.Start()
        start.weights = "nowhere.pth"
        #expect(reason(start, folder: folder.path).contains("cannot be read"))
        try folder.write("text", Data("no weights".utf8))
        start.weights = "text"
        #expect(reason(start, folder: folder.path).contains("not a checkpoint"))
        // Half a network is another one.
        try folder.write("half", safetensors(try folded().filter { !$0.key.hasPrefix("layer4") && !$0.key.hasPrefix("layer3") }))
        start.weights = "half"
        #expect(reason(start, folder: folder.path).contains("no ResNet18"))
    }
}
