import Foundation
import NeuralCore

/// Writes a `.pth` as `torch.save` writes `{"epoch": …, "model_state_dict": OrderedDict(…)}`, for import tests that need
/// a full-size file where no Python is. `PyTorchImportTests` holds it against PyTorch itself where there is one.
struct TorchArchiveWriter {
    /// Name of the folder inside the zip: torch takes the file's own.
    var folder = "archive"
    /// Keys around the state dict, outermost first; a bare state dict if empty.
    var nesting = ["model_state_dict"]
    private var pickle = Data()
    private var memo: [String: Int] = [:]
    private var memoCount = 0

    init(folder: String = "archive", nesting: [String] = ["model_state_dict"]) {
        self.folder = folder
        self.nesting = nesting
    }

    /// The file's bytes; tensors in the order given.
    func file(_ tensors: [(name: String, tensor: Tensor)]) -> Data {
        var zip = ZipWriter()
        zip.add("\(folder)/data.pkl", picklingOnly(tensors))
        zip.add("\(folder)/.format_version", Data("1".utf8))
        zip.add("\(folder)/.storage_alignment", Data("64".utf8))
        zip.add("\(folder)/byteorder", Data("little".utf8))
        for (index, item) in tensors.enumerated() {
            zip.add("\(folder)/data/\(index)", item.tensor.withUnsafeBuffer { Data(buffer: $0) })
        }
        zip.add("\(folder)/version", Data("3\n".utf8))
        zip.add("\(folder)/.data/serialization_id", Data(String(repeating: "0", count: 40).utf8))
        return zip.finished()
    }

    func picklingOnly(_ tensors: [(name: String, tensor: Tensor)]) -> Data {
        var writer = self
        writer.emit(0x80, 2)
        for key in nesting {
            writer.emit(UInt8(ascii: "}"))
            writer.put()
            writer.emit(UInt8(ascii: "("))
            writer.text("epoch")
            writer.integer(12)
            writer.text("best_score")
            writer.emit(UInt8(ascii: "G"))
            writer.pickle.append(contentsOf: withUnsafeBytes(of: (0.875).bitPattern.bigEndian) { Array($0) })
            writer.text(key)
        }
        writer.orderedDict(tensors)
        for _ in nesting { writer.emit(UInt8(ascii: "u")) }
        writer.emit(UInt8(ascii: "."))
        return writer.pickle
    }

    private mutating func orderedDict(_ tensors: [(name: String, tensor: Tensor)]) {
        global("collections", "OrderedDict")
        emit(UInt8(ascii: ")"), UInt8(ascii: "R"))
        put()
        emit(UInt8(ascii: "("))
        for (index, item) in tensors.enumerated() {
            text(item.name)
            tensor(item.tensor, key: String(index))
        }
        emit(UInt8(ascii: "u"))
    }

    private mutating func tensor(_ tensor: Tensor, key: String) {
        global("torch._utils", "_rebuild_tensor_v2")
        emit(UInt8(ascii: "("), UInt8(ascii: "("))
        text("storage")
        global("torch", "FloatStorage")
        text(key)
        text("cpu")
        integer(tensor.count)
        emit(UInt8(ascii: "t"))
        put()
        emit(UInt8(ascii: "Q"))
        integer(0)
        tuple(tensor.shape)
        tuple(tensor.shape.indices.map { tensor.shape[($0 + 1)...].reduce(1, *) })
        emit(0x89)
        global("collections", "OrderedDict")
        emit(UInt8(ascii: ")"), UInt8(ascii: "R"))
        put()
        emit(UInt8(ascii: "t"))
        put()
        emit(UInt8(ascii: "R"))
        put()
    }

    private mutating func tuple(_ values: [Int]) {
        if values.count > 3 { emit(UInt8(ascii: "(")) }
        for value in values { integer(value) }
        emit(values.isEmpty ? UInt8(ascii: ")") : values.count > 3 ? UInt8(ascii: "t") : UInt8(0x84 + values.count))
        if !values.isEmpty { put() }
    }

    private mutating func integer(_ value: Int) {
        switch value {
        case 0..<256: emit(UInt8(ascii: "K"), UInt8(value))
        case 256..<65536:
            emit(UInt8(ascii: "M"))
            pickle.appendLittleEndian(UInt16(value))
        default:
            emit(UInt8(ascii: "J"))
            pickle.appendLittleEndian(Int32(value))
        }
    }

    private mutating func text(_ text: String) {
        remembered("text " + text) { writer in
            writer.emit(UInt8(ascii: "X"))
            writer.pickle.appendLittleEndian(UInt32(text.utf8.count))
            writer.pickle.append(contentsOf: text.utf8)
        }
    }

    private mutating func global(_ module: String, _ name: String) {
        remembered("global \(module) \(name)") { writer in
            writer.pickle.append(contentsOf: "c\(module)\n\(name)\n".utf8)
        }
    }

    private mutating func remembered(_ key: String, write: (inout TorchArchiveWriter) -> Void) {
        if let index = memo[key] {
            if index < 256 {
                emit(UInt8(ascii: "h"), UInt8(index))
            } else {
                emit(UInt8(ascii: "j"))
                pickle.appendLittleEndian(UInt32(index))
            }
            return
        }
        write(&self)
        memo[key] = memoCount
        put()
    }

    private mutating func put() {
        if memoCount < 256 {
            emit(UInt8(ascii: "q"), UInt8(memoCount))
        } else {
            emit(UInt8(ascii: "r"))
            pickle.appendLittleEndian(UInt32(memoCount))
        }
        memoCount += 1
    }

    private mutating func emit(_ bytes: UInt8...) { pickle.append(contentsOf: bytes) }
}
