import CZlib

/// A zip file's entries, read from its central directory (PKWARE APPNOTE 6.3.10, sections 4.3 and 4.5).
///
/// Stored and deflated entries, zip64 included; no encryption, no parts on several disks.
struct ZipArchive: Sendable {
    private static let endSignature: UInt32 = 0x0605_4b50
    private static let zip64LocatorSignature: UInt32 = 0x0706_4b50
    private static let zip64EndSignature: UInt32 = 0x0606_4b50
    private static let centralSignature: UInt32 = 0x0201_4b50
    private static let endByteCount = 22
    private static let zip64LocatorByteCount = 20
    private static let maximumEntries = 65_536

    let entries: [String: ZipEntry]

    /// True if the bytes start like a zip file.
    static func matches(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.starts(with: [0x50, 0x4b, 0x03, 0x04]) }

    init(file: MappedFile) throws(CheckpointError) {
        let (directoryStart, entryCount) = try ZipArchive.findDirectory(file.bytes)
        var reader = ByteReader(file.bytes, at: directoryStart, what: "the zip directory")
        var entries: [String: ZipEntry] = [:]
        for _ in 0..<entryCount {
            let entry = try ZipArchive.readEntry(&reader, file: file)
            guard entries.updateValue(entry, forKey: entry.name) == nil else {
                throw .malformed("the zip file holds \(entry.name) twice")
            }
        }
        self.entries = entries
    }

    private static func findDirectory(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) -> (start: Int, count: Int) {
        // The end record is followed by a comment of at most 65535 bytes.
        let last = bytes.count - endByteCount
        let first = max(0, last - 0xffff)
        guard last >= 0, let end = (first...last).reversed().first(where: { signature(bytes, at: $0) == endSignature })
        else { throw .cutShort("the zip file has no end record; was the copy or the download broken off?") }

        var reader = ByteReader(bytes, at: end + 10, what: "the zip end record")
        var count = Int(try reader.integer(UInt16.self))
        _ = try reader.integer(UInt32.self)
        var start = Int(try reader.integer(UInt32.self))
        let locator = end - zip64LocatorByteCount
        if locator >= 0, signature(bytes, at: locator) == zip64LocatorSignature {
            var locatorReader = ByteReader(bytes, at: locator + 8, what: "the zip64 locator")
            let record = try locatorReader.count64()
            guard record <= bytes.count - 4, signature(bytes, at: record) == zip64EndSignature else {
                throw .malformed("the zip64 end record is not where it should be")
            }
            var recordReader = ByteReader(bytes, at: record + 32, what: "the zip64 end record")
            count = try recordReader.count64()
            _ = try recordReader.count64()
            start = try recordReader.count64()
        }
        guard count <= maximumEntries else { throw .malformed("the zip file claims \(count) entries") }
        guard start <= end else { throw .malformed("the zip directory lies outside the file") }
        return (start, count)
    }

    private static func readEntry(_ reader: inout ByteReader, file: MappedFile) throws(CheckpointError) -> ZipEntry {
        guard try reader.integer(UInt32.self) == centralSignature else {
            throw .malformed("the zip directory is damaged at byte \(reader.position)")
        }
        _ = try reader.take(4)
        let flags = try reader.integer(UInt16.self)
        let method = try reader.integer(UInt16.self)
        _ = try reader.take(4)
        let checksum = try reader.integer(UInt32.self)
        var compressed = Int(try reader.integer(UInt32.self))
        var size = Int(try reader.integer(UInt32.self))
        let nameCount = Int(try reader.integer(UInt16.self))
        let extraCount = Int(try reader.integer(UInt16.self))
        let commentCount = Int(try reader.integer(UInt16.self))
        _ = try reader.take(8)
        var offset = Int(try reader.integer(UInt32.self))
        let name = try reader.text(nameCount)

        var extra = ByteReader(try reader.take(extraCount), what: "an extra field of the zip directory")
        while extra.remaining >= 4 {
            let kind = try extra.integer(UInt16.self)
            var field = ByteReader(try extra.take(Int(try extra.integer(UInt16.self))), what: "a zip64 field")
            guard kind == 1 else { continue }
            // Only the values that did not fit 32 bits are there, in this order.
            if size == 0xffff_ffff { size = try field.count64() }
            if compressed == 0xffff_ffff { compressed = try field.count64() }
            if offset == 0xffff_ffff { offset = try field.count64() }
        }
        _ = try reader.take(commentCount)

        guard flags & 1 == 0 else { throw .unsupported("the zip entry \(name) is encrypted") }
        guard method == 0 || method == 8 else {
            throw .unsupported("the zip entry \(name) is compressed by method \(method), neither stored nor deflated")
        }
        guard method == 8 || compressed == size else { throw .malformed("the sizes of the zip entry \(name) differ") }
        return ZipEntry(
            name: name, isDeflated: method == 8, compressedCount: compressed, count: size, checksum: checksum,
            headerOffset: offset, file: file)
    }

