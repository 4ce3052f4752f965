/// One face cut from one picture of a source, as a cache holds it: where it came from and where its features lie.
public struct Crop: Codable, Sendable, Equatable {
    /// A rectangle in the crop's own pixels; it may reach beyond the picture.
    public struct Box: Codable, Sendable, Equatable {
        public var x: Double
        public var y: Double
        public var width: Double
        public var height: Double

        public init(x: Double, y: Double, width: Double, height: Double) {
            self.x = x
            self.y = y
            self.width = width
            self.height = height
        }
    }

    /// Place of its source in the dataset's list.
    public var source: Int
    /// The person it follows through the source, from 0.
    public var track: Int
    /// The frame of the source that it was cut from; 0 for a still.
    public var frameNumber: Int
    /// Where that frame lies; 0 for a still.
    public var timestampSeconds: Double
    /// Of the stored picture, in pixels.
    public var width: Int
    public var height: Int
    /// The detector's box.
    public var box: Box
    /// Left eye, right eye, nose, left and right corner of the mouth, as the picture shows them, in the crop's pixels: `[5]`.
    public var landmarks: [SIMD2<Float>]
    /// The face mesh's 468 points in the crop's pixels; nil where it found none.
    public var mesh: [SIMD2<Float>]?
    /// Pixels of the crop for one of the source, at most 1.
    public var scale: Double
    /// The detector's score, 0…1.
    public var score: Double
    /// Mean luma of the face, 0…255, and how sharp it is: `FaceQuality`'s measures.
    public var meanLuma: Double
    public var sharpness: Double

    public init(
        source: Int, track: Int, frameNumber: Int, timestampSeconds: Double, width: Int, height: Int, box: Box,
        landmarks: [SIMD2<Float>], mesh: [SIMD2<Float>]?, scale: Double, score: Double, meanLuma: Double, sharpness: Double
    ) {
        self.source = source
        self.track = track
        self.frameNumber = frameNumber
        self.timestampSeconds = timestampSeconds
        self.width = width
        self.height = height
        self.box = box
        self.landmarks = landmarks
        self.mesh = mesh
        self.scale = scale
        self.score = score
        self.meanLuma = meanLuma
        self.sharpness = sharpness
    }
}
