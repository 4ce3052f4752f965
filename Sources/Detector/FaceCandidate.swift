import NeuralCore

/// A box that may hold a face, in pixels of the picture, on its way through the three nets. Arithmetic is that of facenet-pytorch's
/// `detect_face`, in float32 and in its order.
struct FaceCandidate {
    /// Left, top, right, bottom.
    var corners: SIMD4<Float>
    var score: Float
    /// The net's offsets of the four corners, in units of the box's size.
    var offsets: SIMD4<Float>
    var points: [SIMD2<Float>] = []

    private var size: SIMD2<Float> { SIMD2(corners.z - corners.x, corners.w - corners.y) }

    /// Moves the corners by the offsets; the box's size has a pixel more where the first and the last are both counted (`inclusive`).
    mutating func regress(inclusive: Bool) {
        let extra: Float = inclusive ? 1 : 0
        let size = size + SIMD2(extra, extra)
        corners.x += offsets.x * size.x
        corners.y += offsets.y * size.y
        corners.z += offsets.z * size.x
        corners.w += offsets.w * size.y
    }

    /// The square with the same centre on the longer side.
    mutating func square() {
        let size = size
        let side = max(size.x, size.y)
        corners.x += size.x * 0.5 - side * 0.5
        corners.y += size.y * 0.5 - side * 0.5
        corners.z = corners.x + side
        corners.w = corners.y + side
    }

    /// The pixels of the picture inside, counted from 0; nil if there are none.
    func pixels(width: Int, height: Int) -> (columns: Range<Int>, rows: Range<Int>)? {
        guard (0..<4).allSatisfy({ abs(corners[$0]) < 1e9 }) else { return nil }
        let (left, top) = (max(1, Int(corners.x)) - 1, max(1, Int(corners.y)) - 1)
        let (right, bottom) = (min(width, Int(corners.z)), min(height, Int(corners.w)))
        guard right > left && bottom > top else { return nil }
        return (left..<right, top..<bottom)
    }

    /// Best first, those gone that overlap a better one by more than `threshold` of the two together.
    static func suppress(_ candidates: [FaceCandidate], threshold: Float, with suppression: BoxSuppression) -> [FaceCandidate] {
        suppression.kept(candidates.map(\.corners), scores: candidates.map(\.score), threshold: threshold).map { candidates[$0] }
    }

    /// The same by the share of the smaller box, first and last pixels counted (facenet-pytorch's method "Min").
    static func suppressContained(_ candidates: [FaceCandidate], threshold: Float) -> [FaceCandidate] {
        func area(_ corners: SIMD4<Float>) -> Float { (corners.z - corners.x + 1) * (corners.w - corners.y + 1) }
        var left = candidates.sorted { $0.score < $1.score }
        var kept: [FaceCandidate] = []
        while let best = left.popLast() {
            kept.append(best)
            left.removeAll { other in
                let width = max(0, min(best.corners.z, other.corners.z) - max(best.corners.x, other.corners.x) + 1)
                let height = max(0, min(best.corners.w, other.corners.w) - max(best.corners.y, other.corners.y) + 1)
                return !(width * height / min(area(best.corners), area(other.corners)) <= threshold)
            }
        }
        return kept
    }
}
