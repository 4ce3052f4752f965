import Foundation
import NeuralCore

/// Writes tensors as safetensors: names sorted, all of one number format, data from a multiple of 64 bytes on.
struct SafetensorsWriter {
    /// So that a mapped file's tensors lie on cache lines.
    private static let alignmentBytes = 64

    /// The file's first bytes: length and JSON, padded with spaces.
    let header: Data
    /// The tensors in the order in which their bytes follow.
    let tensors: [Tensor]
    private let storage: Checkpoint.Storage

    init(tensors named: [String: Tensor], storage: Checkpoint.Storage, metadata: [String: String]) {
        self.storage = storage
        let (type, size) = storage == .float16 ? ("F16", 2) : ("F32", 4)
        let sorted = named.sorted { $0.key < $1.key }
        var members: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key < $1.key }.map { "\(Self.quoted($0.key)):\(Self.quoted($0.value))" }
            members.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
        }
        var offset = 0
        for (name, tensor) in sorted {
            let end = offset + tensor.count * size
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            members.append("\(Self.quoted(name)):{\"dtype\":\"\(type)\",\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(end)]}")
            offset = end
        }
        var json = Data("{\(members.joined(separator: ","))}".utf8)
        while (8 + json.count) % SafetensorsWriter.alignmentBytes != 0 { json.append(UInt8(ascii: " ")) }
        var header = Data()
        withUnsafeBytes(of: UInt64(json.count).littleEndian) { header.append(contentsOf: $0) }
        header.append(json)
        self.header = header
        tensors = sorted.map(\.value)
    }

    /// Calls `consume` with the file's bytes, piece by piece.
    func emit<Failure: Error>(_ consume: (UnsafeRawBufferPointer) throws(Failure) -> Void) throws(Failure) {
        let headerBytes = [UInt8](header)
        try headerBytes.withUnsafeBufferPointer { bytes throws(Failure) -> Void in try consume(UnsafeRawBufferPointer(bytes)) }
        for tensor in tensors {
            try tensor.withUnsafeBuffer { values throws(Failure) -> Void in
                guard storage == .float16 else { return try consume(UnsafeRawBufferPointer(values)) }
                let halves = values.map { ElementType.toHalf($0).littleEndian }
                try halves.withUnsafeBufferPointer { halves throws(Failure) -> Void in try consume(UnsafeRawBufferPointer(halves)) }
            }
        }
    }

    /// Writes beside `path`, makes it durable, then renames: a reader sees the old file or the whole new one.
    func write(to path: String) throws(CheckpointError) {
        let temporary = "\(path).\(UUID().uuidString).partial"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .unwritable(path: path, reason: MappedFile.lastError()) }
        var isRenamed = false
        defer { if !isRenamed { unlink(temporary) } }
        do {
            defer { close(descriptor) }
            try emit { bytes throws(CheckpointError) in
                var rest = bytes
                while !rest.isEmpty {
                    let written = Foundation.write(descriptor, rest.baseAddress, rest.count)
                    if written < 0 && errno == EINTR { continue }
                    guard written > 0 else { throw .unwritable(path: path, reason: MappedFile.lastError()) }
                    rest = UnsafeRawBufferPointer(rebasing: rest[written...])
                }
            }
            guard fsync(descriptor) == 0 else { throw .unwritable(path: path, reason: MappedFile.lastError()) }
        }
        guard rename(temporary, path) == 0 else { throw .unwritable(path: path, reason: MappedFile.lastError()) }
        isRenamed = true
        try syncDirectory(of: path)
    }

    /// The rename itself is durable only once the directory is.
    private func syncDirectory(of path: String) throws(CheckpointError) {
        let directory = URL(fileURLWithPath: path).deletingLastPathComponent().path
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unwritable(path: path, reason: MappedFile.lastError()) }
        defer { close(descriptor) }
        // Some file systems refuse to sync a directory; the file is complete all the same.
        guard fsync(descriptor) == 0 || errno == EINVAL else {
            throw .unwritable(path: path, reason: MappedFile.lastError())
        }
    }

    private static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\u{0}"..<" ":
                let digits = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
