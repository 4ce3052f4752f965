import CKernels
import NeuralCore

/// A layout cut into pieces of one kind each, for threads to take: where they end depends on the layout alone, never on how many threads there are.
struct ParameterPieces: Sendable {
    struct Piece: Sendable {
        let range: Range<Int>
        let decays: Bool
        let isHead: Bool
    }

    /// 256 KiB: a piece of each of an optimiser's four runs stays in a core's cache.
    private static let pieceCount = 1 << 16

    let pieces: [Piece]

    init(layout: ParameterLayout) {
        var pieces: [Piece] = []
        for entry in layout.entries {
            for start in stride(from: entry.range.lowerBound, to: entry.range.upperBound, by: Self.pieceCount) {
                let range = start..<min(start + Self.pieceCount, entry.range.upperBound)
                pieces.append(Piece(range: range, decays: entry.decays, isHead: entry.isHead))
            }
        }
        self.pieces = pieces
    }

    /// Runs `body` once for each piece, on the team's threads in any order.
    func forEach(on team: ThreadTeam, _ body: (_ index: Int, _ piece: Piece) -> Void) {
        team.forEach(pieces.count) { _, index in body(index, pieces[index]) }
    }
}

extension ParameterBuffer {
    /// The values from `range` on.
    func pointer(at range: Range<Int>) -> UnsafeMutablePointer<Float> {
        guard let base = values.baseAddress else { preconditionFailure("a buffer has memory") }
        return base + range.lowerBound
    }

    /// True if no value is a NaN or an infinity.
    var isFinite: Bool {
        guard let base = values.baseAddress else { return true }
        return all_finite_f32(base, values.count) != 0
    }
}
