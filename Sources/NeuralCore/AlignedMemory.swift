import Glibc

/// Zeroed memory on a page boundary, for packed weights and activations. A page takes room only once it is written.
///
/// Large blocks ask for huge pages: a kernel that walks many rows at once would miss in the address cache otherwise. `@unchecked Sendable`: who
/// writes where and when is ordered by the owner (a plan writes once, before it is shared; a context belongs to one call at a time).
final class AlignedMemory: @unchecked Sendable {
    private static let hugePageBytes = 2 << 20

    let base: UnsafeMutableRawPointer
    let byteCount: Int
    private let mapping: UnsafeMutableRawPointer
    private let mappedBytes: Int

    init(byteCount: Int) {
        precondition(byteCount >= 0)
        self.byteCount = byteCount
        let isLarge = byteCount >= AlignedMemory.hugePageBytes
        let wanted = max(byteCount, 1)
        mappedBytes = isLarge ? wanted + AlignedMemory.hugePageBytes : wanted
        guard let mapping = mmap(nil, mappedBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            mapping != MAP_FAILED
        else { preconditionFailure("no memory for \(byteCount) bytes: \(String(cString: strerror(errno)))") }
        self.mapping = mapping
        guard isLarge else {
            base = mapping
            return
        }
        base = mapping.alignedUp(toMultipleOf: AlignedMemory.hugePageBytes)
        // Advice only: without huge pages everything works, slower.
        madvise(base, byteCount / AlignedMemory.hugePageBytes * AlignedMemory.hugePageBytes, MADV_HUGEPAGE)
    }

    deinit {
        munmap(mapping, mappedBytes)
    }

    func floats(at byteOffset: Int = 0) -> UnsafeMutablePointer<Float> {
        (base + byteOffset).assumingMemoryBound(to: Float.self)
    }
}
