import Detector
import Foundation
import NeuralCore
import Testing

@Suite("Import", .serialized)
struct ImportTests {
    private typealias Named = [(name: String, tensor: Tensor)]

    private func named(_ tensors: [String: Tensor], _ rename: (String) -> String = { $0 }) -> Named {
        tensors.sorted { $0.key < $1.key }.map { (rename($0.key), $0.value) }
    }

    /// What nn.Sequential(*list(resnet.children())[:-1]) calls its tensors.
    private func sequentialName(_ name: String) -> String {
        let places = ["conv1": "0", "bn1": "1", "layer1": "4", "layer2": "5", "layer3": "6", "layer4": "7"]
        var parts = name.split(separator: ".").map(String.init)
        parts[0] = places[parts[0]] ?? parts[0]
        return parts.joined(separator: ".")
    }

    @Test("the seed product's checkpoint, a whole .pth with a prefix and nested, is imported in full")
    func seedProduct() throws {
        let folder = try TemporaryFolder()
        let tensors = named(SeededNetwork.linear) { $0.hasPrefix("fc.") ? "classifier." + $0.dropFirst(3) : "backbone." + $0 }
        let counters = [("backbone.bn1.num_batches_tracked", Tensor(shape: [], elements: [3]))]
        let name = "phase1_best_resnet_temporal_avg.pth"
        let path = try folder.write(TorchArchiveWriter(folder: "archive").file(tensors + counters), name)
        let checkpoint = try CheckpointImporter.read(path: path)
        #expect(checkpoint.card.name == "phase1_best_resnet_temporal_avg")
        #expect(checkpoint.card.trained && checkpoint.card.head == .linear)
        #expect(checkpoint.card.notes.contains("model_state_dict") && checkpoint.card.notes.contains("backbone."))
        #expect(checkpoint.tensors == SeededNetwork.linear)

        let native = folder.path("native.safetensors")
        try checkpoint.write(to: native)
        let reopened = try Checkpoint.open(path: native)
        #expect(reopened.sha256 == checkpoint.sha256 && reopened.card == checkpoint.card)
        let values = try NetworkValues.load()
        let input = SeededValues.frames(seed: values.seed, count: values.frames)
        let output = try ResNetDetector(checkpoint: reopened, threads: 2).evaluate(input: input)
        #expect(abs(output.logit - (values.heads["linear"]?.logit ?? .nan)) <= 1e-4)
    }

    @Test(
        "any prefix is recognised",
        arguments: ["", "backbone.", "model.", "module.", "net.", "module.backbone.", "model.net.encoder."])
    func prefixes(prefix: String) throws {
        let folder = try TemporaryFolder()
        let tensors = named(SeededNetwork.linear) { prefix + $0 }
        let path = try folder.write(TorchArchiveWriter(nesting: []).file(tensors), "model.pth")
        #expect(try CheckpointImporter.read(path: path).tensors == SeededNetwork.linear)
    }

    @Test("a Sequential trunk is recognised", arguments: ["features.", "0.", "module.trunk."])
    func sequential(prefix: String) throws {
        let folder = try TemporaryFolder()
        let tensors = named(SeededNetwork.linear) {
            $0.hasPrefix("fc.") ? "head." + $0.dropFirst(3) : prefix + sequentialName($0)
        }
        let path = try folder.write(TorchArchiveWriter(nesting: ["state_dict"]).file(tensors), "model.pth")
        #expect(try CheckpointImporter.read(path: path).tensors == SeededNetwork.linear)
    }

    @Test("a head of two layers is recognised by its shapes, whatever its names")
    func mlp() throws {
        let folder = try TemporaryFolder()
        let names = ["fc.0.weight": "decide.1.weight", "fc.0.bias": "decide.1.bias", "fc.2.weight": "decide.4.weight", "fc.2.bias": "decide.4.bias"]
        let tensors = named(SeededNetwork.mlp) { names[$0] ?? "net." + $0 }
        let path = try folder.write(TorchArchiveWriter(nesting: ["model"]).file(tensors), "model.pth")
        let checkpoint = try CheckpointImporter.read(path: path)
        #expect(checkpoint.card.head == .mlp && checkpoint.tensors == SeededNetwork.mlp)
    }

    @Test("an unused classifier beside a binary head is left out")
    func spareClassifier() throws {
        let folder = try TemporaryFolder()
        var tensors = named(SeededNetwork.linear) { $0.hasPrefix("fc.") ? "head." + $0.dropFirst(3) : "backbone." + $0 }
        tensors.append(("backbone.fc.weight", SeededValues.tensor(seed: 1, name: "spare", shape: [1000, 512])))
        tensors.append(("backbone.fc.bias", Tensor(shape: [1000], elements: [Float](repeating: 0, count: 1000))))
        let path = try folder.write(TorchArchiveWriter().file(tensors), "model.pth")
        #expect(try CheckpointImporter.read(path: path).tensors == SeededNetwork.linear)
    }

