/// Bytes that live as long as this object: a part of a mapped file, or memory of their own.
///
/// `@unchecked Sendable`: written only by the initialiser.
final class SharedBytes: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer
    private let owner: MappedFile?

    init(of file: MappedFile, in range: Range<Int>) {
        bytes = UnsafeRawBufferPointer(rebasing: file.bytes[range])
        owner = file
    }

    init<Failure: Error>(
        count: Int, filledBy fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 64)
        bytes = UnsafeRawBufferPointer(memory)
        owner = nil
        try fill(memory)
    }

    deinit {
        if owner == nil { bytes.deallocate() }
    }
}
