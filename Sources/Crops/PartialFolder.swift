import CFile
import Glibc

/// A folder on its way to a name: `NAME.partial`, locked as long as its writer lives.
final class PartialFolder {
    let path: String
    private var descriptor: Int32

    /// Makes the folder, in place of one that a killed process left.
    ///
    /// - Throws: `occupied` when another process writes there, `unwritable`.
    init(besides target: String) throws(CropsError) {
        path = target + ".partial"
        if mkdir(path, 0o755) != 0, errno != EEXIST { throw Self.unwritable(path) }
        descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.unwritable(path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            descriptor = -1
            throw .occupied(path: target, reason: "another process is writing there")
        }
        for name in Self.names(in: path) { unlink("\(path)/\(name)") }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Gives the folder its name; a folder that had it goes.
    func take(name target: String) throws(CropsError) {
        guard fsync(descriptor) == 0 else { throw Self.unwritable(path) }
        // An empty folder, or none, is replaced in one step; what holds files changes places and is removed under the other name.
        if rename(path, target) != 0 {
            guard errno == ENOTEMPTY || errno == EEXIST else { throw Self.unwritable(target) }
            guard whorl_exchange_names(path, target) == 0 else { throw Self.unwritable(target) }
            Self.removeFolder(path)
        }
        let end = target.lastIndex(of: "/") ?? target.startIndex
        let parent = open(target.contains("/") ? (end == target.startIndex ? "/" : String(target[..<end])) : ".", O_RDONLY | O_CLOEXEC)
        if parent >= 0 {
            // The name is there; should the machine fail before the disk knows it, the crops have to be cut again.
            fsync(parent)
            close(parent)
        }
        close(descriptor)
        descriptor = -1
    }

    /// Takes away what was written, unless it has its name already.
    func remove() {
        guard descriptor >= 0 else { return }
        Self.removeFolder(path)
        close(descriptor)
        descriptor = -1
    }

    /// Names in a folder, none if it cannot be read.
    static func names(in path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// A cache has no folders inside.
    private static func removeFolder(_ path: String) {
        for name in names(in: path) { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    private static func unwritable(_ path: String) -> CropsError {
        .unwritable(path: path, reason: String(cString: strerror(errno)))
    }
}
