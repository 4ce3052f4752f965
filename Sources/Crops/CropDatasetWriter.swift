import FoundationEssentials
import Glibc
import Video

/// Writes a cache of crops: into a folder beside the target, which takes the target's name when all is on the disk.
///
/// Whatever stops it before that (an error, a full disk, the end of the process) leaves the target as it was. An error takes away what was written;
/// of a process that was killed the folder `NAME.partial` stays, and the next writer clears it away. One writer belongs to one thread at a time.
public final class CropDatasetWriter {
    /// The filter that is fastest to undo, and on faces leaves as few bytes as the others; higher levels save little.
    private static let encoder = PNGEncoder(compressionLevel: 1, prediction: .up)

    public let path: String
    private let partial: PartialFolder
    private let replaces: Bool
    private let write: DataSink.Write
    private let data: DataSink
    private var manifest: DatasetManifest
    private var meshes: [UInt8] = []

    /// Begins a cache that will be the folder `path`.
    ///
    /// - Parameter replaces: whether an older cache may be there, which goes once the new one is whole; nothing else is ever replaced.
    /// - Throws: `occupied` when something is there, or another process is writing there; `unwritable`.
    public convenience init(path: String, settings: CropSettings, replaces: Bool = false) throws(CropsError) {
        try self.init(path: path, settings: settings, replaces: replaces, write: Glibc.write)
    }

    /// The same with a system call of the test's own for all that is written.
    package init(
        path: String, settings: CropSettings, replaces: Bool, write: @escaping DataSink.Write
    ) throws(CropsError) {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        try Self.checkTarget(path, replaces: replaces)
        self.path = path
        self.replaces = replaces
        self.write = write
        partial = try PartialFolder(besides: path)
        do throws(CropsError) {
            data = try DataSink(path: partial.file(DatasetManifest.dataName), write: write)
        } catch {
            partial.remove()
            throw error
        }
        manifest = DatasetManifest(settings: settings, sources: [], crops: [], skipped: [], pictureBytes: 0, meshChecksum: 0)
    }

    deinit {
        partial.remove()
    }

    /// A picture as the cache stores it; for doing that work on other threads.
    public static func encoded(_ picture: RGBImage) throws(CropsError) -> [UInt8] {
        do throws(VideoError) {
            return try encoder.encode(picture)
        } catch {
            throw .unwritable(path: "a picture of \(picture.width)×\(picture.height) pixels", reason: error.debugDescription)
        }
    }

    /// Adds a source and gives its place, which its crops name.
    public func add(_ source: CropSource) -> Int {
        manifest.sources.append(source)
        return manifest.sources.count - 1
    }

    /// Notes a file that gives no crop.
    public func add(_ skipped: SkippedSource) {
        manifest.skipped.append(skipped)
    }

    /// Adds a crop of a source that was added before; throws `unwritable`.
    public func add(_ crop: Crop, picture: RGBImage) throws(CropsError) {
        precondition(picture.width == crop.width && picture.height == crop.height, "a crop has its picture's size")
        try add(crop, encoded: Self.encoded(picture))
    }

    /// Adds a crop whose picture is what `encoded` gave; throws `unwritable`.
    public func add(_ crop: Crop, encoded picture: [UInt8]) throws(CropsError) {
        precondition(manifest.sources.indices.contains(crop.source), "a crop's source was added before it")
        precondition(crop.landmarks.count == 5, "a face has five landmarks")
        try data.append(picture)
        let mesh = crop.mesh ?? []
        for point in mesh {
            for value in [point.x, point.y] { withUnsafeBytes(of: value.bitPattern.littleEndian) { meshes.append(contentsOf: $0) } }
        }
        var bare = crop
        bare.mesh = nil
        manifest.crops.append(
            DatasetManifest.Entry(crop: bare, offset: manifest.pictureBytes, bytes: picture.count, meshPoints: mesh.count))
        manifest.pictureBytes += picture.count
    }

    /// Puts all on the disk and gives the folder its name.
    ///
    /// - Parameter extras: makes files that lie beside the crops (a report, a sheet of samples) from the cache as it will be.
    /// - Throws: `unwritable`, `occupied` when something has taken the place meanwhile, and what `extras` throws.
    public func finish(
        extras: (CropDataset) throws(CropsError) -> [(name: String, bytes: [UInt8])] = { (_) throws(CropsError) in [] }
    ) throws(CropsError) {
        do throws(CropsError) {
            manifest.meshChecksum = DatasetManifest.checksum(meshes)
            try data.append(meshes)
            try data.close()
            try store(encodedManifest(), as: DatasetManifest.fileName)
            for extra in try extras(CropDataset.open(path: partial.path)) {
                precondition(![DatasetManifest.fileName, DatasetManifest.dataName].contains(extra.name), "\(extra.name) is the cache's own")
                try store(extra.bytes, as: extra.name)
            }
            try Self.checkTarget(path, replaces: replaces)
            try partial.take(name: path)
        } catch {
            partial.remove()
            throw error
        }
    }

    private func encodedManifest() throws(CropsError) -> [UInt8] {
        do {
            return try manifest.encoded()
        } catch {
            throw .unwritable(path: path, reason: "the list of crops is no JSON: \(error)")
        }
    }

    private func store(_ bytes: [UInt8], as name: String) throws(CropsError) {
        let file = try DataSink(path: partial.file(name), write: write)
        try file.append(bytes)
        try file.close()
    }

    /// Refuses a target that is there, but for an empty folder and, where that is asked for, a cache.
    private static func checkTarget(_ path: String, replaces: Bool) throws(CropsError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw .occupied(path: path, reason: "there is a file of that name") }
        let names = PartialFolder.names(in: path)
        if names.isEmpty { return }
        guard names.contains(DatasetManifest.fileName) else {
            throw .occupied(path: path, reason: "the folder holds other things; name one that is new")
        }
        guard replaces else { throw .occupied(path: path, reason: "there is a dataset already; name a new folder, or replace it with --force") }
    }
}

/// A file that is only appended to, in large pieces.
package final class DataSink {
    package typealias Write = (Int32, UnsafeRawPointer?, Int) -> Int

    private static let pieceBytes = 1 << 20
    private let path: String
    private let write: Write
    private var descriptor: Int32
    private var waiting: [UInt8] = []

    init(path: String, write: @escaping Write) throws(CropsError) {
        self.path = path
        self.write = write
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .unwritable(path: path, reason: String(cString: strerror(errno))) }
    }

    deinit {
        if descriptor >= 0 { Glibc.close(descriptor) }
    }

    func append(_ bytes: [UInt8]) throws(CropsError) {
        waiting += bytes
        if waiting.count >= Self.pieceBytes { try flush() }
    }

    /// Until the disk has it: a file system may say only now that it is full.
    func close() throws(CropsError) {
        try flush()
        guard fsync(descriptor) == 0 else { throw failure }
        let last = descriptor
        descriptor = -1
        guard Glibc.close(last) == 0 else { throw failure }
    }

    private func flush() throws(CropsError) {
        var done = 0
        let failed = waiting.withUnsafeBytes { bytes -> Bool in
            while done < bytes.count {
                let written = write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
                if written < 0 && errno == EINTR { continue }
                if written <= 0 { return true }
                done += written
            }
            return false
        }
        if failed { throw failure }
        waiting.removeAll(keepingCapacity: true)
    }

    private var failure: CropsError { .unwritable(path: path, reason: String(cString: strerror(errno))) }
}
