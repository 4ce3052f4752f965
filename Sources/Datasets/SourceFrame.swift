import Analysis
import Crops
import Detector
import JobModel
import Video

/// The points of a face's mesh in the pixels of the picture that it was found in, and how sure the mesh is of them, 0…1; nil where it finds none.
public typealias MeshFinder = @Sendable (DetectedFace, PictureView) -> (points: [SIMD2<Float>], score: Float)?

/// What is kept of a source's frame until it is known which of its faces stay.
struct SourceFrame: Sendable {
    struct Face: Sendable {
        let place: FaceTracks.Place
        /// Why serving would not judge it; nil if it would.
        let flaw: Verdict.Reason?
        /// Nil for a face with a flaw, which is not kept.
        let cut: Cut?
    }

    /// A face as the cache will have it, but for its source and its person.
    struct Cut: Sendable {
        var crop: Crop
        var picture: Result<[UInt8], CropsError>
    }

    let faces: [Face]
    let search: FaceSearchDepth
    /// Of the picture that was looked at, in pixels.
    let width: Int
}

/// Looks at frames: finds faces with serving's own code, and cuts out those that serving would judge.
struct FrameCutter: Sendable {
    /// A mesh that is less sure than this is none.
    private static let leastMeshScore: Float = 0.5
    /// More faces of a frame are not cut out: they are a crowd.
    private static let mostFaces = 8

    let finder: FaceFinder
    let meshOf: MeshFinder?
    let settings: CropSettings

    /// Works on the calling thread for some tens of milliseconds.
    func look(at frame: FrameView, isThorough: Bool) -> SourceFrame {
        let picture = frame.pictures[0]
        let (sightings, search) = finder.look(at: picture, sample: frame.sample, isThorough: isThorough)
        var faces: [SourceFrame.Face] = []
        for sighting in sightings.prefix(Self.mostFaces) {
            faces.append(
                SourceFrame.Face(
                    place: FaceTracks.Place(
                        centerX: sighting.crop.centerX, centerY: sighting.crop.centerY, size: sighting.crop.side),
                    flaw: sighting.flaw, cut: sighting.flaw == nil ? cut(sighting, frame, picture) : nil))
        }
        return SourceFrame(faces: faces, search: search, width: picture.width)
    }

    private func cut(_ sighting: FaceSighting, _ frame: FrameView, _ picture: PictureView) -> SourceFrame.Cut? {
        guard let face = sighting.face, let quality = sighting.quality else { return nil }
        let context = ContextCrop(face, in: picture, settings: settings)
        let mesh = meshOf?(face, picture).flatMap { $0.score >= Self.leastMeshScore ? $0.points : nil }
        let crop = Crop(
            source: 0, track: 0, frameNumber: frame.number, timestampSeconds: frame.timestampSeconds, width: context.width,
            height: context.height, box: context.box(face), landmarks: face.landmarks.map(context.place),
            mesh: mesh.map { $0.map(context.place) }, scale: context.scale, score: Double(face.score),
            meanLuma: Double(quality.meanLuma), sharpness: Double(quality.sharpness))
        let image = context.cut(from: picture)
        // Here and not later: a compressed picture takes a third of the memory while the rest of the clip is looked at.
        return SourceFrame.Cut(crop: crop, picture: Result { () throws(CropsError) in try CropDatasetWriter.encoded(image) })
    }
}
