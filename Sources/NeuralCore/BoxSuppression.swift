import CKernels

/// Greedy suppression of boxes that overlap a better one, as torchvision's `nms`.
public struct BoxSuppression: Sendable {
    private let kernels: image_kernels

    /// Kernels of the selection's family.
    public init(selection: KernelSelection) { kernels = selection.kernels.imageKernels }

    /// Indices of the boxes that stay, best score first, equal scores in their order.
    ///
    /// `boxes` are left, top, right and bottom, with a score each. One whose overlap with a box that stays (intersection by union of the
    /// corners' rectangles) is more than `threshold` goes.
    public func kept(_ boxes: [SIMD4<Float>], scores: [Float], threshold: Float) -> [Int] {
        precondition(boxes.count == scores.count, "\(boxes.count) boxes, \(scores.count) scores")
        let order = scores.indices.sorted { scores[$0] > scores[$1] || (scores[$0] == scores[$1] && $0 < $1) }
        let left = order.map { boxes[$0].x }
        let top = order.map { boxes[$0].y }
        let right = order.map { boxes[$0].z }
        let bottom = order.map { boxes[$0].w }
        var dropped = [Int32](repeating: 0, count: order.count)
        var kept: [Int] = []
        for place in order.indices where dropped[place] == 0 {
            kept.append(order[place])
            kernels.drop_overlapping(left, top, right, bottom, place, order.count, threshold, &dropped)
        }
        return kept
    }
}
