import Foundation

/// Lines of JSON at a file's end, whose length is known at any time.
final class MetricsLog {
    private let path: String
    private let descriptor: Int32
    /// Length of the file in bytes.
    private(set) var byteCount: Int

    /// Opens the file and cuts it back to `keeping` bytes; nil keeps what there is.
    init(path: String, keeping: Int?) throws(TrainingError) {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .unwritable(path: path, reason: DurableFile.lastError()) }
        let length = Int(lseek(descriptor, 0, SEEK_END))
        let kept = keeping ?? length
        byteCount = kept
        guard length >= kept else {
            close(descriptor)
            throw .state(path: path, reason: "it has \(length) bytes, the state knows of \(kept): it was cut or replaced")
        }
        guard ftruncate(descriptor, off_t(kept)) == 0, lseek(descriptor, off_t(kept), SEEK_SET) == off_t(kept) else {
            let reason = DurableFile.lastError()
            close(descriptor)
            throw .unwritable(path: path, reason: reason)
        }
    }

    deinit {
        close(descriptor)
    }

    /// Appends a value on a line of its own, keys sorted.
    func append(_ value: some Encodable) throws(TrainingError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        var line: [UInt8]
        do {
            line = Array(try encoder.encode(value))
        } catch {
            throw .unwritable(path: path, reason: "a value is no JSON: \(error)")
        }
        line.append(UInt8(ascii: "\n"))
        try line.withUnsafeBufferPointer { bytes throws(TrainingError) in
            try DurableFile.writeAll(UnsafeRawBufferPointer(bytes), to: descriptor, path: path)
        }
        byteCount += line.count
    }

    /// Waits until what was appended lasts.
    func synchronize() throws(TrainingError) {
        guard fsync(descriptor) == 0 else { throw .unwritable(path: path, reason: DurableFile.lastError()) }
    }
}
