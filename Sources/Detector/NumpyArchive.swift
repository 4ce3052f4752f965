import NeuralCore

/// The arrays of an `.npz` file: a zip of `.npy` files (numpy.lib.format, versions 1–3).
struct NumpyArchive {
    private static let suffix = ".npy"
    private static let magic: [UInt8] = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]
    /// Magic, version, length and the dictionary; NumPy pads it to 64 or 128 bytes.
    private static let maximumHeaderBytes = 4096

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
        let name = String(entry.name.dropLast(suffix.count))
        let prefix = try entry.readPrefix(maximumHeaderBytes)
        var reader = ByteReader(prefix.bytes, what: "the header of \(entry.name)")
        guard try reader.take(magic.count).elementsEqual(magic) else { throw .malformed("\(entry.name) is no NumPy array") }
        let version = try reader.integer(UInt8.self)
        _ = try reader.take(1)
        guard (1...3).contains(version) else { throw .unsupported("\(entry.name) is of NumPy's format \(version)") }
        let length = version == 1 ? Int(try reader.integer(UInt16.self)) : Int(try reader.integer(UInt32.self))
        let header = try NumpyHeader(parsing: try reader.text(length), name: entry.name)
        let dataStart = reader.position

        let shape = header.shape
        guard let count = Tensor.elementCount(of: shape),
            case let (bytes, overflow) = count.multipliedReportingOverflow(by: header.type.byteCount), !overflow,
            bytes <= Int.max - dataStart, bytes + dataStart == entry.count
        else { throw .malformed("\(entry.name) has \(entry.count - dataStart) bytes of data, which is not \(shape) of them") }
        var strides = ElementType.rowMajorStrides(of: shape)
        if header.isFortranOrder { strides = ElementType.rowMajorStrides(of: shape.reversed()).reversed() }
        return TensorEntry(name: name, shape: shape, type: header.type) { [strides] () throws(CheckpointError) -> Tensor in
            let contents = try entry.read(limit: dataStart + bytes)
            return header.type.tensor(
                shape: shape, strides: strides, firstElement: 0,
                in: UnsafeRawBufferPointer(rebasing: contents.bytes[dataStart...]))
        }
    }
}

/// The Python dictionary at the start of an `.npy` file: `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
private struct NumpyHeader: Sendable {
    let type: ElementType
    let isFortranOrder: Bool
    let shape: [Int]

    init(parsing text: String, name: String) throws(CheckpointError) {
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
