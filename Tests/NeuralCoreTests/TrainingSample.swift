import NeuralCore

/// A small random network in training, computed twice: by `TrainingNetwork`, and by the definitions in double.
struct TrainingSample {
    struct Layer {
        let name: String
        let input: String
        let inChannels: Int
        let outChannels: Int
        let kernel: Int
        let stride: Int
        let padding: Int
        var residual: String?
        var relu = true
        var isPooled = false
    }

    let form: NormForm
    let frames: Int
    let channels: Int
    let height: Int
    let width: Int
    let layers: [Layer]
    /// By tensor.
    var parameters: [String: [Double]] = [:]
    var statistics: [String: [Double]] = [:]
    let pixels: [Double]

    /// Odd extents, channel counts that are no multiple of any vector, every kind of layer, strides of 1 and 2.
    init(form: NormForm, random: inout TestRandom) {
        self.form = form
        frames = Int.random(in: 1...5, using: &random)
        channels = Int.random(in: 1...4, using: &random)
        height = Int.random(in: 9...19, using: &random)
        width = Int.random(in: 9...19, using: &random)
        let inner = Int.random(in: 1...21, using: &random)
        let outer = Int.random(in: 1...37, using: &random)
        let stem = [1, 3, 5, 7].randomElement(using: &random) ?? 3
        let step = Int.random(in: 1...2, using: &random)
        layers = [
            Layer(
                name: "stem", input: "", inChannels: channels, outChannels: inner, kernel: stem, stride: Int.random(in: 1...2, using: &random),
                padding: stem / 2, isPooled: Bool.random(using: &random)),
            Layer(name: "first", input: "stem", inChannels: inner, outChannels: outer, kernel: 3, stride: step, padding: 1),
            Layer(
                name: "shortcut", input: "stem", inChannels: inner, outChannels: outer, kernel: 1, stride: step, padding: 0, relu: false),
            Layer(
                name: "second", input: "first", inChannels: outer, outChannels: outer, kernel: 3, stride: 1, padding: 1, residual: "shortcut"),
            Layer(name: "third", input: "second", inChannels: outer, outChannels: outer, kernel: 3, stride: 1, padding: 1),
            Layer(name: "last", input: "third", inChannels: outer, outChannels: outer, kernel: 3, stride: 1, padding: 1, residual: "second"),
            // A residual that its own reader reads too: both parts of its gradient come to one place.
            Layer(name: "twice", input: "last", inChannels: outer, outChannels: outer, kernel: 1, stride: 1, padding: 0, residual: "last"),
        ]
        func values(_ count: Int, _ range: ClosedRange<Float>) -> [Double] { random.floats(count, in: range).map { Double($0) } }
        pixels = values(frames * channels * height * width, -1...1)
        for layer in layers {
            let depth = layer.inChannels * layer.kernel * layer.kernel
            let spread = (3 / Float(depth)).squareRoot()
            parameters[layer.name + ".weight"] = values(layer.outChannels * depth, -spread...spread)
            if form == .folded {
                parameters[layer.name + ".bias"] = values(layer.outChannels, -0.5...0.5)
            } else {
                parameters[layer.name + ".gamma"] = values(layer.outChannels, 0.5...1.5)
                parameters[layer.name + ".beta"] = values(layer.outChannels, -0.5...0.5)
                statistics[layer.name + ".mean"] = values(layer.outChannels, -0.5...0.5)
                statistics[layer.name + ".variance"] = values(layer.outChannels, 0.5...2)
            }
        }
    }

    func network(_ selection: KernelSelection, threads: Int) -> TrainingNetwork {
        var network = NetworkDescription(channels: channels, height: height, width: width, framesAtOnce: 1)
        var values = ["": network.input]
        for layer in layers {
            if layer.name == "third" { network.beginStage(framesAtOnce: 3) }
            let depth = layer.inChannels * layer.kernel * layer.kernel
            let weights = NetworkDescription.Weights(
                values: Tensor(shape: [layer.outChannels, depth], elements: [Float](repeating: 0, count: layer.outChannels * depth)),
                factors: [Double](repeating: 1, count: layer.outChannels), bias: [Float](repeating: 0, count: layer.outChannels))
            guard let input = values[layer.input] else { preconditionFailure("no value \(layer.input)") }
            var output = network.convolution(
                layer.name, of: input, outChannels: layer.outChannels, kernel: layer.kernel, stride: layer.stride, padding: layer.padding,
                weights: weights, residual: layer.residual.flatMap { values[$0] }, relu: layer.relu)
            if layer.isPooled { output = network.maximumPool(layer.name + ".pool", of: output) }
            values[layer.name] = output
        }
        return TrainingNetwork(
            network, form: form, batch: frames, selection: selection, team: ThreadTeam(size: threads)
        ) { name in
            .init(
                weight: name + ".weight", bias: name + ".bias", gamma: name + ".gamma", beta: name + ".beta", mean: name + ".mean",
                variance: name + ".variance")
        }
    }

