/// What an upload may take.
struct UploadLimits: Hashable, Sendable {
    /// Of the clip.
    var maximumBytes: Int
    /// An upload of which nothing came for this long is given up.
    var stallSeconds: Double
    /// An upload that takes longer is given up, however fast it is.
    var maximumSeconds: Double
    /// After a while an upload must have been this fast on average; 0 for any.
    var minimumBytesPerSecond: Double
    /// No faster than this; 0 for any.
    var maximumBytesPerSecond: Double

    /// For how long a slow beginning is forgiven.
    static let graceSeconds = 20.0
}
