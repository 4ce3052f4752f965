import NeuralCore

extension FaceDetector {
    /// What one of the three nets gives for pictures of seeded or other values: for each place two logits, four offsets and, from the last, ten
    /// coordinates, `[frames, rows, columns, outputs]`.
    ///
    /// `planes` is `[frames, 3, height, width]`, as the nets take it. The first net takes any size from 12 on, the others their own.
    package func outputs(of net: FaceNet, planes: Tensor) throws(FaceDetectorError) -> Tensor {
        precondition(planes.shape.count == 4 && planes.shape[1] == 3, "[frames, 3, height, width] wanted, not \(planes.shape)")
        let (frames, height, width) = (planes.shape[0], planes.shape[2], planes.shape[3])
        let plan = try FaceDetector.plan(
            net.description(height: height, width: width, framesAtOnce: 2, weights: weights), selection: selection)
        let outputCount = net.heads.reduce(0) { $0 + $1.outputs }
        let (rows, columns, pixelFloats) = (plan.outputShape[0], plan.outputShape[1], plan.outputShape[2])
        let input = planes.elements
        let context = PlanContext(plan: plan, threads: 1)
        // The outputs lie in the context's memory.
        defer { withExtendedLifetime(context) {} }
        let values = context.run(frames: frames) { frame, row, destination in
            for x in 0..<width {
                for c in 0..<3 { destination[x * 3 + c] = input[((frame * 3 + c) * height + row) * width + x] }
            }
        }
        return Tensor(shape: [frames, rows, columns, outputCount]) { outputs in
            guard let base = values.baseAddress, let target = outputs.baseAddress else { return }
            for place in 0..<frames * rows * columns {
                if net == .proposal {
                    heads.compute(base + place * pixelFloats, into: target + place * outputCount)
                } else {
                    (target + place * outputCount).update(from: base + place * pixelFloats, count: outputCount)
                }
            }
        }
    }
}
