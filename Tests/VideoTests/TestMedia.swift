import Foundation
import JobModel
import Testing
import Video

/// Makes clips with Debian's ffmpeg in a folder of its own.
struct TestMedia: ~Copyable {
    let folder: String

    init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/whorl-video-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: folder)
        } catch {
            Issue.record("the folder of test media stays behind: \(error)")
        }
    }

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    func write(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
        try Data(Array(bytes)).write(to: URL(fileURLWithPath: path(name)))
        return path(name)
    }

    func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path(name))))
    }

    /// `testsrc2` moves, has every colour, and differs from frame to frame.
    static func source(size: String = "160x120", rate: String = "25", frames: Int) -> [String] {
        ["-f", "lavfi", "-i", "testsrc2=size=\(size):rate=\(rate)", "-frames:v", "\(frames)"]
    }

    /// Runs ffmpeg with `arguments` and the output's name; the path of what it made.
    func make(_ name: String, _ arguments: [String]) throws -> String {
        try Self.ffmpeg(arguments + [path(name)])
        return path(name)
    }

    static func ffmpeg(_ arguments: [String]) throws {
        _ = try run("/usr/bin/ffmpeg", ["-nostdin", "-v", "error", "-y", "-bitexact"] + arguments)
    }

    /// Every frame that ffmpeg's own sequential decode gives, as RGB24 at the source's size, unturned. swscale's flags are
    /// those of the product, so that equal frames are equal bytes.
    static func referenceFrames(
        of path: String, width: Int, height: Int, matrix: String = "bt601", range: String = "limited"
    ) throws -> [[UInt8]] {
        let flags = "bilinear+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact"
        let filter = "scale=in_color_matrix=\(matrix):in_range=\(range):flags=\(flags),format=rgb24"
        let output = try run(
            "/usr/bin/ffmpeg",
            [
                "-nostdin", "-v", "quiet", "-noautorotate", "-i", path, "-map", "0:v:0", "-fps_mode", "passthrough",
                "-autoscale", "0", "-sws_flags", flags, "-vf", filter, "-f", "rawvideo", "-",
            ])
        let size = width * height * 3
        return stride(from: 0, to: output.count / size * size, by: size).map { Array(output[$0..<$0 + size]) }
    }

    static func run(_ executable: String, _ arguments: [String]) throws -> [UInt8] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 || arguments.contains("quiet") else {
            throw MediaError(command: "\(executable) \(arguments.joined(separator: " "))", status: process.terminationStatus)
        }
        return Array(data)
    }
}

struct MediaError: Error {
    var command: String
    var status: Int32
}

/// The decoder under test: beside the test runner, or where WHORL_DECODER says.
func decoder(limits: DecoderLimits = DecoderLimits(), executable: String? = nil) -> DecoderProcess {
    DecoderProcess(
        executablePath: executable ?? ProcessInfo.processInfo.environment["WHORL_DECODER"], limits: limits)
}

/// Pictures as the network and as people see them.
extension SamplingRequest {
    init(
        count: Int = 16, inputWidth: Int = 224, inputHeight: Int = 224,
        picture: PictureSize = .fitted(maxWidth: 480, maxHeight: 480)
    ) {
        self.init(
            sampling: Sampling(count: count), pictures: [.squeezed(width: inputWidth, height: inputHeight), picture])
    }
}

extension SampledFrame where Kept == [RGBImage] {
    var input: RGBImage { kept[0] }
    var picture: RGBImage { kept[1] }
}

extension DecoderProcess {
    /// Keeps copies of all pictures.
    func sample(
        path: String, request: SamplingRequest = SamplingRequest(), progress: (@Sendable (Double) -> Void)? = nil
    ) async throws(VideoError) -> SampledVideo<[RGBImage]> {
        try await sample(path: path, request: request, progress: progress) { $0.pictures.map { $0.copied() } }
    }

    func sample(fileDescriptor: Int32) async throws(VideoError) -> SampledVideo<[RGBImage]> {
        try await sample(fileDescriptor: fileDescriptor, request: SamplingRequest()) { $0.pictures.map { $0.copied() } }
    }
}

/// Samples a clip that must be refused; why it was.
func refusal(of path: String, limits: DecoderLimits = DecoderLimits(), executable: String? = nil) async -> VideoError? {
    do throws(VideoError) {
        let video = try await decoder(limits: limits, executable: executable).sample(path: path)
        Issue.record("it was sampled: \(video.info) \(video.warnings)")
        return nil
    } catch {
        return error
    }
}
