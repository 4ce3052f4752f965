import Video

/// A picture with a face, as fakes are made of it.
public struct BlendSource: Sendable, Equatable {
    /// A rectangle in pixels of the picture; it may reach beyond its edge.
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

        /// The longer side, which squares about a face are measured by.
        var longer: Double { max(width, height) }
        var center: SIMD2<Double> { SIMD2(x + width / 2, y + height / 2) }
    }

    /// The face and what is around it: best as much as `BlendSettings.patch` asks for; where there is less the picture's edge repeats.
    public var picture: RGBImage
    public var box: Box
    /// Left eye, right eye, nose, left and right corner of the mouth, as the picture shows them, in its pixels: `[5]`.
    public var landmarks: [SIMD2<Float>]
    /// The 468 points of the face mesh in the picture's pixels; nil where there is none.
    public var mesh: [SIMD2<Float>]?

    public init(picture: RGBImage, box: Box, landmarks: [SIMD2<Float>], mesh: [SIMD2<Float>]?) {
        self.picture = picture
        self.box = box
        self.landmarks = landmarks
        self.mesh = mesh
    }

    /// Throws where the box has no place in the picture.
    func checkBox() throws(AugmentationError) {
        guard [box.x, box.y, box.width, box.height].allSatisfy(\.isFinite), box.width >= 4, box.height >= 4 else {
            throw .unusableBox("\(box.width)×\(box.height) pixels at (\(box.x), \(box.y)); it needs 4 a side")
        }
        let (center, width, height) = (box.center, Double(picture.width), Double(picture.height))
        guard center.x >= 0, center.y >= 0, center.x <= width, center.y <= height, box.longer <= 4 * max(width, height) else {
            throw .unusableBox(
                "\(box.width)×\(box.height) pixels at (\(box.x), \(box.y)) in a picture of \(picture.width)×\(picture.height)")
        }
    }

    /// Throws where a fake cannot be made: no face could be outlined, or somewhere else than where the picture is cut.
    func check() throws(AugmentationError) {
        try checkBox()
        guard landmarks.count == 5 else { throw .unusableLandmarks("\(landmarks.count) of them, not 5") }
        guard landmarks.allSatisfy(isNear) else { throw .unusableLandmarks("some lie far from the box") }
        if let mesh, mesh.count != MeshRegions.pointCount { throw .unusableMesh(count: mesh.count) }
    }

    /// The mesh, unless it has gone astray: then it is on another face or on none, and a box's landmarks are better.
    var usableMesh: [SIMD2<Float>]? {
        guard let mesh, mesh.allSatisfy(isNear) else { return nil }
        return mesh
    }

    private func isNear(_ point: SIMD2<Float>) -> Bool {
        let away = (SIMD2<Double>(point) - box.center) / box.longer
        return abs(away.x) <= 1 && abs(away.y) <= 1
    }
}

/// A real picture and the fake that was made of it.
public struct BlendedPair: Sendable, Equatable {
    public var real: RGBImage
    public var fake: RGBImage
    /// How much of each pixel of the fake was blended in, 0…1, row by row: `[pixels, pixels]`.
    public var mask: [Float]
}
