/// One float for each value of a `ParameterLayout`: parameters, gradients, or an optimiser's moments; zeros at first.
///
/// Not `Sendable`: it belongs to whoever trains, and is handed to threads only for the length of one of that owner's calls.
public final class ParameterBuffer {
    /// What lies where.
    public let layout: ParameterLayout
    private let memory: AlignedMemory

    public init(layout: ParameterLayout) {
        self.layout = layout
        memory = AlignedMemory(byteCount: layout.count * MemoryLayout<Float>.size)
    }

    /// All values in the layout's order; valid while the buffer lives.
    public var values: UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(start: memory.floats(), count: layout.count)
    }

    /// One tensor's values.
    public func values(of entry: ParameterLayout.Entry) -> UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(rebasing: values[entry.range])
    }

    /// Takes over another buffer's values.
    public func copy(from other: ParameterBuffer) {
        precondition(layout == other.layout, "buffers of two layouts")
        _ = values.update(fromContentsOf: other.values)
    }

    /// A tensor with a copy of one entry's values.
    public func tensor(of entry: ParameterLayout.Entry) -> Tensor {
        Tensor(shape: entry.shape) { target in _ = target.update(fromContentsOf: values(of: entry)) }
    }
}
