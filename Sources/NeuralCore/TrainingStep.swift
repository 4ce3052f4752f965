/// What a step of training works on: the places that a plan gave to values, and the parameters of the call.
struct TrainingMemory {
    /// Activations and their gradients.
    let values: UnsafeMutableRawPointer
    /// The worker's own.
    let scratch: UnsafeMutableRawPointer
    /// All workers': unrolled products and sums.
    let shared: UnsafeMutableRawPointer
    /// Channel sums, scales and shifts, by layer.
    let channels: UnsafeMutablePointer<Float>
    let parameters: UnsafePointer<Float>
    let gradients: UnsafeMutablePointer<Float>?
    let statistics: UnsafeMutablePointer<Float>?
    /// Frames of this call.
    let frames: Int
    /// Batch statistics are taken and kept; otherwise the running ones are used.
    let isTraining: Bool
    /// The worker's share of everything.
    let share: Slice
    /// Waits for all workers.
    let synchronize: () -> Void

    /// The memory of a group of frames for an operation of the forward pass.
    func group(from firstFrame: Int) -> GroupMemory {
        GroupMemory(arena: values, shared: values, firstFrame: firstFrame, scratch: scratch)
    }

    /// Row `y` of a frame's picture.
    func row(_ place: ValuePlace, frame: Int, _ y: Int) -> UnsafeMutablePointer<Float> {
        (values + place.offset + place.layout.origin(frame: frame) + y * place.layout.rowBytes).assumingMemoryBound(to: Float.self)
    }

    /// Calls `body` for this worker's share of all rows of all frames.
    func eachRow(of place: ValuePlace, _ body: (_ frame: Int, _ row: Int) -> Void) {
        let height = place.layout.height
        for index in share.range(of: frames * height) { body(index / height, index % height) }
    }

    /// Clears this worker's share of the zeros around a value's pictures: other values have used the memory.
    func clearBorders(of place: ValuePlace) {
        guard place.layout.border > 0 else { return }
        for frame in share.range(of: frames) {
            place.layout.clearBorders(values + place.offset + frame * place.layout.groupBytes, frames: 1)
        }
    }

    /// Sets this worker's share of a value to zero, borders included.
    func clear(_ place: ValuePlace) {
        for frame in share.range(of: frames) {
            (values + place.offset + frame * place.layout.groupBytes)
                .initializeMemory(as: UInt8.self, repeating: 0, count: place.layout.groupBytes)
        }
    }
}

/// One layer's part in training. Every worker calls it with its own share; what a value is made of is summed in an order that does not depend on
/// the number of workers.
protocol TrainingStep: Sendable {
    /// Bytes of a worker's scratch memory, and of the memory that all share, for a batch of `frames`.
    func scratchBytes(frames: Int) -> Int
    func sharedBytes(frames: Int) -> Int
    /// All workers are in step before and after; within, `memory.synchronize` keeps them so.
    func forward(_ memory: TrainingMemory)
    func backward(_ memory: TrainingMemory)
}
