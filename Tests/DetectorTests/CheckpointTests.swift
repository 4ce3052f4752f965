import Detector
import Foundation
import NeuralCore
import Testing

@Suite("Checkpoint", .serialized)
struct CheckpointTests {
    @Test("a fresh checkpoint is the same for a seed, to the byte, and says it is untrained", arguments: ModelCard.Head.allCases)
    func initialised(head: ModelCard.Head) throws {
        let folder = try TemporaryFolder()
        let first = try Checkpoint.initialised(seed: 42, head: head)
        let again = try Checkpoint.initialised(seed: 42, head: head)
        #expect(first.sha256 == again.sha256 && first.tensors == again.tensors)
        #expect(try Checkpoint.initialised(seed: 43, head: head).sha256 != first.sha256)
        #expect(!first.card.trained && first.card.seed == 42 && first.card.head == head)
        try first.write(to: folder.path("a.safetensors"))
        try again.write(to: folder.path("b.safetensors"))
        let bytes = try Data(contentsOf: URL(fileURLWithPath: folder.path("a.safetensors")))
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path("b.safetensors"))) == bytes)
        let opened = try Checkpoint.open(path: folder.path("a.safetensors"))
        #expect(opened.sha256 == first.sha256 && opened.card == first.card && opened.tensors == first.tensors)
        let frame = [UInt8](repeating: 128, count: 224 * 224 * 3)
        #expect(try ResNetDetector(checkpoint: opened, threads: 1).evaluate(frames: [frame]).logit.isFinite)
    }

    @Test("float16 rounds to the nearest, ties to even, and the file is what memory holds")
    func halfPrecision() throws {
        let folder = try TemporaryFolder()
        let cases: [(Float, Float)] = [
            (1, 1), (-1, -1), (0, 0), (1 + 0x1p-11, 1), (1 + 0x3p-11, 1 + 0x1p-9), (1 + 0x1.1p-11, 1 + 0x1p-10), (0.1, 0x1.998p-4),
            (65_504, 65_504), (-65_519, -65_504), (0x1p-14, 0x1p-14), (0x1.fffp-15, 0x1p-14), (0x1p-24, 0x1p-24), (0x1p-25, 0),
            (0x1.8p-25, 0x1p-24), (0x1.8p-24, 0x1p-23), (-0x1p-30, 0), (0x1.ffdp15, 65_504), (3.14159265, 3.140625),
        ]
        var tensors = SeededNetwork.linear
        var weights = tensors["fc.weight"]?.elements ?? []
        for (index, (value, _)) in cases.enumerated() { weights[index] = value }
        tensors["fc.weight"] = Tensor(shape: [1, 512], elements: weights)
        let whole = try Checkpoint(card: SeededNetwork.card(), tensors: tensors)
        let half = try whole.stored(as: .float16)
        for (index, (value, expected)) in cases.enumerated() {
            #expect(half.tensors["fc.weight"]?.elements[index] == expected, "\(value)")
        }
        for (name, tensor) in half.tensors {
            let isNearest = zip(tensor.elements, tensors[name]?.elements ?? []).allSatisfy { rounded, value in
                abs(rounded - value) <= max(abs(value) * 0x1p-11, 0x1p-25)
            }
            #expect(isNearest, "\(name)")
        }
        #expect(try half.stored(as: .float16).sha256 == half.sha256)
        try whole.write(to: folder.path("whole.safetensors"))
        try half.write(to: folder.path("half.safetensors"))
        let opened = try Checkpoint.open(path: folder.path("half.safetensors"))
        #expect(opened.sha256 == half.sha256 && opened.tensors == half.tensors && opened.storage == .float16)
        #expect(try opened.with(card: SeededNetwork.card()).sha256 == half.sha256)
        let sizes = try ["whole", "half"].map {
            try FileManager.default.attributesOfItem(atPath: folder.path($0 + ".safetensors"))[.size] as? Int ?? 0
        }
        #expect(2 * sizes[1] <= sizes[0] + 20_000)
        weights[0] = 65_520
        tensors["fc.weight"] = Tensor(shape: [1, 512], elements: weights)
        #expect(throws: CheckpointError.self) { try Checkpoint(card: SeededNetwork.card(), tensors: tensors, storage: .float16) }
    }

    @Test("writing replaces the file whole and leaves nothing beside it")
    func atomicWrite() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("model.safetensors")
        try Data("old".utf8).write(to: URL(fileURLWithPath: path))
        let checkpoint = try SeededNetwork.checkpoint()
        try checkpoint.write(to: path)
        #expect(try Checkpoint.open(path: path).sha256 == checkpoint.sha256)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["model.safetensors"])
        #expect(throws: CheckpointError.self) { try checkpoint.write(to: folder.path("no/such/folder/m.safetensors")) }
    }

    @Test("an edited card makes another checkpoint of the same weights")
    func editedCard() throws {
        let checkpoint = try SeededNetwork.checkpoint()
        var card = checkpoint.card
        card.temperature = 1.5
        card.notes = "quotes \" and \\ and\nlines, and letters beyond ASCII: ß 漢 🙂"
        let edited = try checkpoint.with(card: card)
        #expect(edited.sha256 != checkpoint.sha256 && edited.tensors == checkpoint.tensors)
        let folder = try TemporaryFolder()
        try edited.write(to: folder.path("m.safetensors"))
        #expect(try Checkpoint.open(path: folder.path("m.safetensors")).card == card)
    }

    @Test("a card that makes no sense is refused")
    func badCards() throws {
        let edits: [(inout ModelCard) -> Void] = [
            { $0.temperature = 0 }, { $0.temperature = .infinity }, { $0.threshold = 1 }, { $0.abstention = [0.6, 0.4] },
            { $0.abstention = [] }, { $0.std = [1, 0, 1] }, { $0.mean = [1] }, { $0.frames = 0 }, { $0.frames = 65 },
            { $0.inputSize = 256 }, { $0.architecture = "resnet50" }, { $0.precision = "int8" }, { $0.name = "" },
            { $0.region = .face }, { $0.faceCrop = FaceCropRule() },
            { $0.region = .face; $0.faceCrop = FaceCropRule(scale: 0.5) }, { $0.std = [1e-60, 1, 1] }, { $0.mean = [1e300, 0, 0] },
            { $0.name = String(repeating: "n", count: 201) }, { $0.scores = ScoreDistribution(real: [], fake: [0.5]) },
            { $0.scores = ScoreDistribution(real: [0.1], fake: [0.5]); $0.scores?.real.append(1) },
            { $0.scores = ScoreDistribution(real: [0.1], fake: [0.5]); $0.scores?.fake[0] = -1 },
        ]
        for edit in edits {
            var card = SeededNetwork.card()
            edit(&card)
            let error = #expect(throws: CheckpointError.self) { try Checkpoint(card: card, tensors: SeededNetwork.linear) }
            guard case .invalidCard? = error else {
                Issue.record("\(String(describing: error)) for \(card)")
                continue
            }
        }
        let error = #expect(throws: CheckpointError.self) {
            try Checkpoint(card: SeededNetwork.card(head: .mlp), tensors: SeededNetwork.linear)
        }
        #expect(error?.description.contains("missing: fc.0.weight [512, 512]") == true)
    }

    @Test("an empty tensor with sides beyond counting is an error and no trap")
    func emptyTensorOfHugeSides() throws {
        let folder = try TemporaryFolder()
        let header = #"{"x":{"dtype":"F16","shape":[0,1099511627776,1099511627776],"data_offsets":[0,0]}}"#
        let path = folder.path("empty.safetensors")
        try RawSafetensors(header: header, body: Data()).data.write(to: URL(fileURLWithPath: path))
        #expect(throws: CheckpointError.self) { try Checkpoint.open(path: path) }
        #expect(throws: CheckpointError.self) { try CheckpointImporter.read(path: path) }
    }

    @Test("names of a hundred thousand parts do not keep the importer")
    func namesOfManyParts() throws {
        let folder = try TemporaryFolder()
        let name = String(repeating: "a.", count: 50_000) + "weight"
        let path = folder.path("long.safetensors")
        let tensor = Tensor(shape: [1], elements: [1])
        try RawSafetensors(tensors: [(name, tensor)]).data.write(to: URL(fileURLWithPath: path))
        #expect(throws: CheckpointError.self) { try CheckpointImporter.read(path: path) }
    }

    @Test("a NaN among the weights is named, and so is a normalisation that folds to one")
    func notFinite() throws {
        var tensors = SeededNetwork.linear
        tensors["fc.bias"] = Tensor(shape: [1], elements: [.infinity])
        #expect(throws: CheckpointError.notFinite(tensor: "fc.bias")) {
            try Checkpoint(card: SeededNetwork.card(), tensors: tensors)
        }
        tensors = SeededNetwork.linear
        tensors["layer2.1.bn1.running_var"] = Tensor(shape: [128], elements: [Float](repeating: -1, count: 128))
        let checkpoint = try Checkpoint(card: SeededNetwork.card(), tensors: tensors)
        #expect(throws: CheckpointError.notFinite(tensor: "layer2.1.conv1 (folded)")) {
            try ResNetDetector(checkpoint: checkpoint, threads: 1)
        }
    }

    @Test(
        "files that are no checkpoint are told what they are",
        arguments: [
            (Data(), "the file is empty"), (Data("hello, this is text".utf8), "no safetensors file"),
            (Data([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0]), "no safetensors file"),
            (RawSafetensors(header: "{}", body: Data()).data, "the file has none; import it"),
        ] as [(Data, String)])
    func notACheckpoint(contents: Data, message: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(contents, "file")
        let error = #expect(throws: CheckpointError.self) { try Checkpoint.open(path: path) }
        #expect(error?.description.contains(message) == true, "\(String(describing: error))")
        #expect(throws: CheckpointError.self) { try CheckpointImporter.read(path: path) }
    }

    @Test("a file that is not there, a folder and a device are refused", arguments: ["/no/such/file", "/tmp", "/dev/zero"])
    func unreadable(path: String) {
        let error = #expect(throws: CheckpointError.self) { try Checkpoint.open(path: path) }
        #expect(error?.description.contains("cannot be read") == true)
    }

    @Test("cut short, a native checkpoint says so")
    func cutShort() throws {
        let folder = try TemporaryFolder()
        try SeededNetwork.checkpoint().write(to: folder.path("whole.safetensors"))
        let whole = try Data(contentsOf: URL(fileURLWithPath: folder.path("whole.safetensors")))
        for count in [9, 500, 20_000, whole.count / 2, whole.count - 1] {
            let path = try folder.write(whole.prefix(count), "cut.safetensors")
            let error = #expect(throws: CheckpointError.self) { try Checkpoint.open(path: path) }
            #expect(error?.description.contains("cut short") == true, "\(count) bytes: \(String(describing: error))")
        }
        let path = try folder.write(whole + Data([0]), "long.safetensors")
        #expect(throws: CheckpointError.malformed("1 bytes follow the last tensor")) { try Checkpoint.open(path: path) }
    }

    @Test(
        "a lying safetensors header is refused",
        arguments: [
            (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, "does not fit its 4 bytes"),
            (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, "hole"),
            (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, "hole"),
            (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, "overlaps"),
            (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, "twice"),
            (#"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#, "after the file"),
            (#"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}"#, "does not fit"),
            (#"{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}}"#, "too large"),
            (#"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, "natural number"),
            (#"{"a":{"dtype":"Q4","shape":[2],"data_offsets":[0,8]}}"#, "number format Q4"),
            (#"{"a":{"dtype":"F32","shape":[2]}}"#, "lacks"),
            (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":[]}}"#, "does not know"),
            (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#, "expected"),
            (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} x"#, "the end expected"),
            (#"{"\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, "surrogate"),
            (#"{"__metadata__":{"card":"{}"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, "name is missing"),
            (#"{"__metadata__":{"card":"no"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, "not the JSON"),
        ])
    func lyingHeader(header: String, message: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(RawSafetensors(header: header, body: Data(count: 8)).data, "lying.safetensors")
        let error = #expect(throws: CheckpointError.self) { try Checkpoint.open(path: path) }
        #expect(error?.description.contains(message) == true, "\(String(describing: error))")
    }
}
