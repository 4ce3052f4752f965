import Video

/// The picture of a face that a network gets in use: an upright square about the middle of its box.
///
/// The arithmetic is that of Analysis's `FaceCrop` without a turn, to the bit: each pixel is the mean of k × k bilinear samples spread evenly over
/// its place, k being the source pixels that a side of it covers, rounded up; beyond the picture its edge repeats.
public struct UseCrop: Sendable, Equatable {
    /// The square's side over the longer side of the box.
    public let scale: Double
    /// Of the result, a side.
    public let pixels: Int

    public init(scale: Double = 1.25, pixels: Int = 224) {
        precondition(scale > 0 && pixels > 0, "a crop has pixels")
        self.scale = scale
        self.pixels = pixels
    }

    /// The face as `[pixels, pixels, 3]`; throws `unusableBox`.
    public func picture(of image: RGBImage, box: BlendSource.Box) throws(AugmentationError) -> RGBImage {
        try BlendSource(picture: image, box: box, landmarks: [], mesh: nil).checkBox()
        return SquareCrop(centerX: box.center.x, centerY: box.center.y, side: scale * box.longer).cut(from: image, pixels: pixels)
    }
}
