import Detector
import Foundation
import NeuralCore
import Testing

/// Each precision's bound, on a network whose activations are as in a trained one, against PyTorch's float32.
@Suite("Precision")
struct PrecisionTests {
    /// Every precision on every kernel family that this CPU has.
    static let selections: [KernelSelection] = KernelSet.available.flatMap { kernels in
        kernels.precisions.compactMap { try? KernelSelection(precision: $0, kernels: kernels) }
    }

    /// Largest difference over the expectation's largest value.
    private static func relative(_ computed: [Float], _ expected: [Float]) -> Double {
        guard computed.count == expected.count else { return .infinity }
        let largest = expected.reduce(0) { max($0, abs($1)) }
        return zip(computed, expected).reduce(0.0) { worst, pair in max(worst, Double(abs(pair.0 - pair.1) / largest)) }
    }

    private static func probability(_ logit: Double) -> Double { 1 / (1 + exp(-logit)) }

    @Test("the bounds that a precision is named for hold", arguments: selections)
    func bounds(selection: KernelSelection) throws {
        let detector = try ResNetDetector(checkpoint: CalibratedNetwork.checkpoint(), threads: 1, selection: selection)
        var maps: [Float] = []
        let output = try detector.evaluate(input: CalibratedNetwork.input) { _, layer, shape, values in
            if layer == "layer4.1" { maps += ForwardTests.planar(Array(values), shape: shape) }
        }
        let layer4 = Self.relative(maps, CalibratedNetwork.layer4)
        let cam = Self.relative(output.maps.elements, CalibratedNetwork.cam)
        let logit = abs(output.logit - CalibratedNetwork.logit)
        switch selection.precision {
        case .float32:
            #expect(layer4 <= 1e-5 && cam <= 1e-5 && logit <= 1e-5, "\(layer4) \(cam) \(logit)")
        case .split:
            #expect(layer4 <= 5e-5 && cam <= 5e-5 && logit <= 1e-4, "\(layer4) \(cam) \(logit)")
        case .bfloat16:
            let difference = abs(Self.probability(output.logit) - Self.probability(CalibratedNetwork.logit))
            #expect(difference <= 0.005, "\(difference)")
            // Grad-CAM in bfloat16 is good to a few hundredths of its largest value.
            #expect(layer4 <= 0.05 && cam <= 0.05, "\(layer4) \(cam)")
            // It is bfloat16, and not something better under that name.
            #expect(layer4 > 1e-4)
        }
        #expect(detector.card.precision == selection.precision.rawValue)
    }

    @Test("all ways to one precision agree", arguments: selections)
    func agreement(selection: KernelSelection) throws {
        let reference = try ResNetDetector(
            checkpoint: SeededNetwork.checkpoint(head: .mlp), threads: 2, selection: KernelSelection(precision: .float32))
        let detector = try ResNetDetector(checkpoint: SeededNetwork.checkpoint(head: .mlp), threads: 2, selection: selection)
        let input = SeededValues.frames(seed: 21, count: 2)
        let (expected, output) = try (reference.evaluate(input: input), detector.evaluate(input: input))
        let tolerance = selection.precision == .bfloat16 ? 0.08 : 1e-4
        #expect(abs(expected.logit - output.logit) <= tolerance)
        #expect(Self.relative(output.maps.elements, expected.maps.elements) <= tolerance)
        #expect(Self.relative(output.features.elements, expected.features.elements) <= tolerance)
    }

    @Test("finite input that overflows on the way is an error, never a verdict", arguments: selections)
    func overflow(selection: KernelSelection) throws {
        let detector = try ResNetDetector(checkpoint: SeededNetwork.checkpoint(), threads: 1, selection: selection)
        let huge = Tensor(shape: [1, 3, 224, 224], elements: [Float](repeating: 3e38, count: 3 * 224 * 224))
        #expect(throws: DetectorError.self) { try detector.evaluate(input: huge) }
        let denormal = Tensor(shape: [1, 3, 224, 224], elements: [Float](repeating: 1e-40, count: 3 * 224 * 224))
        let zero = Tensor(shape: [1, 3, 224, 224], elements: [Float](repeating: 0, count: 3 * 224 * 224))
        #expect(try abs(detector.evaluate(input: denormal).logit - detector.evaluate(input: zero).logit) <= 1e-6)
    }
}
