import Glibc
import Synchronization

/// The child's end of the ring: decoders put their frames here, and wait here when the parent has not given a buffer back.
///
/// `@unchecked Sendable`: the memory of a buffer belongs to the one that took its number, which `free` hands out once.
package final class FrameOutlet: @unchecked Sendable {
    private let memory: UnsafeMutableRawPointer
    private let layout: FrameLayout
    private let free: Mutex<[Int]>
    /// Held by the one that waits for buffers.
    private let reading = Mutex(())
    private let writing = Mutex(())
    private let progress = Mutex<(done: Int, total: Int, reported: Double)>((0, 1, 0))

    /// Maps the ring that the parent made; its size is the parent's.
    package init(_ order: DecoderOrder) throws(VideoError) {
        layout = FrameLayout(order.request, limits: order.limits)
        let bytes = layout.bufferBytes * order.limits.bufferedFrames
        let mapped = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, DecoderOrder.ringDescriptor, 0)
        guard let mapped, mapped != MAP_FAILED else { throw VideoError(.outOfMemory, detail: "the ring's \(bytes) bytes: errno \(errno)") }
        memory = mapped
        free = Mutex(Array(0..<order.limits.bufferedFrames))
    }

    /// Delivers one frame: `fill` writes picture `index` into its memory, rows of `rowBytes` bytes.
    func deliver(
        sample: Int, number: Int, seconds: Double, pictures: [DecoderRecord.Size],
        fill: (_ index: Int, _ memory: UnsafeMutableRawPointer, _ rowBytes: Int) throws(VideoError) -> Void
    ) throws(VideoError) {
        let buffer = try takeBuffer()
        do throws(VideoError) {
            var offset = 0
            for (index, size) in pictures.enumerated() {
                let bytes = FrameLayout.bytes(width: size.width, height: size.height)
                // Rounding aside, sizes come from the request that the ring was made for.
                precondition(offset + bytes <= layout.bufferBytes, "a frame fits its buffer")
                try fill(index, memory + buffer * layout.bufferBytes + offset, FrameLayout.rowBytes(width: size.width))
                offset += bytes
            }
        } catch {
            // The parent never saw it, so it will not give it back.
            free.withLock { $0.append(buffer) }
            throw error
        }
        try send(
            .frame, DecoderRecord.Frame(
                buffer: buffer, sample: sample, frameNumber: number, timestampSeconds: seconds, pictures: pictures))
    }

    /// Makes all frames so far void.
    func restart() throws(VideoError) {
        try send(.restart, [String: Int]())
    }

    /// Begins to count what is done of `total` steps, about.
    func expect(steps total: Int) {
        progress.withLock { $0 = (0, max(1, total), $0.reported) }
    }

    /// Counts a step and tells the parent now and then; never less than before, also after a restart.
    func step() throws(VideoError) {
        let fraction = progress.withLock { state -> Double? in
            state.done += 1
            let fraction = min(0.99, Double(state.done) / Double(state.total))
            guard fraction - state.reported >= 0.02 else { return nil }
            state.reported = fraction
            return fraction
        }
        if let fraction { try send(.progress, DecoderRecord.Progress(fraction: fraction)) }
    }

    private func send(_ kind: DecoderRecord.Kind, _ message: some Encodable) throws(VideoError) {
        let isWritten = writing.withLock { _ in DecoderCommand.send(kind, message) }
        if !isWritten { throw VideoError(.cancelled, detail: "nobody reads the answer") }
    }

    private func takeBuffer() throws(VideoError) -> Int {
        while true {
            if let buffer = free.withLock({ $0.popLast() }) { return buffer }
            let isOpen = reading.withLock { _ in
                // Another one may have read while this one waited for its turn.
                free.withLock({ !$0.isEmpty }) || receiveBuffers()
            }
            if !isOpen { throw VideoError(.cancelled, detail: "nobody gives buffers back") }
        }
    }

    /// Waits for the parent; false when it is gone.
    private func receiveBuffers() -> Bool {
        var numbers = [UInt8](repeating: 0, count: 16)
        var got = read(STDIN_FILENO, &numbers, numbers.count)
        while got < 0 && errno == EINTR { got = read(STDIN_FILENO, &numbers, numbers.count) }
        guard got > 0 else { return false }
        free.withLock { $0.append(contentsOf: numbers[0..<got].map(Int.init)) }
        return true
    }
}
