import FoundationEssentials
import JobModel

/// What the parent writes to the child's standard input: four bytes with the little-endian length of this as JSON, the JSON, and from
/// then on one byte, its number, for each buffer of the ring that it gives back.
package struct DecoderOrder: Sendable, Equatable, Codable {
    /// Both sides must speak the same version; they are built together.
    package static let currentVersion = 3
    /// The clip's descriptor in the child.
    package static let clipDescriptor: Int32 = 3
    /// The ring's descriptor in the child.
    package static let ringDescriptor: Int32 = 4
    /// Most bytes of the JSON.
    package static let maxBytes = 32_768

    package var version = DecoderOrder.currentVersion
    /// The child ends when this is no longer its parent.
    package var parentProcessID: Int32
    package var request: SamplingRequest
    package var limits: DecoderLimits

    /// The order as it is written.
    package func encoded() throws -> [UInt8] {
        let json = try JSONEncoder().encode(self)
        return withUnsafeBytes(of: UInt32(json.count).littleEndian) { Array($0) } + Array(json)
    }
}

/// One record of the child's answer: 8 bytes of header (four letters, then the little-endian size of the JSON) and JSON. The pixels of a
/// frame are in a buffer of the ring. Any number of `PROG` and `FRAM`, at most some `REDO`, and at the end `DONE` or `FAIL`.
package enum DecoderRecord {
    package static let headerBytes = 8
    package static let maxMessageBytes = 65_536
    /// How often a child may begin again.
    package static let maxRestarts = 4

    package enum Kind: String, Sendable {
        case progress = "PROG"
        case frame = "FRAM"
        /// All frames so far are void: the clip is not what its index said.
        case restart = "REDO"
        case done = "DONE"
        case failure = "FAIL"
    }

    package struct Progress: Codable {
        package var fraction: Double

        package init(fraction: Double) {
            self.fraction = fraction
        }
    }

    package struct Size: Sendable, Equatable, Codable {
        package var width: Int
        package var height: Int

        package init(width: Int, height: Int) {
            self.width = width
            self.height = height
        }
    }

    package struct Frame: Sendable, Equatable, Codable {
        package var buffer: Int
        /// The first sample that shows this frame.
        package var sample: Int
        package var frameNumber: Int
        package var timestampSeconds: Double
        /// One for each picture asked for; they lie one behind the other in the buffer.
        package var pictures: [Size]

        package init(buffer: Int, sample: Int, frameNumber: Int, timestampSeconds: Double, pictures: [Size]) {
            self.buffer = buffer
            self.sample = sample
            self.frameNumber = frameNumber
            self.timestampSeconds = timestampSeconds
            self.pictures = pictures
        }
    }

    package struct Done: Sendable, Equatable, Codable {
        package var info: VideoInfo
        package var warnings: [VideoWarning]
        /// The first frame that the request's times allow.
        package var firstFrame: Int
        /// The frame after the last that they allow.
        package var endFrame: Int
        /// The frame of each sample.
        package var frameNumbers: [Int]
        package var decoding: DecodingReport

        package init(
            info: VideoInfo, warnings: [VideoWarning], firstFrame: Int, endFrame: Int, frameNumbers: [Int],
            decoding: DecodingReport
        ) {
            self.info = info
            self.warnings = warnings
            self.firstFrame = firstFrame
            self.endFrame = endFrame
            self.frameNumbers = frameNumbers
            self.decoding = decoding
        }
    }

    /// A whole record.
    package static func encode(_ kind: Kind, _ message: some Encodable) throws -> [UInt8] {
        let json = try JSONEncoder().encode(message)
        var bytes = Array(kind.rawValue.utf8)
        withUnsafeBytes(of: UInt32(json.count).littleEndian) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: json)
        return bytes
    }
}
