import Glibc
import NeuralCore
import Synchronization

/// Finds 468 points of a face that was found in a picture: MediaPipe's face mesh (Kartynnik et al. 2019, arXiv:1907.06724).
///
/// Safe to call from several threads at once: weights and plan are shared, each call has memory of its own. It computes in float32.
public final class FaceMesh: Sendable {
    /// Points of a mesh.
    public static let pointCount = 468

    /// A face's points.
    public struct Mesh: Sendable, Hashable {
        /// The 468 points in pixels of the picture, whose upper left pixel covers 0…1; some may lie beyond the picture's edge.
        ///
        /// In the order of MediaPipe's canonical face. As seen in the picture: 33 and 263 are the left eye's left and the right eye's right
        /// corner, 133 and 362 the eyes' inner ones, 1 is the tip of the nose, 61 and 291 are the left and the right corner of the mouth, 10 is
        /// the top of the forehead, 152 the chin.
        public let points: [SIMD2<Float>]
        /// The network's probability that there is a face, 0…1; below a half the points mean little.
        public let score: Float

        /// A mesh as given.
        public init(points: [SIMD2<Float>], score: Float) {
            precondition(points.count == FaceMesh.pointCount, "\(points.count) points of \(FaceMesh.pointCount)")
            self.points = points
            self.score = score
        }
    }

    let plan: NetworkPlan
    /// Memory that no call uses: as many in all as calls have ever overlapped, which the callers bound.
    private let idle = Mutex<[PlanContext]>([])

    /// Loads the weights that were shipped beside the program, or those at `path`.
    ///
    /// Without a `selection`, which has to be one of float32, the fastest such kernels are used.
    public init(path: String? = nil, selection: KernelSelection? = nil) throws(FaceMeshError) {
        OpenBLASCore.useOneThread()
        let chosen = selection ?? FaceDetector.fastestFloat
        precondition(chosen.precision == .float32, "the face mesh in \(chosen)")
        guard let place = path ?? ShippedWeights.path(of: FaceMeshNetwork.fileName) else {
            throw .weightsMissing(folder: ShippedWeights.programFolder())
        }
        do throws(CheckpointError) {
            let network = FaceMeshNetwork(tensors: try ShippedWeights.tensors(at: place, shapes: FaceMeshNetwork.shapes))
            plan = try FaceMesh.plan(network.description, selection: chosen)
        } catch {
            throw .weights(error)
        }
    }

    private static func plan(_ description: NetworkDescription, selection: KernelSelection) throws(CheckpointError) -> NetworkPlan {
        do throws(PlanError) {
            return try NetworkPlan(description, selection: selection, batch: 1, team: ThreadTeam(size: 1))
        } catch {
            switch error {
            case .weightsNotFinite(let layer): throw .notFinite(tensor: layer)
            }
        }
    }

    /// The points of a face in a picture of RGB24, `height` rows of `rowBytes` bytes; nil if no pixel of the picture lies in the face's box.
    ///
    /// The network sees a square about the box's middle, half as long again as the box's longer side and turned so that the eyes are level. A
    /// face without landmarks counts as upright. Works on the calling thread, which it holds for some milliseconds: never call it on Swift's
    /// cooperative pool.
    public func points(of face: DetectedFace, pixels: UnsafeRawBufferPointer, width: Int, height: Int, rowBytes: Int) -> Mesh? {
        precondition(width > 0 && height > 0 && rowBytes >= 3 * width, "rows of \(rowBytes) bytes for \(width) × \(height) pixels")
        precondition(pixels.count >= (height - 1) * rowBytes + 3 * width, "\(pixels.count) bytes for \(height) rows of \(rowBytes)")
        guard let base = pixels.bindMemory(to: UInt8.self).baseAddress,
            let square = LevelSquare(of: face, width: width, height: height, extent: FaceMeshNetwork.extent)
        else { return nil }
        let picture = FacePicture(pixels: base, width: width, height: height, rowBytes: rowBytes)
        return run { row, destination in
            square.writeRow(row, of: picture, into: destination)
        } then: { outputs in
            let points = (0..<FaceMesh.pointCount).map { index in
                let place = FaceMeshNetwork.pointValues * index
                return square.picturePoint(SIMD2(outputs[place], outputs[place + 1]))
            }
            return Mesh(points: points, score: 1 / (1 + expf(-outputs[FaceMeshNetwork.presencePlace])))
        }
    }

    /// Runs the network on rows of `[extent, 3]` values in 0…1 and hands its outputs on, which are gone afterwards.
    func run<Result>(
        _ load: (_ row: Int, _ destination: UnsafeMutablePointer<Float>) -> Void,
        then body: (_ outputs: UnsafeBufferPointer<Float>) -> Result
    ) -> Result {
        let context = idle.withLock { $0.popLast() } ?? PlanContext(plan: plan, threads: 1)
        defer { idle.withLock { $0.append(context) } }
        return withoutActuallyEscaping(load) { load in
            body(context.run(frames: 1) { _, row, destination in load(row, destination) })
        }
    }
}
