import Detector
import Foundation
import NeuralCore
import Testing

@Suite("Readers of files that PyTorch and NumPy wrote")
struct ReaderTests {
    @Test("every kind of tensor is read, zip and legacy", arguments: ["tiny-zip.pth", "tiny-legacy.pth"])
    func tiny(name: String) throws {
        let all = try CheckpointImporter.readTensors(path: Fixture.url(name).path)
        let tensors = try #require(all["model_state_dict"])
        let base = (0..<24).map { Float($0) / 8 }
        #expect(tensors["plain"] == Tensor(shape: [2, 3], elements: Array(base[..<6])))
        #expect(tensors["transposed"] == Tensor(shape: [3, 2], elements: [0, 3, 1, 4, 2, 5].map { base[$0] }))
        #expect(tensors["window"] == Tensor(shape: [6], elements: Array(base[4..<10])))
        #expect(tensors["shared"] == Tensor(shape: [2, 3], elements: [8, 9, 10, 14, 15, 16].map { base[$0] }))
        #expect(tensors["parameter"] == Tensor(shape: [2], elements: [0.5, -1.5]))
        #expect(tensors["half"]?.elements == [1, -2.5, 0x1.0p-14, 0x1p-24, 65504])
        #expect(tensors["bfloat"]?.elements.prefix(2) == [1, -3.140625])
        #expect(tensors["double"]?.elements == [0.1, -1e-3])
        #expect(tensors["scalar"] == Tensor(shape: [], elements: [7.25]))
        #expect(tensors["empty"]?.shape == [0, 3])
        #expect(tensors["num_batches_tracked"] == nil)
    }

    @Test("arrays are read, stored and deflated, in both orders", arguments: ["tiny.npz", "tiny-deflated.npz"])
    func numpy(name: String) throws {
        let tensors = try #require(try CheckpointImporter.readTensors(path: Fixture.url(name).path)[""])
        let expected = Tensor(shape: [2, 3], elements: [0, 1, 2, 3, 4, 5])
        #expect(tensors["plain"] == expected && tensors["fortran"] == expected)
        #expect(tensors["half"]?.elements == [1, -2.5])
        #expect(tensors["double"]?.elements == [0.1, -1e-3])
    }

