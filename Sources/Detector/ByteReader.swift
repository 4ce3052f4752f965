/// Reads little-endian numbers from bytes and says where they ended too early.
struct ByteReader {
    let bytes: UnsafeRawBufferPointer
    var position: Int
    /// What is being read, for the error.
    let what: String

    init(_ bytes: UnsafeRawBufferPointer, at position: Int = 0, what: String) {
        self.bytes = bytes
        self.position = position
        self.what = what
    }

    var remaining: Int { bytes.count - position }

    mutating func take(_ count: Int) throws(CheckpointError) -> UnsafeRawBufferPointer {
        guard count >= 0, position >= 0, count <= remaining else {
            throw .cutShort("\(what) ends at byte \(bytes.count), \(count) more wanted at \(position)")
        }
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
    }

    mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type) throws(CheckpointError) -> Value {
        Value(littleEndian: try take(MemoryLayout<Value>.size).loadUnaligned(as: Value.self))
    }

    /// A 64-bit count that must fit an `Int`.
    mutating func count64() throws(CheckpointError) -> Int {
        let value = try integer(UInt64.self)
        guard let count = Int(exactly: value) else { throw .malformed("\(what) claims a size of \(value)") }
        return count
    }

    /// The text up to the next line feed, which is consumed.
    mutating func line() throws(CheckpointError) -> String {
        guard let end = bytes[position...].firstIndex(of: 0x0a) else {
            throw .cutShort("\(what) ends within a line at byte \(position)")
        }
        let text = String(decoding: try take(end - position), as: UTF8.self)
        position += 1
        return text
    }

    mutating func text(_ count: Int) throws(CheckpointError) -> String {
        guard let text = String(validating: try take(count), as: UTF8.self) else {
            throw .malformed("\(what) holds invalid UTF-8 before byte \(position)")
        }
        return text
    }
}
