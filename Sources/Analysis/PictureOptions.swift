/// How the pictures of a verdict are made.
public struct PictureOptions: Sendable, Hashable {
    public static let sideRange = 64...1_920
    public static let qualityRange = 1...100

    /// Longest side of a whole frame's picture, in pixels; never enlarged.
    public var side: Int
    /// Of the JPEG files.
    public var jpegQuality: Int

    /// Options within `sideRange` and `qualityRange`.
    public init(side: Int = 480, jpegQuality: Int = 88) {
        precondition(Self.sideRange.contains(side) && Self.qualityRange.contains(jpegQuality), "pictures of \(side) pixels in quality \(jpegQuality)")
        self.side = side
        self.jpegQuality = jpegQuality
    }
}
