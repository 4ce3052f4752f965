import CKernels
import NeuralCore

/// The ascent of sharpness-aware minimisation (Foret et al. 2021, arXiv:2010.01412, equation 2): parameters move by ρ along their gradient, a
/// second gradient is taken there, and the parameters come back to the bit.
public final class SharpnessPerturbation {
    /// ρ.
    public let radius: Double
    private let kept: ParameterBuffer
    private let pieces: ParameterPieces
    private let team: ThreadTeam

    public init(radius: Double, layout: ParameterLayout, team: ThreadTeam) {
        self.radius = radius
        self.team = team
        kept = ParameterBuffer(layout: layout)
        pieces = ParameterPieces(layout: layout)
    }

    /// Moves `parameters` to the point where the loss is worst nearby; `norm` is that of `gradients`.
    public func climb(_ parameters: ParameterBuffer, along gradients: ParameterBuffer, norm: Double) {
        kept.copy(from: parameters)
        // PyTorch implementations have the same term against a gradient of zero.
        let factor = Float(radius / (norm + 1e-12))
        pieces.forEach(on: team) { _, piece in
            add_scaled_f32(factor, piece.range.count, parameters.pointer(at: piece.range), gradients.pointer(at: piece.range))
        }
    }

    /// Puts the parameters back where they were before `climb`.
    public func comeBack(_ parameters: ParameterBuffer) {
        parameters.copy(from: kept)
    }
}