    private static func signature(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt32 {
        UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
}

/// One file inside a zip file; its bytes are looked up and inflated when they are asked for.
struct ZipEntry: Sendable {
    private static let localSignature: UInt32 = 0x0403_4b50

    let name: String
    let isDeflated: Bool
    let compressedCount: Int
    /// Size in bytes once inflated.
    let count: Int
    let checksum: UInt32
    let headerOffset: Int
    let file: MappedFile

    /// All bytes, their checksum compared; throws if there are more than `limit`.
    func read(limit: Int) throws(CheckpointError) -> SharedBytes {
        guard count <= limit else { throw .malformed("the zip entry \(name) has \(count) bytes, at most \(limit) expected") }
        let stored = try storedRange()
        let contents = isDeflated ? try inflate(stored, count: count) : SharedBytes(of: file, in: stored)
        guard ZipEntry.crc(contents.bytes) == checksum else {
            throw .malformed("the checksum of the zip entry \(name) is wrong")
        }
        return contents
    }

    /// The first bytes, at most `maximum`, their checksum not compared.
    func readPrefix(_ maximum: Int) throws(CheckpointError) -> SharedBytes {
        let stored = try storedRange()
        let wanted = min(maximum, count)
        guard isDeflated else { return SharedBytes(of: file, in: stored.lowerBound..<stored.lowerBound + wanted) }
        return try inflate(stored, count: wanted)
    }

    private func storedRange() throws(CheckpointError) -> Range<Int> {
        var reader = ByteReader(file.bytes, at: headerOffset, what: "the zip entry \(name)")
        guard try reader.integer(UInt32.self) == ZipEntry.localSignature else {
            throw .malformed("the zip entry \(name) is not where the directory says")
        }
        _ = try reader.take(22)
        let nameCount = Int(try reader.integer(UInt16.self))
        let extraCount = Int(try reader.integer(UInt16.self))
        _ = try reader.take(nameCount + extraCount)
        let start = reader.position
        _ = try reader.take(compressedCount)
        return start..<reader.position
    }

    private func inflate(_ range: Range<Int>, count: Int) throws(CheckpointError) -> SharedBytes {
        guard range.count <= Int(UInt32.max), count <= Int(UInt32.max) else {
            throw .unsupported("the deflated zip entry \(name) exceeds 4 GiB")
        }
        return try SharedBytes(count: count) { memory throws(CheckpointError) in
            var stream = z_stream()
            guard whorl_inflate_init_raw(&stream) == Z_OK else { throw .unsupported("zlib cannot start") }
            defer { inflateEnd(&stream) }
            let source = UnsafeRawBufferPointer(rebasing: file.bytes[range])
            // zlib takes a mutable pointer but only reads from it.
            stream.next_in = source.baseAddress.map {
                UnsafeMutablePointer(mutating: $0.assumingMemoryBound(to: UInt8.self))
            }
            stream.avail_in = UInt32(range.count)
            stream.next_out = memory.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.avail_out = UInt32(count)
            let status = CZlib.inflate(&stream, Z_FINISH)
            guard status == Z_STREAM_END || status == Z_OK || status == Z_BUF_ERROR, stream.avail_out == 0 else {
                throw .malformed("the zip entry \(name) cannot be inflated")
            }
        }
    }

    private static func crc(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        UInt32(crc32_z(0, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count))
    }
}