    @Test("without a binary head the error says so, and a head seed makes an untrained one")
    func missingHead() throws {
        let folder = try TemporaryFolder()
        var tensors = named(SeededNetwork.linear.filter { !$0.key.hasPrefix("fc.") })
        tensors.append(("fc.weight", SeededValues.tensor(seed: 1, name: "fc", shape: [1000, 512])))
        tensors.append(("fc.bias", Tensor(shape: [1000], elements: [Float](repeating: 0, count: 1000))))
        let path = try folder.write(TorchArchiveWriter(nesting: []).file(tensors), "imagenet.pth")
        let error = #expect(throws: CheckpointError.self) { try CheckpointImporter.read(path: path) }
        #expect(error?.description.contains("without a binary head: found fc.weight [1000, 512]") == true)
        let checkpoint = try CheckpointImporter.read(path: path, options: .init(headSeed: 5, version: "2"))
        #expect(!checkpoint.card.trained && checkpoint.card.seed == 5 && checkpoint.card.version == "2")
        #expect(checkpoint.tensors["fc.weight"]?.shape == [1, 512])
        #expect(checkpoint.tensors["conv1.weight"] == SeededNetwork.linear["conv1.weight"])
    }

    @Test("an .npz with folded normalisation is imported, stored and deflated", arguments: [false, true])
    func foldedNpz(deflated: Bool) throws {
        let folder = try TemporaryFolder()
        var tensors = SeededNetwork.linear.filter { $0.key.hasPrefix("fc.") || $0.value.shape.count == 4 }
        for (name, tensor) in tensors where tensor.shape.count == 4 {
            tensors[name.dropLast("weight".count) + "bias"] = SeededValues.tensor(
                seed: 2, name: name + ".folded.bias", shape: [tensor.shape[0]])
        }
        var zip = ZipWriter()
        for (name, tensor) in tensors {
            let shape = tensor.shape.map { "\($0), " }.joined()
            zip.add(name + ".npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (\(shape)), }", tensor), deflated: deflated)
        }
        let path = try folder.write(zip.finished(), "folded.npz")
        let checkpoint = try CheckpointImporter.read(path: path)
        #expect(checkpoint.tensors == tensors)
        _ = try ResNetDetector(checkpoint: checkpoint, threads: 1)
    }

    @Test("a native file imported again keeps its card; a foreign safetensors gets one")
    func safetensors() throws {
        let folder = try TemporaryFolder()
        let checkpoint = try SeededNetwork.checkpoint()
        try checkpoint.write(to: folder.path("native.safetensors"))
        #expect(try CheckpointImporter.read(path: folder.path("native.safetensors")).card == checkpoint.card)
        let foreign = RawSafetensors(tensors: SeededNetwork.linear.map { ("model." + $0.key, $0.value) })
        let path = try folder.write(foreign.data, "foreign.safetensors")
        #expect(try CheckpointImporter.read(path: path).tensors == SeededNetwork.linear)
    }

    @Test("what is missing, unexpected or of the wrong shape is named")
    func mismatch() throws {
        let folder = try TemporaryFolder()
        var tensors = SeededNetwork.linear
        tensors["layer2.0.conv1.weight"] = nil
        tensors["layer4.1.bn2.running_var"] = nil
        tensors["layer3.2.conv1.weight"] = Tensor(shape: [2], elements: [1, 2])
        tensors["layer1.0.conv2.weight"] = Tensor(shape: [64, 64, 1, 1], elements: [Float](repeating: 0, count: 4096))
        tensors["lstm.weight_ih_l0"] = Tensor(shape: [3], elements: [1, 2, 3])
        let path = try folder.write(TorchArchiveWriter().file(named(tensors) { "net." + $0 }), "model.pth")
        let error = #expect(throws: CheckpointError.self) { try CheckpointImporter.read(path: path) }
        let text = error?.description ?? ""
        #expect(text.contains("missing: net.layer2.0.conv1.weight [128, 64, 3, 3], net.layer4.1.bn2.running_var [512]"))
        #expect(text.contains("unexpected: net.layer3.2.conv1.weight [2], net.lstm.weight_ih_l0 [3]"))
        #expect(text.contains("wrong shape: net.layer1.0.conv2.weight is [64, 64, 1, 1], should be [64, 64, 3, 3]"))
    }

    @Test("two networks in one dictionary are not guessed between")
    func twoNetworks() throws {
        let folder = try TemporaryFolder()
        let tensors = named(SeededNetwork.linear) { "student." + $0 } + named(SeededNetwork.linear) { "teacher." + $0 }
        let path = try folder.write(TorchArchiveWriter().file(tensors), "model.pth")
        let error = #expect(throws: CheckpointError.self) { try CheckpointImporter.read(path: path) }
        #expect(error?.description.contains("holds two networks, \"student.\" and \"teacher.\"") == true)
    }

    @Test("a NaN is named by the file's own name")
    func notFinite() throws {
        let folder = try TemporaryFolder()
        var tensors = SeededNetwork.linear
        tensors["layer3.0.bn1.bias"] = Tensor(shape: [256], elements: [Float](repeating: .nan, count: 256))
        let path = try folder.write(TorchArchiveWriter().file(named(tensors) { "backbone." + $0 }), "model.pth")
        #expect(throws: CheckpointError.notFinite(tensor: "backbone.layer3.0.bn1.bias")) {
            try CheckpointImporter.read(path: path)
        }
    }

    private func npy(_ header: String, _ tensor: Tensor) -> Data {
        var data = Data([0x93]) + Data("NUMPY".utf8) + Data([1, 0])
        data.appendLittleEndian(UInt16(header.utf8.count + 1))
        data.append(Data((header + "\n").utf8))
        tensor.withUnsafeBuffer { data.append(Data(buffer: $0)) }
        return data
    }
}
