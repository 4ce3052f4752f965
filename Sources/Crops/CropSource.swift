/// A clip or a still that crops were cut from.
public struct CropSource: Codable, Sendable, Equatable {
    public enum Kind: String, Codable, Sendable, CaseIterable {
        case clip, still
    }

    public enum Label: String, Codable, Sendable, CaseIterable {
        case real, fake
    }

    /// As it was given to the index: its folder's name and the path below it, with `/` between.
    public var path: String
    /// Of its bytes, in lower-case hexadecimal.
    public var sha256: String
    public var kind: Kind
    public var label: Label
    /// How it was made, such as `Deepfakes`; `real` for real ones, `unknown` where nothing says.
    public var method: String
    /// What must not be divided between training and validation: a source video, an identity, or both.
    public var group: String
    /// Of the source's picture, in pixels.
    public var width: Int
    public var height: Int
    /// 0 for a still.
    public var durationSeconds: Double
    /// Bytes of the file.
    public var bytes: Int
    public var codec: String

    public init(
        path: String, sha256: String, kind: Kind, label: Label, method: String, group: String, width: Int, height: Int,
        durationSeconds: Double, bytes: Int, codec: String
    ) {
        self.path = path
        self.sha256 = sha256
        self.kind = kind
        self.label = label
        self.method = method
        self.group = group
        self.width = width
        self.height = height
        self.durationSeconds = durationSeconds
        self.bytes = bytes
        self.codec = codec
    }
}
