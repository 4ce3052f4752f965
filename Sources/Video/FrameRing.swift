import CProcess
import Glibc

/// Where the pictures of a frame lie within one buffer of the ring; the same arithmetic on both sides.
package struct FrameLayout: Sendable, Equatable {
    /// Most bytes that a frame of the request can take, in whole pages.
    package let bufferBytes: Int

    private static let alignment = 64
    private static let pageBytes = 4_096

    /// Room for every picture at its largest.
    package init(_ request: SamplingRequest, limits: DecoderLimits) {
        let bytes = request.pictures.reduce(0) { total, picture in
            switch picture {
            case .squeezed(let width, let height), .fitted(let width, let height):
                total + Self.bytes(width: width, height: height)
            case .source:
                // The widest row times the most rows of an allowed picture, whatever its shape: padding is a row's.
                total + limits.maxPixels * 3 + max(limits.maxWidth, limits.maxHeight) * Self.rowPadding
            }
        }
        bufferBytes = (bytes + 2 * Self.pageBytes - 1) / Self.pageBytes * Self.pageBytes
    }

    /// Bytes from a row to the next: swscale's vector code may write some pixels beyond a row's end.
    package static func rowBytes(width: Int) -> Int {
        (width * 3 + rowPadding - 1) / alignment * alignment
    }

    /// Bytes of a picture with its padding.
    package static func bytes(width: Int, height: Int) -> Int {
        rowBytes(width: width) * height
    }

    private static let rowPadding = 2 * alignment
}

/// The memory that frames pass through on their way from the decoder: a few buffers that its parent made, sized and sealed.
final class FrameRing {
    /// For the child.
    let descriptor: OwnedDescriptor
    let bufferCount: Int
    let layout: FrameLayout
    private let memory: UnsafeMutableRawPointer

    /// Memory is taken only for what is written: the size is a bound, not a cost.
    init(layout: FrameLayout, bufferCount: Int) throws(VideoError) {
        let bytes = layout.bufferBytes * bufferCount
        let made = OwnedDescriptor(whorl_sealed_memory("whorl-frames", Int64(bytes)))
        guard made.number >= 0 else { throw VideoError(.systemBusy, detail: "memfd_create: errno \(errno)") }
        // Above the numbers that a child's own descriptors take.
        let raised = OwnedDescriptor(fcntl(made.number, F_DUPFD_CLOEXEC, Pipe.firstFree))
        guard raised.number >= 0 else { throw VideoError(.systemBusy, detail: "fcntl: errno \(errno)") }
        guard let mapped = mmap(nil, bytes, PROT_READ, MAP_SHARED, raised.number, 0), mapped != MAP_FAILED else {
            throw VideoError(.systemBusy, detail: "mmap of \(bytes) bytes: errno \(errno)")
        }
        descriptor = raised
        memory = mapped
        self.layout = layout
        self.bufferCount = bufferCount
    }

    deinit {
        munmap(memory, layout.bufferBytes * bufferCount)
    }

    /// A buffer's bytes.
    func buffer(_ index: Int) -> UnsafeRawBufferPointer {
        precondition((0..<bufferCount).contains(index), "a buffer of the ring")
        return UnsafeRawBufferPointer(start: memory + index * layout.bufferBytes, count: layout.bufferBytes)
    }
}
