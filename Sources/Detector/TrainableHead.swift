import NeuralCore

/// The classifier after the backbone, in training: features `[512]` of a picture to its logit, in double, and back.
struct TrainableHead {
    private enum Layers {
        case linear(weight: Range<Int>, bias: Range<Int>)
        /// Linear, ReLU, linear.
        case mlp(first: Range<Int>, firstBias: Range<Int>, second: Range<Int>, secondBias: Range<Int>)
    }

    private let layers: Layers
    private var features: [[Float]] = []
    private var hidden: [[Double]] = []

    init(kind: ModelCard.Head, appendingTo layout: inout ParameterLayout) {
        let ranges = ResNetArchitecture.headShapes(kind).map { name, shape in
            layout.append(name, shape: shape, decays: shape.count > 1, isHead: true)
        }
        layers =
            switch kind {
            case .linear: .linear(weight: ranges[0], bias: ranges[1])
            case .mlp: .mlp(first: ranges[0], firstBias: ranges[1], second: ranges[2], secondBias: ranges[3])
            }
    }

    mutating func forward(features: [[Float]], parameters: ParameterBuffer) -> [Double] {
        self.features = features
        let values = parameters.values
        switch layers {
        case .linear(let weight, let bias):
            return features.map { row in
                var sum = Double(values[bias.lowerBound])
                for k in row.indices { sum += Double(values[weight.lowerBound + k]) * Double(row[k]) }
                return sum
            }
        case .mlp(let first, let firstBias, let second, let secondBias):
            hidden = features.map { row in
                firstBias.indices.map { unit in
                    var sum = Double(values[unit])
                    let weights = first.lowerBound + (unit - firstBias.lowerBound) * row.count
                    for k in row.indices { sum += Double(values[weights + k]) * Double(row[k]) }
                    return max(0, sum)
                }
            }
            return hidden.map { units in
                var sum = Double(values[secondBias.lowerBound])
                for k in units.indices { sum += Double(values[second.lowerBound + k]) * units[k] }
                return sum
            }
        }
    }

    /// Fills the head's own gradients and gives those with respect to the features, `[count][512]`.
    func backward(logitGradients: [Double], parameters: ParameterBuffer, gradients: ParameterBuffer) -> [[Double]] {
        precondition(logitGradients.count == features.count, "\(logitGradients.count) gradients for \(features.count) pictures")
        let (values, target) = (parameters.values, gradients.values)
        func store(_ range: Range<Int>, _ gradient: (_ index: Int, _ picture: Int) -> Double) {
            for index in range.indices {
                var sum = 0.0
                for picture in features.indices { sum += gradient(index - range.lowerBound, picture) }
                target[index] = Float(sum)
            }
        }
        switch layers {
        case .linear(let weight, let bias):
            store(weight) { k, picture in logitGradients[picture] * Double(features[picture][k]) }
            store(bias) { _, picture in logitGradients[picture] }
            return logitGradients.map { gradient in weight.indices.map { gradient * Double(values[$0]) } }
        case .mlp(let first, let firstBias, let second, let secondBias):
            store(second) { k, picture in logitGradients[picture] * hidden[picture][k] }
            store(secondBias) { _, picture in logitGradients[picture] }
            let units = logitGradients.indices.map { picture in
                second.indices.map { index in
                    hidden[picture][index - second.lowerBound] > 0 ? logitGradients[picture] * Double(values[index]) : 0
                }
            }
            let width = first.count / firstBias.count
            store(firstBias) { unit, picture in units[picture][unit] }
            store(first) { index, picture in units[picture][index / width] * Double(features[picture][index % width]) }
            return units.map { units in
                (0..<width).map { k in
                    var sum = 0.0
                    for unit in units.indices { sum += units[unit] * Double(values[first.lowerBound + unit * width + k]) }
                    return sum
                }
            }
        }
    }
}
