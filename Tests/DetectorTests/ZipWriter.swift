import CZlib
import Foundation

/// Writes zip files for the tests, laid out as PyTorch's own writer does: sizes after the data, data on multiples of 64.
struct ZipWriter {
    private struct Record {
        let name: String
        let offset: Int
        let method: UInt16
        let checksum: UInt32
        let compressed: Int
        let count: Int
    }

    private static let alignment = 64
    private(set) var data = Data()
    private var records: [Record] = []

    mutating func add(_ name: String, _ contents: Data, deflated: Bool = false) {
        let stored = deflated ? ZipWriter.deflate(contents) : contents
        let checksum = ZipWriter.crc(contents)
        records.append(
            Record(
                name: name, offset: data.count, method: deflated ? 8 : 0, checksum: checksum,
                compressed: stored.count, count: contents.count))
        let dataStart = data.count + 30 + name.utf8.count + 4
        let padding = (ZipWriter.alignment - dataStart % ZipWriter.alignment) % ZipWriter.alignment
        append(UInt32(0x0403_4b50), UInt16(0), UInt16(0x808), UInt16(deflated ? 8 : 0), UInt32(0), UInt32(0), UInt32(0), UInt32(0))
        append(UInt16(name.utf8.count), UInt16(4 + padding))
        data.append(contentsOf: name.utf8)
        data.append(contentsOf: "FB".utf8)
        append(UInt16(padding))
        data.append(Data(repeating: UInt8(ascii: "Z"), count: padding))
        data.append(stored)
        append(UInt32(0x0807_4b50), checksum, UInt32(stored.count), UInt32(contents.count))
    }

    /// The whole file, with its directory.
    func finished() -> Data {
        var writer = self
        let start = data.count
        for record in records {
            writer.append(UInt32(0x0201_4b50), UInt16(0), UInt16(0), UInt16(0x808), record.method, UInt32(0), record.checksum)
            writer.append(UInt32(record.compressed), UInt32(record.count), UInt16(record.name.utf8.count), UInt16(0), UInt16(0))
            writer.append(UInt16(0), UInt16(0), UInt32(0), UInt32(record.offset))
            writer.data.append(contentsOf: record.name.utf8)
        }
        let size = writer.data.count - start
        writer.append(UInt32(0x0605_4b50), UInt16(0), UInt16(0), UInt16(records.count), UInt16(records.count))
        writer.append(UInt32(size), UInt32(start), UInt16(0))
        return writer.data
    }

    private mutating func append(_ values: any FixedWidthInteger...) {
        for value in values { data.appendLittleEndian(value) }
    }

    private static func crc(_ bytes: Data) -> UInt32 {
        bytes.withUnsafeBytes { UInt32(crc32_z(0, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), $0.count)) }
    }

    /// zlib's own stream without its two bytes of header and four of checksum is the raw stream that zip wants.
    private static func deflate(_ bytes: Data) -> Data {
        var count = compressBound(UInt(bytes.count))
        var output = Data(count: Int(count))
        let status = output.withUnsafeMutableBytes { target in
            bytes.withUnsafeBytes { source in
                compress2(
                    target.baseAddress?.assumingMemoryBound(to: UInt8.self), &count,
                    source.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt(bytes.count), 6)
            }
        }
        precondition(status == Z_OK, "zlib failed with \(status)")
        return output.prefix(Int(count)).dropFirst(2).dropLast(4)
    }
}

extension Data {
    mutating func appendLittleEndian<Value: FixedWidthInteger>(_ value: Value) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }
}
