import Crops
import Foundation

/// The files of some folders that may be clips or stills.
struct SourceScan: Sendable {
    struct File: Sendable, Equatable {
        /// As `CropSource` has it.
        var path: String
        /// Where it is.
        var location: String
    }

    static let endings: Set<String> = [
        "avi", "bmp", "gif", "jpeg", "jpg", "m4v", "mjpeg", "mjpg", "mkv", "mov", "mp4", "mpeg", "mpg", "ogv", "png", "ts", "webm", "webp",
    ]

    /// In order of their paths.
    private(set) var files: [File] = []
    /// Files with other endings, in order of their paths; hidden ones are not counted.
    private(set) var others: [String] = []

    /// Looks through the folders and all below them; a file that several of them reach counts once, for the first. A file may be named too.
    init(_ folders: [String]) throws(DatasetError) {
        var seen: Set<String> = []
        let roots = folders.map { URL(fileURLWithPath: $0).standardizedFileURL.resolvingSymlinksInPath().path }
        for (root, name) in zip(roots, Self.names(of: roots)) {
            for below in try Self.list(root) {
                let location = below.isEmpty ? root : "\(root)/\(below)"
                guard seen.insert(location).inserted else { continue }
                let path = below.isEmpty ? name : "\(name)/\(below)"
                if Self.endings.contains(URL(fileURLWithPath: location).pathExtension.lowercased()) {
                    files.append(File(path: path, location: location))
                } else {
                    others.append(path)
                }
            }
        }
        files.sort { $0.path < $1.path }
        others.sort()
    }

    /// Each folder's last name, with as many of those above it as tell it from the others.
    private static func names(of roots: [String]) -> [String] {
        let parts = roots.map { $0.split(separator: "/").map(String.init) }
        let distinct = Set(roots).count
        for count in 1...max(1, parts.map(\.count).max() ?? 1) {
            let names = parts.map { $0.suffix(count).joined(separator: "/") }
            if Set(names).count == distinct { return names }
        }
        return roots
    }

    /// Files at any depth, by their path below the root; the root itself, if it is a file, as an empty path.
    private static func list(_ root: String) throws(DatasetError) -> [String] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: root, isDirectory: &isFolder) else {
            throw .unreadableFolder(path: root, reason: "there is no such folder")
        }
        guard isFolder.boolValue else { return [""] }
        let all: [String]
        do {
            // Names come first: what cannot be listed is an error and no empty folder.
            _ = try FileManager.default.contentsOfDirectory(atPath: root)
            all = try FileManager.default.subpathsOfDirectory(atPath: root)
        } catch {
            throw .unreadableFolder(path: root, reason: "it cannot be listed")
        }
        return all.filter { below in
            guard !below.split(separator: "/").contains(where: { $0.hasPrefix(".") }) else { return false }
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: "\(root)/\(below)", isDirectory: &isFolder) && !isFolder.boolValue
        }
    }
}
