import Video

/// Why a training picture could not be made.
public enum AugmentationError: Error, Sendable, Equatable {
    /// The face's box is empty, not finite, or lies outside its picture.
    case unusableBox(String)
    /// There are not five landmarks, or they lie far from the box.
    case unusableLandmarks(String)
    /// A mesh does not have 468 points.
    case unusableMesh(count: Int)
    /// A clip has no frame, or more than fit a short stream.
    case unusableClip(frames: Int)
    /// Compression failed.
    case video(VideoError)
}

extension AugmentationError: CustomStringConvertible {
    /// What was wrong and what to do.
    public var description: String {
        switch self {
        case .unusableBox(let what): "A face's box cannot be used: \(what). Index the data again, or leave this crop out."
        case .unusableLandmarks(let what): "A face's landmarks cannot be used: \(what). Index the data again, or leave this crop out."
        case .unusableMesh(let count): "A face mesh has \(count) points, not \(MeshRegions.pointCount). Index the data again with this version."
        case .unusableClip(let frames): "A clip of \(frames) frames cannot be blended; it takes 1 to \(H264RoundTrip.mostFrames)."
        case .video(let error): "A training picture could not be compressed. \(error)"
        }
    }
}