    /// Output, gradients and statistics as the network computes them, given the gradient with respect to the output as `outputGradient`
    /// does.
    func run(
        _ network: TrainingNetwork, isTraining: Bool = true, outputGradient: (_ index: Int) -> Double
    ) -> (output: [Float], gradients: ParameterBuffer, statistics: ParameterBuffer) {
        let (values, gradients) = (ParameterBuffer(layout: network.layout), ParameterBuffer(layout: network.layout))
        let running = ParameterBuffer(layout: network.statisticsLayout)
        for (buffer, source) in [(values, parameters), (running, statistics)] {
            for entry in buffer.layout.entries {
                _ = buffer.values(of: entry).update(fromContentsOf: (source[entry.name] ?? []).map { Float($0) })
            }
        }
        let (pixels, channels, height, width) = (pixels, channels, height, width)
        network.forward(frames: frames, parameters: values, statistics: running, isTraining: isTraining) { frame, row, target in
            for x in 0..<width {
                for c in 0..<channels {
                    target[x * channels + c] = Float(pixels[((frame * channels + c) * height + row) * width + x])
                }
            }
        }
        let (outHeight, outWidth, outChannels) = (network.outputShape[0], network.outputShape[1], network.outputShape[2])
        let floats = network.outputPixelFloats
        let output = (0..<frames).flatMap { frame in
            network.withOutput(frame: frame) { row in
                (0..<outHeight).flatMap { y in
                    (0..<outWidth).flatMap { x in (0..<outChannels).map { row(y)[x * floats + $0] } }
                }
            }
        }
        let coefficients = (0..<output.count).map { Float(outputGradient($0)) }
        network.backward(parameters: values, statistics: running, gradients: gradients, isTraining: isTraining) { frame, row, target in
            target.update(repeating: 0, count: outWidth * floats)
            for x in 0..<outWidth {
                for c in 0..<outChannels {
                    target[x * floats + c] = coefficients[((frame * outHeight + row) * outWidth + x) * outChannels + c]
                }
            }
        }
        return (output, gradients, running)
    }

    /// Σ coefficient · output of the definitions, with the output `[frame][height, width, channels]`.
    func reference(isTraining: Bool = true, coefficient: (_ index: Int) -> Double) -> (loss: Double, output: [Double]) {
        let count = channels * height * width
        var values = ["": (0..<frames).map { frame in
            PlaneReference.Image(
                channels: channels, height: height, width: width, values: Array(pixels[frame * count..<(frame + 1) * count]))
        }]
        for layer in layers {
            var images = (values[layer.input] ?? []).map { convolution(layer, $0) }
            if form != .folded { normalise(&images, layer, usesBatch: form == .batch && isTraining) }
            let residual = layer.residual.flatMap { values[$0] }
            for frame in images.indices {
                for index in images[frame].values.indices {
                    let value = images[frame].values[index] + (residual?[frame].values[index] ?? 0)
                    images[frame].values[index] = layer.relu ? max(0, value) : value
                }
            }
            values[layer.name] = layer.isPooled ? images.map { PlaneReference.maximumPool($0) } : images
        }
        let output = (values["twice"] ?? []).flatMap(\.channelsLast)
        return (output.indices.reduce(0) { $0 + coefficient($1) * output[$1] }, output)
    }

    private func convolution(_ layer: Layer, _ input: PlaneReference.Image) -> PlaneReference.Image {
        let bias = parameters[layer.name + ".bias"] ?? [Double](repeating: 0, count: layer.outChannels)
        return PlaneReference.convolution(
            input, outChannels: layer.outChannels, kernel: layer.kernel, stride: layer.stride, padding: layer.padding,
            weights: parameters[layer.name + ".weight"] ?? [], bias: bias)
    }

    private func normalise(_ images: inout [PlaneReference.Image], _ layer: Layer, usesBatch: Bool) {
        let pixels = images[0].height * images[0].width
        for channel in 0..<layer.outChannels {
            let range = channel * pixels..<(channel + 1) * pixels
            var mean = statistics[layer.name + ".mean"]?[channel] ?? 0
            var variance = statistics[layer.name + ".variance"]?[channel] ?? 1
            if usesBatch {
                let all = images.flatMap { $0.values[range] }
                mean = all.reduce(0, +) / Double(all.count)
                variance = all.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(all.count)
            }
            let gamma = parameters[layer.name + ".gamma"]?[channel] ?? 1
            let beta = parameters[layer.name + ".beta"]?[channel] ?? 0
            for frame in images.indices {
                for index in range {
                    images[frame].values[index] = (images[frame].values[index] - mean) / (variance + 1e-5).squareRoot() * gamma + beta
                }
            }
        }
    }
}

extension TrainingSample: CustomStringConvertible {
    var description: String {
        "\(form.rawValue), \(frames) of \(channels)x\(height)x\(width), stem \(layers[0].kernel)x\(layers[0].kernel)/\(layers[0].stride)"
            + "\(layers[0].isPooled ? " pooled" : "") to \(layers[0].outChannels), block /\(layers[1].stride) to \(layers[1].outChannels)"
    }
}
