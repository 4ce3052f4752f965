import CAllocationCounter
import NeuralCore
import Testing

/// What a forward allocates once its context is there: nothing.
@Suite("Allocations", .serialized)
struct AllocationTests {
    /// OpenBLAS allocates on its own account.
    static let selections = KernelTests.selections.filter { $0.kernels != .openblas }

    @Test("a forward allocates nothing", arguments: selections, [1, 2, 3])
    func steadyForward(selection: KernelSelection, threads: Int) throws {
        var random = TestRandom(seed: 3)
        let network = SampleNetwork(
            channels: 3, height: 30, width: 29, stemKernel: 7, stemStride: 2, isPooled: true, innerChannels: 20, outChannels: 50,
            stride: 2, random: &random)
        let plan = try network.plan(selection)
        let context = PlanContext(plan: plan, threads: threads)
        let values = random.floats(network.inputCount)
        values.withUnsafeBufferPointer { values in
            nonisolated(unsafe) let values = values
            let load: PlanContext.RowLoader = { _, row, destination in
                for x in 0..<29 {
                    for c in 0..<3 { destination[x * 3 + c] = values[(c * 30 + row) * 29 + x] }
                }
            }
            func forward(_ frames: Int) -> Float { context.run(frames: frames, load: load)[0] }
            // Threads of other tests may allocate at the same time: the least of several turns counts.
            for frames in [1, 2, 5] {
                _ = forward(frames)
                var least = Int.max
                for _ in 0..<20 {
                    let before = allocation_count()
                    for _ in 0..<5 { _ = forward(frames) }
                    least = min(least, allocation_count() - before)
                }
                #expect(least == 0, "\(selection), \(threads) threads, \(frames) frames")
            }
        }
    }

    @Test("the counter counts")
    func canary() {
        let before = allocation_count()
        let array = [Int](repeating: 1, count: 10_000)
        #expect(allocation_count() > before)
        #expect(array.count == 10_000)
    }
}
