/// Scratch memory of one thread, cut into named regions once and reused for every frame.
///
/// Confined: a workspace belongs to one thread at a time; whoever takes it out of a pool owns it until it is put back.
/// `@unchecked Sendable` for that hand-over only, which the pool's lock orders.
public final class Workspace: @unchecked Sendable {
    /// Cache line of the CPUs in use; regions start on it so that no two of them share a line.
    private static let alignmentBytes = 64

    private let base: UnsafeMutableRawPointer
    private let offsets: [Int]
    private let counts: [Int]

    /// Memory for one region of each given number of floats.
    public init(regionCounts: [Int]) {
        let lineFloats = Workspace.alignmentBytes / MemoryLayout<Float>.size
        var offsets: [Int] = []
        var total = 0
        for count in regionCounts {
            precondition(count >= 0, "a region cannot have \(count) values")
            offsets.append(total)
            total += (count + lineFloats - 1) / lineFloats * lineFloats
        }
        self.offsets = offsets
        counts = regionCounts
        base = UnsafeMutableRawPointer.allocate(
            byteCount: max(total, 1) * MemoryLayout<Float>.size, alignment: Workspace.alignmentBytes)
        base.bindMemory(to: Float.self, capacity: total).initialize(repeating: 0, count: total)
    }

    deinit {
        base.deallocate()
    }

    /// The floats of a region; valid while the workspace lives.
    public func region(_ index: Int) -> UnsafeMutableBufferPointer<Float> {
        let start = base.assumingMemoryBound(to: Float.self) + offsets[index]
        return UnsafeMutableBufferPointer(start: start, count: counts[index])
    }
}
