import CKernels
import Foundation
import NeuralCore

/// Moves parameters along their gradients by AdamW or SGD, with the roundings of PyTorch's loops.
///
/// The result is the same to the bit at any number of threads. Not `Sendable`: it belongs to whoever trains.
public final class Optimiser {
    /// Learning rates of one step.
    public struct Rates: Sendable, Equatable {
        public var backbone: Double
        public var head: Double

        public init(backbone: Double, head: Double) {
            self.backbone = backbone
            self.head = head
        }
    }

    public let settings: OptimiserSettings
    /// What it carries from step to step, with stable names: `first` and `second` moments, or `velocity`.
    public let moments: [(name: String, buffer: ParameterBuffer)]
    private let layout: ParameterLayout
    private let pieces: ParameterPieces
    private let team: ThreadTeam

    /// Moments of zero over a layout.
    public init(_ settings: OptimiserSettings, layout: ParameterLayout, team: ThreadTeam) {
        self.settings = settings
        self.layout = layout
        self.team = team
        pieces = ParameterPieces(layout: layout)
        let names = settings.kind == .adamw ? ["first", "second"] : ["velocity"]
        moments = names.map { ($0, ParameterBuffer(layout: layout)) }
    }

    /// Euclidean norm over all values, summed in double in one fixed order; not finite as soon as one of them is not.
    public func norm(of gradients: ParameterBuffer) -> Double {
        precondition(gradients.layout == layout, "gradients of another layout")
        var sums = [Double](repeating: 0, count: pieces.pieces.count)
        sums.withUnsafeMutableBufferPointer { sums in
            pieces.forEach(on: team) { index, piece in
                sums[index] = square_sum_f64(gradients.pointer(at: piece.range), piece.range.count)
            }
        }
        return sums.reduce(0, +).squareRoot()
    }

    /// What gradients of that norm are multiplied with so that they do not exceed `clipNorm`: PyTorch's `clip_grad_norm_`.
    public func clipFactor(norm: Double) -> Double {
        guard settings.clipNorm > 0 else { return 1 }
        return min(1, settings.clipNorm / (norm + 1e-6))
    }

    /// One update; `step` counts from 1. Gradients are multiplied with `gradientScale` first.
    public func update(_ parameters: ParameterBuffer, gradients: ParameterBuffer, step: Int, rates: Rates, gradientScale: Double = 1) {
        precondition(parameters.layout == layout && gradients.layout == layout, "buffers of another layout")
        precondition(step >= 1, "steps count from 1")
        pieces.forEach(on: team) { _, piece in
            let rate = piece.isHead ? rates.head : rates.backbone
            let decay = piece.decays ? settings.weightDecay : 0
            let (values, slopes) = (parameters.pointer(at: piece.range), gradients.pointer(at: piece.range))
            let first = moments[0].buffer.pointer(at: piece.range)
            switch settings.kind {
            case .adamw:
                // All in double and rounded once, as Python's floats come to PyTorch's kernels.
                var constants = adamw_f32(
                    gradient_scale: Float(gradientScale), kept: Float(1 - rate * decay), first_rest: Float(1 - settings.beta1),
                    second: Float(settings.beta2), second_rest: Float(1 - settings.beta2),
                    step_size: Float(rate / (1 - pow(settings.beta1, Double(step)))),
                    root_correction: Float((1 - pow(settings.beta2, Double(step))).squareRoot()), epsilon: Float(settings.epsilon))
                adamw_step_f32(&constants, piece.range.count, values, slopes, first, moments[1].buffer.pointer(at: piece.range))
            case .sgd:
                var constants = sgd_f32(
                    gradient_scale: Float(gradientScale), decay: Float(decay), momentum: Float(settings.momentum), rate: Float(rate))
                sgd_step_f32(&constants, piece.range.count, values, slopes, first)
            }
        }
    }
}
