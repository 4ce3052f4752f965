import CKernels
import NeuralCore

/// The exponential moving average of parameters or statistics, which is what a finished model is made of.
///
/// After step t (from 0) it keeps min(decay, (t+1)/(t+10)) of itself, so that what it started from is forgotten quickly.
public final class MovingAverage {
    /// How much of it is kept a step in the long run, 0…<1; with 0 it is the last values themselves.
    public let decay: Double
    /// The average.
    public let values: ParameterBuffer
    private let pieces: ParameterPieces
    private let team: ThreadTeam

    /// Starts at `start`'s values.
    public init(decay: Double, of start: ParameterBuffer, team: ThreadTeam) {
        self.decay = decay
        self.team = team
        values = ParameterBuffer(layout: start.layout)
        values.copy(from: start)
        pieces = ParameterPieces(layout: start.layout)
    }

    /// The share that is kept at a step, counted from 0.
    public static func kept(decay: Double, step: Int) -> Double {
        min(decay, Double(step + 1) / Double(step + 10))
    }

    /// Takes in the values after `step`, counted from 0.
    public func take(_ current: ParameterBuffer, step: Int) {
        guard decay > 0 else { return values.copy(from: current) }
        let share = Float(1 - Self.kept(decay: decay, step: step))
        pieces.forEach(on: team) { _, piece in
            approach_f32(share, piece.range.count, values.pointer(at: piece.range), current.pointer(at: piece.range))
        }
    }
}
