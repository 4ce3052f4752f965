import CKernels

/// A maximum with stride 2 and its gradient.
struct PoolTraining: TrainingStep {
    let pooling: RowPooling
    let kernels: gradient_kernels
    let input: ValuePlace
    let output: ValuePlace
    let outputGradient: ValuePlace
    let inputGradient: ValuePlace

    func scratchBytes(frames: Int) -> Int { pooling.scratchBytes }
    func sharedBytes(frames: Int) -> Int { 0 }

    func forward(_ memory: TrainingMemory) {
        memory.clearBorders(of: output)
        for frame in memory.share.range(of: memory.frames) {
            PoolOperation(pooling: pooling, input: input, output: output)
                .run(frames: 1, slice: .whole, memory: memory.group(from: frame))
        }
        memory.synchronize()
    }

    /// A frame at a time, since neighbouring windows share pixels.
    func backward(_ memory: TrainingMemory) {
        memory.clear(inputGradient)
        let shape = pooling.shape
        var pool = max_pool_f32(
            kernel: shape.kernel, padding: shape.padding, width: shape.inWidth, channels: input.layout.channels,
            out_width: shape.outWidth)
        for frame in memory.share.range(of: memory.frames) {
            for y in 0..<shape.outHeight {
                let window = shape.window(y)
                let rows = window.map { UnsafePointer(memory.row(input, frame: frame, $0)) as UnsafePointer<Float>? }
                let gradients = window.map { memory.row(inputGradient, frame: frame, $0) as UnsafeMutablePointer<Float>? }
                kernels.max_pool_gradient(
                    &pool, rows, window.count, memory.row(output, frame: frame, y), memory.row(outputGradient, frame: frame, y), gradients)
            }
        }
        memory.synchronize()
    }
}
