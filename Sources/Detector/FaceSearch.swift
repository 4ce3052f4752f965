import Glibc
import NeuralCore

/// A picture that is searched: RGB24.
struct FacePicture {
    let pixels: UnsafePointer<UInt8>
    let width: Int
    let height: Int
    let rowBytes: Int
}

/// One search's memory and its three stages, in the order of facenet-pytorch's `detect_face`.
///
/// `@unchecked Sendable`: belongs to one call at a time.
final class FaceSearch: @unchecked Sendable {
    /// A candidate's probability to go on, in each stage: facenet-pytorch's defaults.
    private static let thresholds: [Float] = [0.6, 0.7, 0.7]
    /// Overlap that is too much: within a level, over all of them, and after the second and the third net.
    private static let levelOverlap: Float = 0.5
    private static let overlap: Float = 0.7
    /// Pixels between the fields of view of the first net.
    private static let proposalStride: Float = 2

    private let heads: ProposalHeads
    private let suppression: BoxSuppression
    private let resampling: AreaResampling
    private let refinement: PlanContext
    private let output: PlanContext
    private let refinementPixels: Int
    private let outputPixels: Int

    private var pyramid: FacePyramid?
    private var proposals: [PlanContext] = []
    private var levelValues: [Float] = []
    private var differences: [Float] = []
    private var scratch: [UInt32] = []

    init(heads: ProposalHeads, refinement: NetworkPlan, output: NetworkPlan, selection: KernelSelection) {
        self.heads = heads
        suppression = BoxSuppression(selection: selection)
        resampling = AreaResampling(selection: selection, scale: FaceNet.inputScale, offset: FaceNet.inputOffset)
        let contexts = PlanContext.contexts(sharingMemoryFor: [refinement, output])
        (self.refinement, self.output) = (contexts[0], contexts[1])
        (refinementPixels, outputPixels) = (refinement.outputShape[2], output.outputShape[2])
    }

    func run(_ picture: FacePicture, pyramid: FacePyramid) -> [DetectedFace] {
        prepare(for: pyramid)
        resample(picture, pyramid)
        var candidates: [FaceCandidate] = []
        for level in pyramid.levels.indices {
            let found = propose(pyramid.levels[level], proposals[level])
            candidates += FaceCandidate.suppress(found, threshold: FaceSearch.levelOverlap, with: suppression)
        }
        candidates = FaceCandidate.suppress(candidates, threshold: FaceSearch.overlap, with: suppression)
        for index in candidates.indices {
            candidates[index].regress(inclusive: false)
            candidates[index].square()
        }

        candidates = judge(candidates, of: picture, by: .refinement)
        candidates = FaceCandidate.suppress(candidates, threshold: FaceSearch.overlap, with: suppression)
        for index in candidates.indices {
            candidates[index].regress(inclusive: true)
            candidates[index].square()
        }

        candidates = judge(candidates, of: picture, by: .output)
        for index in candidates.indices { candidates[index].regress(inclusive: true) }
        candidates = FaceCandidate.suppressContained(candidates, threshold: FaceSearch.overlap)
        return candidates.map { candidate in
            let corners = candidate.corners
            return DetectedFace(
                x: corners.x, y: corners.y, width: corners.z - corners.x, height: corners.w - corners.y, score: candidate.score,
                landmarks: candidate.points)
        }.sorted { $0.width * $0.height > $1.width * $1.height }
    }

    private func prepare(for wanted: FacePyramid) {
        if let pyramid, pyramid.width == wanted.width, pyramid.height == wanted.height,
            pyramid.minimumFacePixels == wanted.minimumFacePixels
        { return }
        pyramid = wanted
        proposals = PlanContext.contexts(sharingMemoryFor: wanted.levels.map(\.plan))
        levelValues = [Float](repeating: 0, count: wanted.floatCount)
        let places = wanted.levels.map { $0.plan.outputShape[0] * $0.plan.outputShape[1] }.max() ?? 0
        differences = [Float](repeating: 0, count: places)
        scratch = [UInt32](repeating: 0, count: AreaResampling.scratchBytes(width: wanted.width) / MemoryLayout<UInt32>.size)
    }

    /// All levels in one pass over the picture, whose rows are then still in the second-level cache for each.
    private func resample(_ picture: FacePicture, _ pyramid: FacePyramid) {
        scratch.withUnsafeMutableBufferPointer { scratch in
            levelValues.withUnsafeMutableBufferPointer { values in
                guard let scratch = scratch.baseAddress, let values = values.baseAddress else { return }
                for (index, row) in pyramid.rowOrder {
                    let level = pyramid.levels[index]
                    resampling.writeRow(
                        row, of: level.rows, columns: level.columns, pixels: picture.pixels, rowBytes: picture.rowBytes,
                        scratch: scratch, into: values + level.offset + 3 * row * level.columns.count)
                }
            }
        }
    }

