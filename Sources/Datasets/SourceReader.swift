import Analysis
import Crops
import Crypto
import Foundation
import JobModel
import ThreadExecutor
import Video

/// Reads sources one by one, on a thread of its own: their hashes, and the faces in them.
actor SourceReader {
    /// What came of a source.
    enum Outcome: Sendable {
        case crops(SourceInfo, [SourceFrame.Cut])
        /// In words for people.
        case skipped(String)
    }

    /// What decoding tells of a source.
    struct SourceInfo: Sendable {
        var kind: CropSource.Kind
        var width: Int
        var height: Int
        var durationSeconds: Double
        var codec: String
    }

    /// A person is kept who can be judged in at least this share of the samples, as when a verdict is made.
    private static let leastShare = 0.25

    private let decoder: DecoderProcess
    private let cutter: FrameCutter
    private let settings: CropSettings
    private let executor = ThreadExecutor(name: "whorl-index")

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(decoder: DecoderProcess, cutter: FrameCutter) {
        self.decoder = decoder
        self.cutter = cutter
        settings = cutter.settings
    }

    /// SHA-256 of a file's bytes in lower-case hexadecimal, and their count; the reason where it cannot be read.
    func hash(_ location: String) -> Result<(sha256: String, bytes: Int), UnreadableFile> {
        // O_NONBLOCK: a named pipe is refused below and not waited for.
        let descriptor = open(location, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else { return .failure(UnreadableFile(reason: String(cString: strerror(errno)))) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            return .failure(UnreadableFile(reason: "it is not a regular file"))
        }
        var hash = SHA256()
        var count = 0
        var piece = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let got = Foundation.read(descriptor, &piece, piece.count)
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { return .failure(UnreadableFile(reason: String(cString: strerror(errno)))) }
            if got == 0 { return .success((hash.finalize().hexText, count)) }
            piece.withUnsafeBytes { hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[0..<got])) }
            count += got
        }
    }

    /// Finds a source's faces and cuts them out.
    ///
    /// - Throws: `VideoError` that is not the source's fault.
    func faces(in location: String) async throws(VideoError) -> Outcome {
        let side = FaceFinder.pictureSide
        let request = SamplingRequest(
            sampling: Sampling(count: settings.framesPerClip), pictures: [.fitted(maxWidth: side, maxHeight: side)], acceptsStills: true)
        var sampled: SampledVideo<SourceFrame>
        do throws(VideoError) {
            let cutter = cutter
            sampled = try await decoder.sample(path: location, request: request) { frame in
                cutter.look(at: frame, isThorough: FaceFinder.isThorough(sample: frame.sample))
            }
            if FaceFinder.needsAnotherLook(sampled.frames.map(\.kept.search)) {
                sampled = try await decoder.sample(path: location, request: request) { cutter.look(at: $0, isThorough: true) }
            }
        } catch {
            guard error.isInputFault || error.code == .unreadableInput else { throw error }
            // Its advice is for people who upload a clip.
            return .skipped("\(error.explanation) [\(error.code.rawValue)]")
        }
        let isStill = sampled.info.frameCount == 1 && ["mjpeg", "png", "webp", "bmp", "gif"].contains(sampled.info.container)
        // A clip whose end is missing has whole frames before it; a still has not.
        if isStill, let warning = sampled.warnings.first(where: { $0 != .shortClip }) {
            return .skipped("The picture is damaged. [\(warning.rawValue)]")
        }
        // A short clip's frames are repeated to make up the number; each is kept once.
        var frames: [SampledFrame<SourceFrame>] = []
        for frame in sampled.frames where frame.frameNumber != frames.last?.frameNumber { frames.append(frame) }
        let people = Self.people(frames.map(\.kept), keepsEveryone: settings.keepsEveryone)
        guard !people.isEmpty else { return .skipped(Self.reason(frames.map(\.kept))) }
        let info = SourceInfo(
            kind: isStill ? .still : .clip, width: sampled.info.width, height: sampled.info.height,
            durationSeconds: isStill ? 0 : sampled.info.durationSeconds, codec: sampled.info.codec)
        return .crops(info, Self.cuts(people, frames, displayWidth: Self.displayWidth(of: sampled.info)))
    }

    /// The display's width in pixels of the source, stretched where those are not square.
    private static func displayWidth(of info: VideoInfo) -> Double {
        Double(info.width) * min(1, Double(info.sampleAspectRatio.numerator) / Double(info.sampleAspectRatio.denominator))
    }

    /// In order of time, and in a frame of person.
    private static func cuts(
        _ people: [[FaceTracks.Member]], _ frames: [SampledFrame<SourceFrame>], displayWidth: Double
    ) -> [SourceFrame.Cut] {
        var cuts: [SourceFrame.Cut] = []
        for place in frames.indices {
            for (person, members) in people.enumerated() {
                for member in members where member.frame == place {
                    let frame = frames[place].kept
                    guard var cut = frame.faces[member.face].cut else { continue }
                    cut.crop.track = person
                    // Faces are looked for in a picture of bounded size, which is smaller than a large source.
                    cut.crop.scale = min(1, cut.crop.scale * Double(frame.width) / displayWidth)
                    cuts.append(cut)
                }
            }
        }
        return cuts
    }

    /// The faces without flaw of the one who is seen largest and longest, or of everybody, of those who are seen long enough.
    static func people(_ frames: [SourceFrame], keepsEveryone: Bool) -> [[FaceTracks.Member]] {
        let least = max(1, Int((Double(frames.count) * leastShare).rounded(.up)))
        let tracks = FaceTracks(frames.map { $0.faces.map(\.place) }).tracks.map { members in
            members.filter { frames[$0.frame].faces[$0.face].cut != nil }
        }.filter { $0.count >= least }
        func presence(_ members: [FaceTracks.Member]) -> Double {
            members.reduce(0) { $0 + frames[$1.frame].faces[$1.face].place.size }
        }
        let order = tracks.enumerated().sorted { (presence($0.element), $1.offset) > (presence($1.element), $0.offset) }.map(\.element)
        return keepsEveryone ? order : Array(order.prefix(1))
    }

    /// Why nobody is kept: the most frequent flaw of the faces.
    private static func reason(_ frames: [SourceFrame]) -> String {
        let faces = frames.flatMap(\.faces)
        if faces.contains(where: { $0.cut != nil }) { return "Nobody is seen well for long enough. [seen_too_briefly]" }
        let flaws = Dictionary(grouping: faces.compactMap(\.flaw), by: { $0 }).mapValues(\.count)
        guard let flaw = flaws.max(by: { ($0.value, $1.key.rawValue) < ($1.value, $0.key.rawValue) })?.key else {
            return "There is no face. [no_face]"
        }
        let words = switch flaw {
        case .tooSmall: "The face is too small."
        case .tooDark: "The face is too dark."
        case .tooBlurred: "The face is too blurred."
        default: "The face cannot be judged."
        }
        return "\(words) [\(flaw.rawValue)]"
    }
}

/// A file whose bytes are not to be had.
struct UnreadableFile: Error {
    var reason: String
}
