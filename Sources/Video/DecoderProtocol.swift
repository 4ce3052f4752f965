import FoundationEssentials

/// What the parent writes to the child's standard input, as JSON: everything that the child needs to know.
package struct DecoderOrder: Sendable, Equatable, Codable {
    /// Both sides must speak the same version; they are built together.
    package static let currentVersion = 1
    /// The clip's descriptor in the child.
    package static let clipDescriptor: Int32 = 3

    package var version = DecoderOrder.currentVersion
    /// The child ends when this is no longer its parent.
    package var parentProcessID: Int32
    package var request: SamplingRequest
    package var limits: DecoderLimits
}

/// One record of the child's answer: 12 bytes of header (four letters, then the little-endian sizes of the JSON and of the
/// pixels), JSON, pixels. In order: any number of `PROG`, then `INFO`, one `FRAM` a sample and `DONE`; or `FAIL`.
package enum DecoderRecord {
    package static let headerBytes = 12
    package static let maxMessageBytes = 65_536

    package enum Kind: String, Sendable {
        case progress = "PROG"
        case info = "INFO"
        case frame = "FRAM"
        case done = "DONE"
        case failure = "FAIL"
    }

    package struct Progress: Codable {
        package var fraction: Double

        package init(fraction: Double) {
            self.fraction = fraction
        }
    }

    package struct Info: Codable {
        package var info: VideoInfo
        package var warnings: [VideoWarning]

        package init(info: VideoInfo, warnings: [VideoWarning]) {
            self.info = info
            self.warnings = warnings
        }
    }

    package struct Frame: Codable {
        package var index: Int
        package var frameNumber: Int
        package var timestampSeconds: Double
        package var inputWidth: Int
        package var inputHeight: Int
        package var pictureWidth: Int
        package var pictureHeight: Int

        package init(
            index: Int, frameNumber: Int, timestampSeconds: Double, inputWidth: Int, inputHeight: Int, pictureWidth: Int,
            pictureHeight: Int
        ) {
            self.index = index
            self.frameNumber = frameNumber
            self.timestampSeconds = timestampSeconds
            self.inputWidth = inputWidth
            self.inputHeight = inputHeight
            self.pictureWidth = pictureWidth
            self.pictureHeight = pictureHeight
        }
    }

    /// The header and the JSON of a record; its `pixelBytes` bytes of pixels follow.
    package static func encode(_ kind: Kind, _ message: some Encodable, pixelBytes: Int = 0) throws -> [UInt8] {
        let json = try JSONEncoder().encode(message)
        var bytes = Array(kind.rawValue.utf8)
        for size in [UInt32(json.count), UInt32(pixelBytes)] {
            withUnsafeBytes(of: size.littleEndian) { bytes.append(contentsOf: $0) }
        }
        bytes.append(contentsOf: json)
        return bytes
    }
}