    /// The first net on one level: every field of view that may hold a face.
    private func propose(_ level: FacePyramid.Level, _ context: PlanContext) -> [FaceCandidate] {
        let rowFloats = 3 * level.columns.count
        let values = levelValues.withUnsafeBufferPointer { values in
            guard let values = values.baseAddress else { preconditionFailure("a pyramid with a level has values") }
            nonisolated(unsafe) let input = values + level.offset
            return context.run(frames: 1) { _, row, destination in
                destination.update(from: input + row * rowFloats, count: rowFloats)
            }
        }
        let shape = level.plan.outputShape
        let threshold = FaceSearch.thresholds[0]
        let extent = Float(FaceNet.proposal.extent)
        var found: [FaceCandidate] = []
        guard let base = values.baseAddress else { return [] }
        differences.withUnsafeMutableBufferPointer { differences in
            guard let differences = differences.baseAddress else { return }
            heads.eachLikely(
                base, count: shape[0] * shape[1], pixelFloats: shape[2], threshold: threshold, differences: differences
            ) { index, outputs in
                let score = FaceSearch.probability(outputs)
                guard score >= threshold else { return }
                let place = FaceSearch.proposalStride * SIMD2(Float(index % shape[1]), Float(index / shape[1]))
                let first = ((place + 1) / level.scale).rounded(.down)
                let last = ((place + extent) / level.scale).rounded(.down)
                found.append(
                    FaceCandidate(
                        corners: SIMD4(lowHalf: first, highHalf: last), score: score, offsets: FaceSearch.offsets(outputs)))
            }
        }
        return found
    }

    /// The second or third net on the candidates: those that it takes for faces, with its scores, offsets and points.
    private func judge(_ candidates: [FaceCandidate], of picture: FacePicture, by net: FaceNet) -> [FaceCandidate] {
        let context = net == .refinement ? refinement : output
        let pixelFloats = net == .refinement ? refinementPixels : outputPixels
        let threshold = net == .refinement ? FaceSearch.thresholds[1] : FaceSearch.thresholds[2]
        // In the order of their places, so that the rows that neighbours share are read from the cache.
        let boxes = candidates.indices.compactMap { index in
            candidates[index].pixels(width: picture.width, height: picture.height).map {
                (index: index, columns: $0.columns, rows: $0.rows)
            }
        }.sorted { ($0.rows.lowerBound, $0.columns.lowerBound) < ($1.rows.lowerBound, $1.columns.lowerBound) }
        var taken: [(index: Int, candidate: FaceCandidate)] = []
        for begin in stride(from: 0, to: boxes.count, by: NetworkPlan.maximumBatch) {
            let batch = boxes[begin..<min(begin + NetworkPlan.maximumBatch, boxes.count)]
            let windows = batch.map { box in
                (
                    rows: AreaResampling.Windows(length: box.rows.count, count: net.extent),
                    columns: AreaResampling.Windows(length: box.columns.count, count: net.extent)
                )
            }
            let values = scratch.withUnsafeMutableBufferPointer { scratch in
                guard let room = scratch.baseAddress else { preconditionFailure("a search has room for a row") }
                nonisolated(unsafe) let scratch = room
                return context.run(frames: batch.count) { [resampling] frame, row, destination in
                    let box = batch[begin + frame]
                    resampling.writeRow(
                        row, of: windows[frame].rows, columns: windows[frame].columns,
                        pixels: picture.pixels + box.rows.lowerBound * picture.rowBytes + 3 * box.columns.lowerBound,
                        rowBytes: picture.rowBytes, scratch: scratch, into: destination)
                }
            }
            guard let base = values.baseAddress else { continue }
            for frame in 0..<batch.count {
                let pixel = base + frame * pixelFloats
                let score = FaceSearch.probability(pixel)
                guard score > threshold else { continue }
                let index = batch[begin + frame].index
                var candidate = candidates[index]
                candidate.score = score
                candidate.offsets = FaceSearch.offsets(pixel)
                if net == .output { candidate.points = FaceSearch.points(pixel, in: candidate.corners) }
                taken.append((index, candidate))
            }
        }
        return taken.sorted { $0.index < $1.index }.map(\.candidate)
    }

    /// The second of two values' softmax.
    private static func probability(_ pixel: UnsafePointer<Float>) -> Float {
        let largest = max(pixel[0], pixel[1])
        let (first, second) = (expf(pixel[0] - largest), expf(pixel[1] - largest))
        return second / (first + second)
    }

    private static func offsets(_ pixel: UnsafePointer<Float>) -> SIMD4<Float> {
        let offsets = pixel + FaceNet.offsetPlace
        return SIMD4(offsets[0], offsets[1], offsets[2], offsets[3])
    }

    /// Five points in the picture, from shares of the box that the net saw.
    private static func points(_ pixel: UnsafePointer<Float>, in corners: SIMD4<Float>) -> [SIMD2<Float>] {
        let points = pixel + FaceNet.pointPlace
        let size = SIMD2(corners.z - corners.x + 1, corners.w - corners.y + 1)
        return (0..<5).map { SIMD2(points[$0], points[$0 + 5]) * size + corners.lowHalf - 1 }
    }
}
