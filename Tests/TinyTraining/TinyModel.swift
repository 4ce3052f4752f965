import Detector
import Foundation
import NeuralCore
import Training

/// A two-layer perceptron on the mean colours of a picture's sixteenths, with means of its hidden layer as statistics: a real model that trains in
/// milliseconds.
public final class TinyModel: TrainableModel {
    private static let grid = 4
    private static let features = grid * grid * 3
    private static let hidden = 8

    public let layout: ParameterLayout
    public let parameters: ParameterBuffer
    public let gradients: ParameterBuffer
    public let statistics: ParameterBuffer
    /// The step, from 1, from which gradients are NaN.
    public var poisonedForward: Int?
    /// The same of the logits.
    public var poisonedLogits: Int?
    private var forwards = 0
    private var inputs: [[Double]] = []
    private var activations: [[Double]] = []

    public init(seed: UInt64) {
        var layout = ParameterLayout()
        layout.append("hidden.weight", shape: [Self.hidden, Self.features], decays: true)
        layout.append("hidden.bias", shape: [Self.hidden], decays: false)
        layout.append("fc.weight", shape: [1, Self.hidden], decays: true, isHead: true)
        layout.append("fc.bias", shape: [1], decays: false, isHead: true)
        self.layout = layout
        parameters = ParameterBuffer(layout: layout)
        gradients = ParameterBuffer(layout: layout)
        var statistics = ParameterLayout()
        statistics.append("hidden.running_mean", shape: [Self.hidden], decays: false)
        self.statistics = ParameterBuffer(layout: statistics)
        var random = SeededRandom(seed: seed)
        for entry in layout.entries where entry.decays {
            for index in entry.range { parameters.values[index] = Float(0.3 * random.normal()) }
        }
    }

    private func row(_ name: String) -> UnsafeMutableBufferPointer<Float> {
        guard let entry = layout[name] else { preconditionFailure(name) }
        return parameters.values(of: entry)
    }

    public func forward(rgb: UnsafeRawBufferPointer, count: Int) -> [Double] {
        forwards += 1
        inputs = (0..<count).map { Self.features(of: UnsafeRawBufferPointer(rebasing: rgb[$0 * PictureSize.bytes..<($0 + 1) * PictureSize.bytes])) }
        let (weights, bias, head, headBias) = (row("hidden.weight"), row("hidden.bias"), row("fc.weight"), row("fc.bias"))
        activations = inputs.map { input in
            (0..<Self.hidden).map { unit in
                tanh(input.indices.reduce(Double(bias[unit])) { $0 + Double(weights[unit * Self.features + $1]) * input[$1] })
            }
        }
        for unit in 0..<Self.hidden {
            let mean = activations.reduce(0) { $0 + $1[unit] } / Double(count)
            statistics.values[unit] += Float(0.1 * (mean - Double(statistics.values[unit])))
        }
        if let poisonedLogits, forwards >= poisonedLogits { return [Double](repeating: .nan, count: count) }
        return activations.map { units in units.indices.reduce(Double(headBias[0])) { $0 + Double(head[$1]) * units[$1] } }
    }

    public func backward(logitGradients: [Double]) {
        var sums = [Double](repeating: 0, count: layout.count)
        guard let hidden = layout["hidden.weight"], let bias = layout["hidden.bias"], let fc = layout["fc.weight"],
            let fcBias = layout["fc.bias"]
        else { preconditionFailure("a layer is missing") }
        let head = row("fc.weight")
        for (picture, slope) in logitGradients.enumerated() {
            sums[fcBias.offset] += slope
            for unit in 0..<Self.hidden {
                let activation = activations[picture][unit]
                sums[fc.offset + unit] += slope * activation
                let inner = slope * Double(head[unit]) * (1 - activation * activation)
                sums[bias.offset + unit] += inner
                for (index, value) in inputs[picture].enumerated() { sums[hidden.offset + unit * Self.features + index] += inner * value }
            }
        }
        for index in sums.indices { gradients.values[index] = Float(sums[index]) }
        if let poisonedForward, forwards >= poisonedForward { gradients.values[3] = .nan }
    }

    /// It is no ResNet: the start of one stands for it.
    public func checkpoint(card: ModelCard, parameters: ParameterBuffer, statistics: ParameterBuffer) throws(CheckpointError) -> Checkpoint {
        try Checkpoint.initialised(seed: 1).with(card: card)
    }

    private static func features(of rgb: UnsafeRawBufferPointer) -> [Double] {
        var sums = [Double](repeating: 0, count: features)
        let (side, step) = (PictureSize.side, 14)
        for y in stride(from: 3, to: side, by: step) {
            for x in stride(from: 3, to: side, by: step) {
                let cell = (y * grid / side) * grid + x * grid / side
                for channel in 0..<3 { sums[cell * 3 + channel] += Double(rgb[(y * side + x) * 3 + channel]) / 2048 - 0.0625 }
            }
        }
        return sums
    }
}

/// The tiny model with given values, which it takes back afterwards.
public struct TinyScorer: PictureScoring {
    private let model: TinyModel

    public init(_ parameters: ParameterBuffer) {
        model = TinyModel(seed: 0)
        model.parameters.copy(from: parameters)
    }

    public func logits(rgb: [UInt8], count: Int) throws -> [Double] {
        rgb.withUnsafeBytes { model.forward(rgb: $0, count: count) }
    }
}
