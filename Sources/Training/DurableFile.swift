import Foundation

/// Writes a file so that a reader, and whoever comes after a crash, sees the old one or the whole new one.
enum DurableFile {
    /// Writes beside `path` (at `path`.partial, which a killed writer may leave and the next one overwrites), syncs and renames.
    static func write(
        _ path: String, _ body: (_ put: (UnsafeRawBufferPointer) throws(TrainingError) -> Void) throws(TrainingError) -> Void
    ) throws(TrainingError) {
        let partial = path + ".partial"
        let descriptor = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .unwritable(path: path, reason: lastError()) }
        var isRenamed = false
        defer {
            close(descriptor)
            if !isRenamed { unlink(partial) }
        }
        try body { bytes throws(TrainingError) in try writeAll(bytes, to: descriptor, path: path) }
        guard fsync(descriptor) == 0, rename(partial, path) == 0 else { throw .unwritable(path: path, reason: lastError()) }
        isRenamed = true
        try syncFolder(of: path)
    }

    /// As above, of a text.
    static func write(_ path: String, text: String) throws(TrainingError) {
        let bytes = Array(text.utf8)
        try write(path) { put throws(TrainingError) in
            try bytes.withUnsafeBufferPointer { buffer throws(TrainingError) in try put(UnsafeRawBufferPointer(buffer)) }
        }
    }

    static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String) throws(TrainingError) {
        var rest = bytes
        while !rest.isEmpty {
            let written = Foundation.write(descriptor, rest.baseAddress, rest.count)
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { throw .unwritable(path: path, reason: lastError()) }
            rest = UnsafeRawBufferPointer(rebasing: rest[written...])
        }
    }

    /// A rename lasts once the folder does.
    static func syncFolder(of path: String) throws(TrainingError) {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unwritable(path: path, reason: lastError()) }
        defer { close(descriptor) }
        // Some file systems refuse to sync a folder; the file is whole all the same.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw .unwritable(path: path, reason: lastError()) }
    }

    static func lastError() -> String { String(cString: strerror(errno)) }
}
