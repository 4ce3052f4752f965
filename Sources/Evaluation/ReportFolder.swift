import Foundation

/// Writes a report's two files, each beside its target and renamed: a reader sees the old ones or whole new ones.
public enum ReportFolder {
    public static let jsonName = "evaluation.json"
    public static let pageName = "evaluation.html"

    /// Makes the folder if there is none and writes both files; on a full disk neither changes nor stays half-written.
    public static func write(_ product: EvaluationRun.Product, to folder: String) throws(EvaluationError) {
        let json: Data
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            json = try encoder.encode(product.report) + Data("\n".utf8)
        } catch {
            throw .unwritable(path: folder, reason: error.localizedDescription)
        }
        try replace([(jsonName, json), (pageName, Data(ReportPage(product).html.utf8))], in: folder)
    }

    /// All are written before the first is renamed.
    static func replace(_ files: [(name: String, bytes: Data)], in folder: String) throws(EvaluationError) {
        var written: [(partial: String, path: String)] = []
        defer { for file in written { unlink(file.partial) } }
        for file in files {
            let path = "\(folder)/\(file.name)"
            let partial = "\(path).\(UUID().uuidString).partial"
            written.append((partial, path))
            try write(file.bytes, to: partial)
        }
        for file in written where rename(file.partial, file.path) != 0 { throw unwritable(file.path) }
    }

    private static func write(_ bytes: Data, to path: String) throws(EvaluationError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw unwritable(path) }
        defer { close(descriptor) }
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress.map { $0 + offset }, bytes.count - offset) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw unwritable(path) }
            offset += count
        }
        guard fsync(descriptor) == 0 else { throw unwritable(path) }
    }

    private static func unwritable(_ path: String) -> EvaluationError {
        .unwritable(path: path, reason: String(cString: strerror(errno)))
    }
}
