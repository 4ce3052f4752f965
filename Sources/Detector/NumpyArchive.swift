import NeuralCore

/// The arrays of an `.npz` file: a zip of `.npy` files (numpy.lib.format, versions 1–3).
struct NumpyArchive {
    private static let suffix = ".npy"

    let entries: [TensorEntry]

    /// True if the zip file holds arrays.
    static func matches(_ archive: ZipArchive) -> Bool {
        archive.entries.keys.contains { $0.hasSuffix(suffix) }
    }

    init(archive: ZipArchive) throws(CheckpointError) {
        var entries: [TensorEntry] = []
        for entry in archive.entries.values.sorted(by: { $0.name < $1.name }) where entry.name.hasSuffix(Self.suffix) {
            entries.append(try NumpyArchive.tensorEntry(entry))
        }
        self.entries = entries
    }

    private static func tensorEntry(_ entry: ZipEntry) throws(CheckpointError) -> TensorEntry {
        let prefix = try entry.readPrefix(NumpyHeader.maximumBytes)
        let header = try NumpyHeader(startOf: prefix.bytes, name: entry.name)
        let end = try header.end(of: entry.name, byteCount: entry.count)
        let name = String(entry.name.dropLast(suffix.count))
        return TensorEntry(name: name, shape: header.shape, type: header.type) { () throws(CheckpointError) -> Tensor in
            let contents = try entry.read(limit: end)
            return withExtendedLifetime(contents) { header.tensor(in: contents.bytes) }
        }
    }
}

/// One array in an `.npy` file.
public enum NumpyFile {
    /// The array of the file at `path`, widened to float32.
    public static func load(path: String) throws(CheckpointError) -> Tensor {
        let file = try MappedFile(path: path)
        let header = try NumpyHeader(startOf: file.bytes, name: "the file")
        guard header.type.isFloat else { throw .unsupported("the file holds integers; floats are wanted") }
        _ = try header.end(of: "the file", byteCount: file.bytes.count)
        return withExtendedLifetime(file) { header.tensor(in: file.bytes) }
    }
}

/// The start of an `.npy` file, a Python dictionary: `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
private struct NumpyHeader: Sendable {
    /// Magic, version, length and the dictionary; NumPy pads it to 64 or 128 bytes.
    static let maximumBytes = 4096
    private static let magic: [UInt8] = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]

    let type: ElementType
    let isFortranOrder: Bool
    let shape: [Int]
    /// Where the values begin.
    let dataStart: Int

    init(startOf bytes: UnsafeRawBufferPointer, name: String) throws(CheckpointError) {
        var reader = ByteReader(bytes, what: "the header of \(name)")
        guard try reader.take(Self.magic.count).elementsEqual(Self.magic) else { throw .malformed("\(name) is no NumPy array") }
        let version = try reader.integer(UInt8.self)
        _ = try reader.take(1)
        guard (1...3).contains(version) else { throw .unsupported("\(name) is of NumPy's format \(version)") }
        let length = version == 1 ? Int(try reader.integer(UInt16.self)) : Int(try reader.integer(UInt32.self))
        guard length <= Self.maximumBytes else { throw .malformed("the header of \(name) is \(length) bytes long") }
        try self.init(parsing: try reader.text(length), name: name, dataStart: reader.position)
    }

    /// Where the values end, which must be where the file does.
    func end(of name: String, byteCount: Int) throws(CheckpointError) -> Int {
        guard let count = Tensor.elementCount(of: shape),
            case let (bytes, overflow) = count.multipliedReportingOverflow(by: type.byteCount), !overflow,
            bytes <= Int.max - dataStart, bytes + dataStart == byteCount
        else { throw .malformed("\(name) has \(byteCount - dataStart) bytes of data, which is not \(shape) of them") }
        return dataStart + bytes
    }

    /// The values of a whole file.
    func tensor(in bytes: UnsafeRawBufferPointer) -> Tensor {
        var strides = ElementType.rowMajorStrides(of: shape)
        if isFortranOrder { strides = ElementType.rowMajorStrides(of: shape.reversed()).reversed() }
        return type.tensor(
            shape: shape, strides: strides, firstElement: 0, in: UnsafeRawBufferPointer(rebasing: bytes[dataStart...]))
    }

    private init(parsing text: String, name: String, dataStart: Int) throws(CheckpointError) {
        self.dataStart = dataStart
        guard let description = NumpyHeader.value(of: "descr", in: text), let order = NumpyHeader.value(of: "fortran_order", in: text),
            let shapeText = NumpyHeader.value(of: "shape", in: text), order == "True" || order == "False",
            shapeText.hasPrefix("("), shapeText.hasSuffix(")")
        else { throw .malformed("the header of \(name) is not one of a plain array") }
        isFortranOrder = order == "True"
        var shape: [Int] = []
        for part in shapeText.dropFirst().dropLast().split(separator: ",") {
            let digits = part.trimming(while: { $0 == " " })
            if digits.isEmpty { continue }
            guard let extent = Int(digits), extent >= 0 else { throw .malformed("the shape of \(name) is \(shapeText)") }
            shape.append(extent)
        }
        self.shape = shape
        switch description {
        case "'<f4'": type = .float32
        case "'<f2'": type = .float16
        case "'<f8'": type = .float64
        case "'<i8'", "'<u8'": type = .other(bytes: 8)
        case "'<i4'", "'<u4'": type = .other(bytes: 4)
        case "'<i2'", "'<u2'": type = .other(bytes: 2)
        case "'|i1'", "'|u1'", "'|b1'": type = .other(bytes: 1)
        case "'|O'": throw .unsupported("\(name) holds pickled objects, which are not read")
        default: throw .unsupported("\(name) has the number format \(description)")
        }
    }

    /// What stands after `'key':` up to the comma or brace that ends it, parentheses counted.
    private static func value(of key: String, in text: String) -> String? {
        guard let start = text.firstRange(of: "'\(key)':")?.upperBound else { return nil }
        var depth = 0
        var value = ""
        for character in text[start...] {
            if depth == 0, character == "," || character == "}" { return String(value.trimming(while: { $0 == " " })) }
            if character == "(" || character == "[" { depth += 1 }
            if character == ")" || character == "]" { depth -= 1 }
            value.append(character)
        }
        return nil
    }
}

extension StringProtocol {
    fileprivate func trimming(while predicate: (Character) -> Bool) -> SubSequence {
        guard let first = firstIndex(where: { !predicate($0) }), let last = lastIndex(where: { !predicate($0) }) else {
            return self[endIndex...]
        }
        return self[first...last]
    }
}
