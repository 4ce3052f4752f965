import FoundationEssentials

/// `dataset.json`: all that a cache knows but its pictures and meshes.
///
/// The pictures lie in one file, PNG behind PNG, and after them the meshes of the crops that have one, in order: x and y of each point as
/// little-endian float32. Text would make the meshes ten times as long to read as all the rest.
struct DatasetManifest: Codable, Sendable {
    static let format = "whorl-crops"
    static let version = 2
    static let fileName = "dataset.json"
    static let dataName = "pictures.bin"

    /// What is read before anything else is believed.
    struct Header: Codable {
        var format: String
        var version: Int
    }

    /// A crop without its mesh, and where its picture lies.
    struct Entry: Codable, Sendable {
        var crop: Crop
        /// In bytes from the data file's start.
        var offset: Int
        var bytes: Int
        /// Points of its mesh; 0 where it has none.
        var meshPoints: Int
    }

    var format = Self.format
    var version = Self.version
    var settings: CropSettings
    var sources: [CropSource]
    var crops: [Entry]
    var skipped: [SkippedSource]
    /// Where the pictures end and the meshes begin.
    var pictureBytes: Int
    var meshChecksum: UInt64

    /// Of the whole data file.
    var dataBytes: Int { pictureBytes + crops.reduce(0) { $0 + $1.meshPoints } * Self.pointBytes }

    static let pointBytes = 2 * MemoryLayout<Float>.size

    /// Keys in order, so that one dataset is the same text everywhere.
    func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
    }

    /// FNV-1a with 64 bits (Fowler, Noll, Vo): enough to notice what a disk spoils.
    static func checksum(_ bytes: [UInt8]) -> UInt64 {
        bytes.withUnsafeBufferPointer { bytes in
            var hash: UInt64 = 0xcbf2_9ce4_8422_2325
            for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            return hash
        }
    }

    /// What does not fit; nil when all does.
    var flaw: String? {
        var offset = 0
        for (place, entry) in crops.enumerated() {
            let crop = entry.crop
            guard sources.indices.contains(crop.source) else { return "crop \(place) is of source \(crop.source), which is not there" }
            guard crop.width > 0, crop.height > 0, crop.landmarks.count == 5, crop.scale > 0, crop.scale <= 1 else {
                return "crop \(place) has impossible measures"
            }
            guard entry.offset == offset, entry.bytes > 0, entry.meshPoints >= 0, entry.meshPoints <= 10_000 else {
                return "the picture of crop \(place) does not lie where the one before it ends"
            }
            let end = offset.addingReportingOverflow(entry.bytes)
            guard !end.overflow else { return "the picture of crop \(place) has an impossible length" }
            offset = end.partialValue
        }
        return offset == pictureBytes ? nil : "the pictures end at byte \(offset) and not \(pictureBytes)"
    }
}