    @Test("a pickle that would run a program is refused by name", arguments: ["system-call-zip.pth", "system-call-legacy.pth"])
    func systemCall(name: String) {
        let error = #expect(throws: CheckpointError.refusedGlobal("posix.system")) {
            try CheckpointImporter.read(path: Fixture.url(name).path)
        }
        #expect(error?.description.contains("refers to posix.system: refused, nothing was run") == true)
    }

    @Test("a module pickled whole is refused by its class")
    func wholeModule() {
        #expect(throws: CheckpointError.refusedGlobal("torch.nn.modules.linear.Linear")) {
            try CheckpointImporter.read(path: Fixture.url("whole-module.pth").path)
        }
    }

    @Test("os.system is refused in every spelling a pickle has")
    func spellings() throws {
        let folder = try TemporaryFolder()
        let pickles: [[UInt8]] = [
            Array("\u{2}cos\nsystem\n(X\u{4}\0\0\0echot\u{52}.".utf8),
            [2, 0x8c, 2] + Array("os".utf8) + [0x8c, 6] + Array("system".utf8) + [0x93] + Array(".".utf8),
            Array("\u{2}(ios\nsystem\n.".utf8),
        ]
        for (index, pickle) in pickles.enumerated() {
            let bytes = Data([0x80] + pickle)
            var zip = ZipWriter()
            zip.add("archive/data.pkl", bytes, deflated: index == 1)
            for data in [bytes, zip.finished()] {
                let path = try folder.write(data, "hostile-\(index)")
                #expect(throws: CheckpointError.refusedGlobal("os.system")) { try CheckpointImporter.read(path: path) }
            }
        }
    }

    @Test("another network's checkpoint is told by its tensors")
    func otherNetwork() {
        let error = #expect(throws: CheckpointError.self) {
            try CheckpointImporter.read(path: Fixture.url("tiny-zip.pth").path)
        }
        #expect(error?.description.contains("are not those of a ResNet18") == true)
    }

    @Test("cut anywhere, a file is an error and never a crash", arguments: ["tiny-zip.pth", "tiny-legacy.pth", "tiny-deflated.npz"])
    func cutShort(name: String) throws {
        let folder = try TemporaryFolder()
        let whole = try Data(contentsOf: Fixture.url(name))
        for count in stride(from: 0, to: whole.count - 1, by: 7) {
            let path = try folder.write(whole.prefix(count), "cut")
            #expect(throws: CheckpointError.self, "\(count) of \(whole.count) bytes") {
                try CheckpointImporter.readTensors(path: path)
            }
        }
    }

    @Test("flipped bytes are an error or harmless, never a crash", arguments: ["tiny-zip.pth", "tiny-legacy.pth", "tiny.npz", "tiny-deflated.npz"])
    func flipped(name: String) throws {
        let folder = try TemporaryFolder()
        let whole = try Data(contentsOf: Fixture.url(name))
        var refused = 0
        for turn in 0..<400 {
            var bytes = whole
            let random = SeededValues.uniform(seed: UInt64(turn), name: name, count: 3)
            bytes[Int((random[0] + 1) / 2 * Double(whole.count))] = UInt8((random[1] + 1) * 127.5)
            let path = try folder.write(bytes, "flipped")
            do {
                _ = try CheckpointImporter.readTensors(path: path)
            } catch {
                refused += 1
            }
        }
        #expect(refused > 0)
    }

    @Test(
        "a tensor that lies about its place is refused",
        arguments: [
            (offset: 0, shape: 5, stride: 1), (offset: 4, shape: 1, stride: 1), (offset: 0, shape: 2, stride: 4),
            (offset: 0, shape: 9, stride: 0), (offset: 1, shape: 2, stride: 0x7fff_ffff), (offset: -1, shape: 1, stride: 1),
            (offset: 0, shape: -2, stride: 1), (offset: 0, shape: 2, stride: -1),
        ])
    func lyingTensor(offset: Int, shape: Int, stride: Int) throws {
        func integer(_ value: Int) -> Data {
            var data = Data("J".utf8)
            data.appendLittleEndian(Int32(value))
            return data
        }
        func text(_ value: String) -> Data {
            var data = Data("X".utf8)
            data.appendLittleEndian(UInt32(value.utf8.count))
            return data + Data(value.utf8)
        }
        var pickle = Data([0x80, 2]) + Data("}".utf8) + text("weight") + Data("ctorch._utils\n_rebuild_tensor_v2\n((".utf8)
        pickle += text("storage") + Data("ctorch\nFloatStorage\n".utf8) + text("0") + text("cpu") + integer(4)
        pickle += Data("tQ".utf8) + integer(offset) + integer(shape) + Data([0x85]) + integer(stride) + Data([0x85, 0x89])
        pickle += Data("ccollections\nOrderedDict\n)RtRs.".utf8)
        var zip = ZipWriter()
        zip.add("archive/data.pkl", pickle)
        zip.add("archive/data/0", Data(count: 16))
        let folder = try TemporaryFolder()
        let path = try folder.write(zip.finished(), "lying.pth")
        #expect(throws: CheckpointError.self) { try CheckpointImporter.readTensors(path: path) }
    }

    @Test("a storage shorter than its tensor is refused")
    func shortStorage() throws {
        let tensor = Tensor(shape: [2], elements: [1, 2])
        var zip = ZipWriter()
        zip.add("archive/data.pkl", TorchArchiveWriter(nesting: []).picklingOnly([("weight", tensor)]))
        zip.add("archive/data/0", Data(count: 4))
        let folder = try TemporaryFolder()
        let path = try folder.write(zip.finished(), "short.pth")
        let error = #expect(throws: CheckpointError.self) { try CheckpointImporter.readTensors(path: path) }
        #expect(error?.description.contains("has 4 bytes, 8 expected") == true)
    }

    @Test("a million nested lists neither overflow the stack nor take long")
    func deepNesting() throws {
        var pickle = Data([0x80, 2])
        pickle.append(Data(repeating: UInt8(ascii: "]"), count: 1_000_000))
        pickle.append(Data(repeating: UInt8(ascii: "a"), count: 999_999))
        pickle.append(UInt8(ascii: "."))
        var zip = ZipWriter()
        zip.add("archive/data.pkl", pickle)
        let folder = try TemporaryFolder()
        let path = try folder.write(zip.finished(), "deep.pth")
        #expect(try CheckpointImporter.readTensors(path: path).isEmpty)
        let error = #expect(throws: CheckpointError.self) { try CheckpointImporter.read(path: path) }
        #expect(error?.description.contains("holds no tensors by name") == true)
    }

    @Test("a deflated entry that claims terabytes is not believed")
    func bomb() throws {
        var zip = ZipWriter()
        zip.add("archive/data.pkl", Data(repeating: 0x29, count: 20 << 20), deflated: true)
        let folder = try TemporaryFolder()
        let path = try folder.write(zip.finished(), "bomb.pth")
        let error = #expect(throws: CheckpointError.self) { try CheckpointImporter.read(path: path) }
        #expect(error?.description.contains("at most 16777216 expected") == true)
    }
}
