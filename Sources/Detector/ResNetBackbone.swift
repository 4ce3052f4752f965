import NeuralCore

/// ResNet18 without its classifier, as a description to compile.
enum ResNetBackbone {
    /// Bytes of a frame as RGB24, and values of the network's input for it.
    static let inputCount = 3 * ResNetArchitecture.inputSize * ResNetArchitecture.inputSize
    /// Places of a map.
    static let mapCount = ResNetArchitecture.mapSize * ResNetArchitecture.mapSize
    /// Values of layer4 for one frame, `[7, 7, 512]`.
    static let activationCount = ResNetArchitecture.featureCount * mapCount

    /// The network of a validated checkpoint, normalisation folded into the convolutions.
    ///
    /// The early layers have large pictures and few weights: one frame at a time stays in a core's cache. The later ones are the opposite.
    static func description(tensors: [String: Tensor]) -> NetworkDescription {
        let extent = ResNetArchitecture.inputSize
        var network = NetworkDescription(channels: 3, height: extent, width: extent, framesAtOnce: 1)
        func convolution(
            _ spec: ResNetArchitecture.ConvolutionSpec, _ name: String, of input: NetworkDescription.Value,
            residual: NetworkDescription.Value? = nil, relu: Bool = true
        ) -> NetworkDescription.Value {
            network.convolution(
                name, of: input, outChannels: spec.outChannels, kernel: spec.kernel, stride: spec.stride, padding: spec.padding,
                weights: weights(of: spec, tensors: tensors), residual: residual, relu: relu)
        }

        let stem = convolution(ResNetArchitecture.stem, "conv1", of: network.input)
        var current = network.maximumPool("maxpool", of: stem)
        for block in ResNetArchitecture.blocks {
            if block.name == "layer3.0" { network.beginStage(framesAtOnce: 4) }
            if block.name == "layer4.0" { network.beginStage(framesAtOnce: 16) }
            let inner = convolution(block.first, block.name + ".conv1", of: current)
            let shortcut = block.downsample.map {
                convolution($0, block.name + ".downsample", of: current, relu: false)
            }
            current = convolution(block.second, block.name, of: inner, residual: shortcut ?? current)
        }
        return network
    }

    private static func weights(
        of spec: ResNetArchitecture.ConvolutionSpec, tensors: [String: Tensor]
    ) -> NetworkDescription.Weights {
        func tensor(_ name: String) -> Tensor {
            guard let tensor = tensors[name] else {
                preconditionFailure("\(name) is missing from a validated checkpoint")
            }
            return tensor
        }
        let weights = tensor(spec.weightName)
        if let bias = tensors[spec.foldedBiasName] {
            let ones = [Double](repeating: 1, count: spec.outChannels)
            return NetworkDescription.Weights(values: weights, factors: ones, bias: bias.elements)
        }
        let norm = spec.normTensorNames.map(tensor)
        return BatchNorm(gamma: norm[0], beta: norm[1], mean: norm[2], variance: norm[3]).folded(into: weights)
    }
}
