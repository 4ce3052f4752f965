import Glibc

/// Stands in for Sources/NeuralCore/AlignedMemory.swift under the sanitizers: they fence in what comes from the heap, to the byte, and know nothing
/// of mappings. What a plan puts side by side within one block has no fence in between.
///
/// `@unchecked Sendable`: as the one it stands in for.
final class AlignedMemory: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
    let byteCount: Int

    init(byteCount: Int) {
        precondition(byteCount >= 0)
        self.byteCount = byteCount
        base = .allocate(byteCount: byteCount, alignment: Int(getpagesize()))
        memset(base, 0, byteCount)
    }

    deinit {
        base.deallocate()
    }

    func floats(at byteOffset: Int = 0) -> UnsafeMutablePointer<Float> {
        (base + byteOffset).assumingMemoryBound(to: Float.self)
    }
}
