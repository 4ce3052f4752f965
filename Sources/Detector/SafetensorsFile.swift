import NeuralCore

/// A safetensors file, mapped and validated as a whole before any tensor is handed out.
struct SafetensorsFile: Sendable {
    /// A header beyond this is not one of ours: 62 to 126 tensors take some 10 kB.
    private static let maximumHeaderBytes = 16 << 20

    /// Text of `__metadata__`.
    let metadata: [String: String]
    let entries: [TensorEntry]

    /// True if the bytes can start a safetensors file: a length, then a brace.
    static func matches(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count >= 9, bytes[8] == UInt8(ascii: "{") else { return false }
        return UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self)) < UInt64(maximumHeaderBytes)
    }

    init(file: MappedFile) throws(CheckpointError) {
        let bytes = file.bytes
        guard bytes.count >= 8 else { throw .cutShort("\(bytes.count) bytes are no safetensors header") }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length <= UInt64(SafetensorsFile.maximumHeaderBytes) else {
            throw .malformed("the safetensors header claims \(length) bytes")
        }
        let dataStart = 8 + Int(length)
        guard dataStart <= bytes.count else {
            throw .cutShort("the safetensors header has \(length) bytes, the file \(bytes.count)")
        }
        let header = try SafetensorsHeader(parsing: UnsafeRawBufferPointer(rebasing: bytes[8..<dataStart]))
        metadata = header.metadata

        var entries: [TensorEntry] = []
        var end = 0
        // In order of place, so that overlaps and holes show; the format forbids both.
        for (name, entry) in header.entries.sorted(by: { ($0.value.begin, $0.value.end, $0.key) < ($1.value.begin, $1.value.end, $1.key) }) {
            guard entry.begin >= end else { throw .malformed("the tensor \(name) overlaps another") }
            guard entry.begin == end else { throw .malformed("a hole lies before the tensor \(name)") }
            let type = try SafetensorsFile.elementType(entry.type, of: name)
            guard let count = Tensor.elementCount(of: entry.shape), entry.end >= entry.begin,
                case let (size, overflow) = count.multipliedReportingOverflow(by: type.byteCount), !overflow,
                size == entry.end - entry.begin
            else { throw .malformed("the tensor \(name) of shape \(entry.shape) does not fit its \(entry.end - entry.begin) bytes") }
            guard entry.end <= bytes.count - dataStart else {
                throw .cutShort("the tensor \(name) ends \(entry.end - (bytes.count - dataStart)) bytes after the file")
            }
            end = entry.end
            let place = dataStart + entry.begin..<dataStart + entry.end
            entries.append(
                TensorEntry(name: name, shape: entry.shape, type: type) { () throws(CheckpointError) -> Tensor in
                    SafetensorsFile.tensor(shape: entry.shape, type: type, place: place, file: file)
                })
        }
        guard end == bytes.count - dataStart else {
            throw .malformed("\(bytes.count - dataStart - end) bytes follow the last tensor")
        }
        self.entries = entries
    }

    private static func elementType(_ name: String, of tensor: String) throws(CheckpointError) -> ElementType {
        switch name {
        case "F32": .float32
        case "F16": .float16
        case "BF16": .bfloat16
        case "F64": .float64
        case "I64", "U64": .other(bytes: 8)
        case "I32", "U32": .other(bytes: 4)
        case "I16", "U16": .other(bytes: 2)
        case "I8", "U8", "BOOL": .other(bytes: 1)
        default: throw .unsupported("the tensor \(tensor) has the number format \(name)")
        }
    }

    private static func tensor(shape: [Int], type: ElementType, place: Range<Int>, file: MappedFile) -> Tensor {
        let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[place])
        let isAligned = Int(bitPattern: bytes.baseAddress) % MemoryLayout<Float>.alignment == 0
        if type == .float32, isAligned {
            return Tensor(shape: shape, borrowing: bytes.bindMemory(to: Float.self), from: file)
        }
        return type.tensor(
            shape: shape, strides: ElementType.rowMajorStrides(of: shape), firstElement: 0, in: bytes)
    }
}
