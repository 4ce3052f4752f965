import Crops
import Detector
import Video

/// Why an index was not made. A source that is itself at fault is no error: it is skipped, and the dataset says so.
public enum DatasetError: Error, Sendable {
    /// About the rules, the labels, or the dataset's place.
    case crops(CropsError)
    /// A folder that cannot be listed.
    case unreadableFolder(path: String, reason: String)
    /// The folders hold no clip and no still.
    case nothingFound(folders: [String])
    /// No source gave a crop; the reason of the first.
    case noCrops(sources: Int, first: String)
    /// The face detector's weights cannot be loaded.
    case faceDetector(String)
    /// The face mesh's weights cannot be loaded.
    case faceMesh(FaceMeshError)
    /// The decoder failed through no fault of the source.
    case decoder(path: String, VideoError)
    /// An option out of its bounds.
    case badOption(String)
    /// The dataset has no real that a fake could be made of.
    case noReals
    /// A sheet's pictures could not be compressed.
    case sheet(VideoError)
    case cancelled
}

extension DatasetError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .crops(let error): "\(error)"
        case .unreadableFolder(let path, let reason): "\(path): cannot be read: \(reason)"
        case .nothingFound(let folders):
            "there is no clip and no picture in \(folders.joined(separator: ", ")); files are known by the endings "
                + SourceScan.endings.sorted().joined(separator: ", ")
        case .noCrops(let sources, let first):
            "none of the \(sources) sources gave a crop, so there is no dataset; the first: \(first)"
        case .faceDetector(let reason): "the face detector cannot be loaded: \(reason)"
        case .faceMesh(let error): "\(error)"
        case .decoder(let path, let error): "\(path): \(error) Nothing was written; index again."
        case .badOption(let words): words
        case .noReals: "the dataset has no real that a fake could be made of; index folders of real clips or stills"
        case .sheet(let error): "the sheet cannot be drawn: \(error)"
        case .cancelled: "indexing was cancelled; nothing was written"
        }
    }
}
