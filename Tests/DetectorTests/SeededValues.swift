import NeuralCore

/// Values computed from integers alone, the same here and in Tools/reference/seeded_values.py.
enum SeededValues {
    private static let golden: UInt64 = 0x9e37_79b9_7f4a_7c15

    /// `count` values in [−1, 1), multiples of 2⁻²³: the upper 24 bits of SplitMix64.
    static func uniform(seed: UInt64, name: String, count: Int) -> [Double] {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let start = hash ^ (seed &* golden)
        return (0..<count).map { index in
            var z = start &+ UInt64(index + 1) &* golden
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            z ^= z >> 31
            return Double(z >> 40) * 0x1p-23 - 1
        }
    }

    private static func affine(_ seed: UInt64, _ name: String, _ shape: [Int], _ centre: Double, _ spread: Double) -> Tensor {
        let values = uniform(seed: seed, name: name, count: shape.reduce(1, *))
        return Tensor(shape: shape, elements: values.map { Float(centre + spread * $0) })
    }

    /// The tensor of that torchvision name: He-scaled weights, plausible statistics, residual branches and output damped.
    static func tensor(seed: UInt64, name: String, shape: [Int]) -> Tensor {
        if name.hasSuffix("running_mean") { return affine(seed, name, shape, 0, 0.1) }
        if name.hasSuffix("running_var") { return affine(seed, name, shape, 1, 0.5) }
        if shape.count == 2, shape[0] == 1 { return affine(seed, name, shape, 0, 0.01) }
        if shape.count >= 2 {
            return affine(seed, name, shape, 0, (6 / Double(shape.dropFirst().reduce(1, *))).squareRoot())
        }
        if name.hasSuffix("bias") { return affine(seed, name, shape, 0, 0.1) }
        if name.contains(".bn2.") { return affine(seed, name, shape, 0.4, 0.2) }
        return affine(seed, name, shape, 1, 0.3)
    }

    /// `[count, 3, 224, 224]`: squares of 32 pixels with noise on them, so that the maps differ over the picture.
    static func frames(seed: UInt64, count: Int) -> Tensor {
        let (size, squares) = (224, 7)
        let coarse = uniform(seed: seed, name: "coarse", count: count * 3 * squares * squares)
        let fine = uniform(seed: seed, name: "fine", count: count * 3 * size * size)
        return Tensor(shape: [count, 3, size, size]) { values in
            for plane in 0..<count * 3 {
                for y in 0..<size {
                    for x in 0..<size {
                        let square = (plane * squares + y / 32) * squares + x / 32
                        let index = (plane * size + y) * size + x
                        values[index] = Float(1.5 * coarse[square] + 0.5 * fine[index])
                    }
                }
            }
        }
    }
}
