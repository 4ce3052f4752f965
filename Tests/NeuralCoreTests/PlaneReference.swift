/// The definitions of the layers on planar `[C, H, W]` values in double, written apart from the kernels: what all of them must agree with.
enum PlaneReference {
    struct Image {
        var channels: Int
        var height: Int
        var width: Int
        var values: [Double]

        init(channels: Int, height: Int, width: Int, values: [Double]) {
            precondition(values.count == channels * height * width)
            self.channels = channels
            self.height = height
            self.width = width
            self.values = values
        }

        /// `[height, width, channels]`, as plans give their output.
        var channelsLast: [Double] {
            (0..<height * width).flatMap { place in (0..<channels).map { values[$0 * height * width + place] } }
        }
    }

    static func convolution(
        _ input: Image, outChannels: Int, kernel: Int, stride: Int, padding: Int, weights: [Float], bias: [Float],
        residual: Image? = nil, relu: Bool
    ) -> Image {
        var output = convolution(
            input, outChannels: outChannels, kernel: kernel, stride: stride, padding: padding, weights: weights.map { Double($0) },
            bias: bias.map { Double($0) })
        for index in output.values.indices {
            let value = output.values[index] + (residual?.values[index] ?? 0)
            output.values[index] = relu ? max(0, value) : value
        }
        return output
    }

    static func convolution(
        _ input: Image, outChannels: Int, kernel: Int, stride: Int, padding: Int, weights: [Double], bias: [Double]
    ) -> Image {
        let height = (input.height + 2 * padding - kernel) / stride + 1
        let width = (input.width + 2 * padding - kernel) / stride + 1
        var values: [Double] = []
        values.reserveCapacity(outChannels * height * width)
        weights.withUnsafeBufferPointer { weights in
            input.values.withUnsafeBufferPointer { pixels in
                for o in 0..<outChannels {
                    for y in 0..<height {
                        for x in 0..<width {
                            var sum = bias[o]
                            for c in 0..<input.channels {
                                for ky in 0..<kernel {
                                    let row = y * stride + ky - padding
                                    guard row >= 0 && row < input.height else { continue }
                                    for kx in 0..<kernel {
                                        let column = x * stride + kx - padding
                                        guard column >= 0 && column < input.width else { continue }
                                        sum += weights[((o * input.channels + c) * kernel + ky) * kernel + kx]
                                            * pixels[(c * input.height + row) * input.width + column]
                                    }
                                }
                            }
                            values.append(sum)
                        }
                    }
                }
            }
        }
        return Image(channels: outChannels, height: height, width: width, values: values)
    }

    static func parametricRelu(_ input: Image, slopes: [Float]) -> Image {
        var output = input
        for index in output.values.indices where output.values[index] < 0 {
            output.values[index] *= Double(slopes[index / (input.height * input.width)])
        }
        return output
    }

    /// A maximum with stride 2 that keeps a NaN; with `coversRest` a window counts as soon as its first pixel lies in the picture.
    static func maximumPool(_ input: Image, kernel: Int = 3, padding: Int = 1, coversRest: Bool = false) -> Image {
        func extent(_ length: Int) -> Int {
            let free = length + 2 * padding - kernel
            return (coversRest ? (free + 1) / 2 : free / 2) + 1
        }
        let (height, width) = (extent(input.height), extent(input.width))
        var values: [Double] = []
        for c in 0..<input.channels {
            for y in 0..<height {
                for x in 0..<width {
                    var best = -Double.infinity
                    for row in max(0, 2 * y - padding)..<min(input.height, 2 * y - padding + kernel) {
                        for column in max(0, 2 * x - padding)..<min(input.width, 2 * x - padding + kernel) {
                            let value = input.values[(c * input.height + row) * input.width + column]
                            if value > best || value.isNaN { best = value }
                            if best.isNaN { break }
                        }
                        if best.isNaN { break }
                    }
                    values.append(best)
                }
            }
        }
        return Image(channels: input.channels, height: height, width: width, values: values)
    }
}
