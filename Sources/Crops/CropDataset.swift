import FoundationEssentials
import Glibc
import Video

/// A cache of faces on disk: the sources that they come from, where each lies, and their pictures, which are read one by one.
///
/// Safe to use from any number of threads; copies share one open file.
public struct CropDataset: Sendable {
    /// The version of the format that this program writes and reads.
    public static let formatVersion = DatasetManifest.version

    /// The folder.
    public let path: String
    public let settings: CropSettings
    public let sources: [CropSource]
    /// In order of their sources, and within one of time and person.
    public let crops: [Crop]
    /// Files that gave no crop.
    public let skipped: [SkippedSource]

    private let places: [(offset: Int, bytes: Int)]
    private let data: DataFile

    /// Reads what is known of the crops; their pictures stay on disk.
    ///
    /// - Throws: `unreadable`, `notADataset`, `otherVersion`, and `damaged` when the data file has another length than it should, the meshes are
    ///   not those that were written, or the parts contradict each other.
    public static func open(path: String) throws(CropsError) -> CropDataset {
        let manifest = try Self.manifest(path: path)
        if let flaw = manifest.flaw { throw .damaged(path: path, reason: flaw) }
        let name = "\(path)/\(DatasetManifest.dataName)"
        let data = try DataFile(path: name)
        guard data.bytes == manifest.dataBytes else {
            throw .damaged(path: path, reason: "\(DatasetManifest.dataName) has \(data.bytes) bytes and should have \(manifest.dataBytes)")
        }
        let meshes = try data.read(offset: manifest.pictureBytes, count: manifest.dataBytes - manifest.pictureBytes)
        guard DatasetManifest.checksum(meshes) == manifest.meshChecksum else {
            throw .damaged(path: path, reason: "the meshes are not those that were written")
        }
        return CropDataset(path: path, manifest: manifest, meshes: meshes, data: data)
    }

    /// The picture of a crop, without loss; throws `damaged` when it is not the one that was written.
    public func picture(_ crop: Int) throws(CropsError) -> RGBImage {
        let place = places[crop]
        let bytes = try data.read(offset: place.offset, count: place.bytes)
        let picture: RGBImage
        do throws(VideoError) {
            picture = try PictureDecoder().decode(bytes)
        } catch {
            throw .damaged(path: path, reason: "the picture of crop \(crop) cannot be decoded (\(error.debugDescription))")
        }
        guard picture.width == crops[crop].width, picture.height == crops[crop].height else {
            throw .damaged(
                path: path,
                reason: "the picture of crop \(crop) has \(picture.width)×\(picture.height) pixels, not \(crops[crop].width)×\(crops[crop].height)")
        }
        return picture
    }

    /// The places of each source's crops in `crops`, as many lists as sources.
    public func cropsBySource() -> [[Int]] {
        var lists = [[Int]](repeating: [], count: sources.count)
        for (place, crop) in crops.enumerated() { lists[crop.source].append(place) }
        return lists
    }

    private init(path: String, manifest: DatasetManifest, meshes: [UInt8], data: DataFile) {
        self.path = path
        settings = manifest.settings
        sources = manifest.sources
        skipped = manifest.skipped
        places = manifest.crops.map { ($0.offset, $0.bytes) }
        self.data = data
        var start = 0
        crops = manifest.crops.map { entry in
            var crop = entry.crop
            let end = start + entry.meshPoints * DatasetManifest.pointBytes
            crop.mesh = entry.meshPoints == 0 ? nil : Self.points(meshes[start..<end])
            start = end
            return crop
        }
    }

    private static func points(_ bytes: ArraySlice<UInt8>) -> [SIMD2<Float>] {
        bytes.withUnsafeBytes { bytes in
            func value(_ place: Int) -> Float {
                Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * place, as: UInt32.self)))
            }
            return (0..<bytes.count / DatasetManifest.pointBytes).map { SIMD2(value(2 * $0), value(2 * $0 + 1)) }
        }
    }

    private static func manifest(path: String) throws(CropsError) -> DatasetManifest {
        let name = "\(path)/\(DatasetManifest.fileName)"
        var status = stat()
        guard stat(path, &status) == 0 else { throw .unreadable(path: path, reason: String(cString: strerror(errno))) }
        guard stat(name, &status) == 0 else { throw .notADataset(path: path, reason: "it has no \(DatasetManifest.fileName)") }
        let file = try DataFile(path: name)
        let json = Data(try file.read(offset: 0, count: file.bytes))
        let decoder = JSONDecoder()
        let header: DatasetManifest.Header
        do {
            header = try decoder.decode(DatasetManifest.Header.self, from: json)
        } catch {
            throw .damaged(path: path, reason: "\(DatasetManifest.fileName) is cut or was changed")
        }
        guard header.format == DatasetManifest.format else {
            throw .notADataset(path: path, reason: "its \(DatasetManifest.fileName) is of the format \(header.format.prefix(40))")
        }
        guard header.version == DatasetManifest.version else {
            throw .otherVersion(path: path, found: header.version, known: DatasetManifest.version)
        }
        do {
            return try decoder.decode(DatasetManifest.self, from: json)
        } catch {
            throw .damaged(path: path, reason: "\(DatasetManifest.fileName) lacks what it should say")
        }
    }
}

/// A file that is read in places; its position plays no part, so any thread may read.
private final class DataFile: Sendable {
    let bytes: Int
    private let path: String
    private let descriptor: Int32

    init(path: String) throws(CropsError) {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(path: path, reason: String(cString: strerror(errno))) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw .unreadable(path: path, reason: "it is not a regular file")
        }
        self.path = path
        self.descriptor = descriptor
        bytes = Int(status.st_size)
    }

    deinit {
        close(descriptor)
    }

    func read(offset: Int, count: Int) throws(CropsError) -> [UInt8] {
        var got = 0
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while got < count {
                let step = pread(descriptor, buffer.baseAddress.map { $0 + got }, count - got, off_t(offset + got))
                if step < 0 && errno == EINTR { continue }
                if step < 0 { failure = errno }
                if step <= 0 { break }
                got += step
            }
            filled = got
        }
        if failure != 0 { throw .unreadable(path: path, reason: String(cString: strerror(failure))) }
        guard got == count else { throw .damaged(path: path, reason: "it ends at byte \(offset + got)") }
        return bytes
    }
}
