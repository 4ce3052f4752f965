import NeuralCore
import Synchronization

/// A face in a picture.
public struct DetectedFace: Sendable, Hashable {
    /// Left edge in pixels of the picture; a box may reach over the picture's edge.
    public var x: Float
    /// Upper edge in pixels.
    public var y: Float
    /// Pixels.
    public var width: Float
    /// Pixels.
    public var height: Float
    /// The last net's probability that this is a face, 0.7…1.
    public var score: Float
    /// Five points in pixels of the picture: left eye, right eye, nose, left and right corner of the mouth, as seen in the picture.
    public var landmarks: [SIMD2<Float>]

    /// A face as given.
    public init(x: Float, y: Float, width: Float, height: Float, score: Float, landmarks: [SIMD2<Float>]) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
        self.score = score
        self.landmarks = landmarks
    }
}

/// Finds faces: MTCNN (Zhang et al. 2016, arXiv:1604.02878) with the weights, thresholds and order of steps of facenet-pytorch's
/// `MTCNN.detect`, so that results agree with it.
///
/// Safe to call from several threads at once: weights and plans are shared, each call has memory of its own. It computes in float32 whatever the
/// classifier does: its nets are small, and their thresholds were set in that precision.
public final class FaceDetector: Sendable {
    /// Sizes of pictures, each with a minimum of faces, whose plans are kept.
    private static let pictureSizesKept = 12

    let selection: KernelSelection
    let weights: FaceDetectorWeights
    let heads: ProposalHeads
    private let refinement: NetworkPlan
    private let output: NetworkPlan
    /// The size used last comes last.
    private let pyramids = Mutex<[FacePyramid]>([])
    /// Memory that no call uses: as many in all as calls have ever overlapped, which the callers bound.
    private let idle = Mutex<[FaceSearch]>([])

    /// Loads the weights that were shipped beside the program, or those at `path`.
    ///
    /// Without a `selection` the fastest float32 kernels are used.
    public init(path: String? = nil, selection: KernelSelection? = nil) throws(FaceDetectorError) {
        OpenBLASCore.useOneThread()
        let chosen = selection ?? FaceDetector.fastestFloat
        let weights = try FaceDetectorWeights(path: path)
        func plan(_ net: FaceNet, framesAtOnce: Int) throws(FaceDetectorError) -> NetworkPlan {
            try FaceDetector.plan(
                net.description(height: net.extent, width: net.extent, framesAtOnce: framesAtOnce, weights: weights), selection: chosen)
        }
        heads = ProposalHeads(weights, selection: chosen)
        refinement = try plan(.refinement, framesAtOnce: 2)
        output = try plan(.output, framesAtOnce: 1)
        self.selection = chosen
        self.weights = weights
        // Once here, so that no later plan can fail: the first net's weights are the same in every size.
        let extent = FaceNet.proposal.extent
        _ = try FaceDetector.plan(
            FaceNet.proposal.description(height: 4 * extent, width: 4 * extent, framesAtOnce: 1, weights: weights), selection: chosen)
    }

    static func plan(_ description: NetworkDescription, selection: KernelSelection) throws(FaceDetectorError) -> NetworkPlan {
        do throws(PlanError) {
            return try NetworkPlan(description, selection: selection, team: ThreadTeam(size: 1))
        } catch {
            switch error {
            case .weightsNotFinite(let layer): throw .weights(.notFinite(tensor: layer))
            }
        }
    }

    /// The faces of a picture of RGB24, `height` rows of `rowBytes` bytes, the largest box first.
    ///
    /// Faces are looked for whose shortest side has `minimumFacePixels` pixels, at least 12; the work grows with the square of its inverse. A
    /// picture smaller than that has no faces. Works on the calling thread, which it may hold for tens of milliseconds: never call it on Swift's
    /// cooperative pool.
    public func detect(
        pixels: UnsafeRawBufferPointer, width: Int, height: Int, rowBytes: Int, minimumFacePixels: Int = 40
    ) -> [DetectedFace] {
        precondition(minimumFacePixels >= FaceNet.proposal.extent, "faces of \(minimumFacePixels) pixels cannot be found")
        precondition(width > 0 && height > 0 && rowBytes >= 3 * width, "rows of \(rowBytes) bytes for \(width) × \(height) pixels")
        precondition(pixels.count >= (height - 1) * rowBytes + 3 * width, "\(pixels.count) bytes for \(height) rows of \(rowBytes)")
        guard let base = pixels.bindMemory(to: UInt8.self).baseAddress else { return [] }
        let pyramid = pyramid(width: width, height: height, minimumFacePixels: minimumFacePixels)
        guard !pyramid.levels.isEmpty else { return [] }
        let search = idle.withLock { $0.popLast() } ?? FaceSearch(
            heads: heads, refinement: refinement, output: output, selection: selection)
        defer { idle.withLock { $0.append(search) } }
        return search.run(FacePicture(pixels: base, width: width, height: height, rowBytes: rowBytes), pyramid: pyramid)
    }

    /// The fastest float32 kernels that there are here.
    static var fastestFloat: KernelSelection {
        do {
            return try KernelSelection(precision: .float32)
        } catch {
            preconditionFailure("float32 is available everywhere")
        }
    }

    private func pyramid(width: Int, height: Int, minimumFacePixels: Int) -> FacePyramid {
        let known = pyramids.withLock { pyramids -> FacePyramid? in
            guard let place = pyramids.firstIndex(where: {
                $0.width == width && $0.height == height && $0.minimumFacePixels == minimumFacePixels
            }) else { return nil }
            let pyramid = pyramids.remove(at: place)
            pyramids.append(pyramid)
            return pyramid
        }
        if let known { return known }
        do {
            let pyramid = try FacePyramid(
                width: width, height: height, minimumFacePixels: minimumFacePixels, weights: weights, selection: selection)
            pyramids.withLock { pyramids in
                // Another call may have made the same meanwhile; a second one does no harm and goes first.
                if pyramids.count >= FaceDetector.pictureSizesKept { pyramids.removeFirst() }
                pyramids.append(pyramid)
            }
            return pyramid
        } catch {
            preconditionFailure("weights that were finite once are so in every size: \(error)")
        }
    }
}
