/// How crops were cut: what has to be the same for two caches to be alike.
public struct CropSettings: Codable, Sendable, Equatable {
    /// Frames of a clip that were looked at, 1…64, evenly spaced; a still has one.
    public var framesPerClip: Int
    /// Side of a crop in longer sides of the face's box.
    public var contextScale: Double
    /// Longest side of a crop, in pixels; larger ones are shrunk.
    public var pixels: Int
    /// Whether everybody in a clip is kept, and not only the one who is seen largest and longest.
    public var keepsEveryone: Bool
    /// Whether a crop is the whole picture that shows the face, for models that look at frames; `contextScale` is then of no use.
    public var wholeFrames: Bool

    public init(
        framesPerClip: Int = 24, contextScale: Double = 2.4, pixels: Int = 448, keepsEveryone: Bool = false, wholeFrames: Bool = false
    ) {
        self.framesPerClip = framesPerClip
        self.contextScale = contextScale
        self.pixels = pixels
        self.keepsEveryone = keepsEveryone
        self.wholeFrames = wholeFrames
    }
}

/// A file that gave no crops, and why.
public struct SkippedSource: Codable, Sendable, Equatable {
    /// As `CropSource` has it.
    public var path: String
    /// In words for people.
    public var reason: String

    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }
}
