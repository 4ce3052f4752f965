import ArgumentParser
import Foundation
import JobModel
import Synchronization
import Video

/// Shows the frames that an analysis would look at.
struct FramesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "frames",
        abstract: "Write the sampled frames of a video file, for people's eyes or for another program.",
        discussion: """
            With --output DIR each frame becomes DIR/frame-NN.png. With --raw all go to standard output as RGB24, one behind the other, rows \
            without padding. Their numbers and times, and what it took to decode them, go to standard error as one line of JSON.

            --size source gives the decoded pixels as they are, so that they can be compared with another decoder's; otherwise a frame is squeezed \
            to WxH, or without --size shown at display aspect.
            """)

    @Argument(help: "The clip.", completion: .file())
    var file: String

    @OptionGroup(title: "The frames")
    var sampling: SamplingOptions

    @Option(help: ArgumentHelp("\"source\", or a width and a height such as 224x224.", valueName: "source|WxH"), transform: FrameSize.init)
    var size = FrameSize.display

    @Option(help: ArgumentHelp("Write PNG files to this folder.", valueName: "dir"))
    var output: String?

    @Flag(help: "Write RGB24 to standard output.")
    var raw = false

    @Option(help: ArgumentHelp("Threads that decode, 1 to 16.", valueName: "n"))
    var threads = min(16, ProcessInfo.processInfo.activeProcessorCount)

    func validate() throws {
        guard raw != (output != nil) else { throw ValidationError("give either --output DIR or --raw") }
        guard (1...16).contains(threads) else { throw ValidationError("--threads must be 1 to 16") }
    }

    func run() async throws {
        if raw, isatty(STDOUT_FILENO) == 1 {
            throw CommandFailure(.usage, code: "terminal", "--raw writes pixels; send standard output to a file or a program")
        }
        let clip = try ClipFile(path: file)
        var limits = DecoderLimits()
        limits.threads = threads
        let request = SamplingRequest(sampling: try sampling.request(), pictures: [size.picture])
        let writer = try output.map { try FrameFolder(path: $0) }
        let video: SampledVideo<RGBImage?>
        do throws(VideoError) {
            video = try await DecoderProcess(limits: limits).sample(fileDescriptor: clip.descriptor, request: request) { frame in
                guard let writer else { return frame.pictures[0].copied() }
                writer.encode(frame)
                return nil
            }
        } catch {
            throw CommandFailure(JobFailure(error)).about(file)
        }
        if let writer { try writer.write(video.frames.map(\.frameNumber)) }
        for frame in video.frames {
            guard let pixels = frame.kept?.pixels else { continue }
            guard StandardOutput.write(pixels) else {
                throw CommandFailure(.failure, code: "unwritable_output", "standard output cannot be written: \(String(cString: strerror(errno)))")
            }
        }
        StandardError.write(String(decoding: try WhorlJSON.encoder().encode(FramesReport(video)), as: UTF8.self))
    }
}

/// The size that frames are written in.
enum FrameSize {
    case display, source
    case squeezed(width: Int, height: Int)

    init(_ text: String) throws {
        if text == "source" {
            self = .source
            return
        }
        let parts = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2, let width = parts[0], let height = parts[1], (1...4_096).contains(width), (1...4_096).contains(height)
        else { throw ValidationError("it must be \"source\", or like 224x224 with sides of 1 to 4096 pixels") }
        self = .squeezed(width: width, height: height)
    }

    var picture: SamplingRequest.PictureSize {
        switch self {
        case .display: .fitted(maxWidth: 4_096, maxHeight: 4_096)
        case .source: .source
        case .squeezed(let width, let height): .squeezed(width: width, height: height)
        }
    }
}

/// Encodes frames as they come and writes them when all are there.
private final class FrameFolder: Sendable {
    private let path: String
    private let files = Mutex<[Int: Result<[UInt8], VideoError>]>([:])

    init(path: String) throws(CommandFailure) {
        self.path = path
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw CommandFailure(.failure, code: "unwritable_output", "\(Terminal.printable(path)): cannot be written: \(error.localizedDescription)")
        }
    }

    func encode(_ frame: FrameView) {
        let file: Result<[UInt8], VideoError>
        do throws(VideoError) {
            file = .success(try PNGEncoder(compressionLevel: 3).encode(frame.pictures[0].copied()))
        } catch {
            file = .failure(error)
        }
        files.withLock { $0[frame.number] = file }
    }

    /// Writes `frame-00.png` and so on, one for each of the numbers.
    func write(_ numbers: [Int]) throws {
        let files = files.withLock { $0 }
        for (index, number) in numbers.enumerated() {
            guard let file = files[number] else { continue }
            let name = "\(path)/frame-\(index < 10 ? "0" : "")\(index).png"
            do {
                try Data(try file.get()).write(to: URL(fileURLWithPath: name), options: .atomic)
            } catch {
                throw CommandFailure(.failure, code: "unwritable_output", "\(Terminal.printable(name)): cannot be written: \(error)")
            }
        }
    }
}

/// What standard error says about the frames.
private struct FramesReport: Encodable {
    struct Frame: Encodable {
        var index: Int
        var frameNumber: Int
        var timestampSeconds: Double
    }

    var video: VideoInfo
    var frames: [Frame]
    var toleranceSeconds: Double
    var warnings: [String]
    var decoding: DecodingReport

    init<Kept>(_ sampled: SampledVideo<Kept>) {
        video = sampled.info
        frames = sampled.frames.map {
            Frame(index: $0.index, frameNumber: $0.frameNumber, timestampSeconds: $0.timestampSeconds)
        }
        toleranceSeconds = sampled.toleranceSeconds
        warnings = sampled.warnings.map(\.rawValue)
        decoding = sampled.decoding
    }
}
