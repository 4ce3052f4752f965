import Analysis
import Foundation
import JobModel
import ThreadExecutor
import Video

/// The folders of `--output`: one for a single clip, one below it for each of several.
struct EvidenceFolders {
    private var names: [String?]
    private let root: String?

    init(root: String?, files: [String]) {
        self.root = root
        guard files.count > 1 else {
            names = [nil]
            return
        }
        var taken: Set<String> = []
        names = files.map { file in
            let name = URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
            let candidates = [name] + (2...files.count + 1).map { "\(name)-\($0)" }
            let free = candidates.first { !taken.contains($0) } ?? name
            taken.insert(free)
            return free
        }.reversed()
    }

    /// The next file's folder, in the order given; nil without `--output`.
    mutating func next() -> EvidenceFolder? {
        guard let root, let name = names.popLast() else { return nil }
        return EvidenceFolder(path: name.map { "\(root)/\($0)" } ?? root)
    }
}

/// Draws and writes what a verdict rests on, on a thread of its own.
actor EvidenceFolder {
    static let sheetName = "contact-sheet.png"

    nonisolated let path: String
    private let executor = ThreadExecutor(name: "whorl-evidence")

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(path: String) {
        self.path = path
    }

    /// Pictures of an earlier run beside a new verdict would be false evidence.
    private func removeEarlierEvidence() throws {
        let own = /(track-\d+-)?(frame|gradcam|face|face-gradcam)-\d+\.(jpg|png)|verdict\.json|contact-sheet\.png/
        do {
            for name in try FileManager.default.contentsOfDirectory(atPath: path) where name.wholeMatch(of: own) != nil {
                try FileManager.default.removeItem(atPath: "\(path)/\(name)")
            }
        } catch {
            throw Self.unwritable(path, error)
        }
    }

    /// Writes the pictures, the contact sheet and, last, the verdict; gives the analysis with the time that took.
    func write(
        _ analysis: ClipAnalysis, jpegQuality: Int, title: String, progress: @Sendable (Double) -> Void
    ) throws -> ClipAnalysis {
        var analysis = analysis
        let start = ContinuousClock.now
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw Self.unwritable(path, error)
        }
        try removeEarlierEvidence()
        progress(0)
        let artifacts = try analysis.artifacts(jpegQuality: jpegQuality, threads: DecoderLimits().threads)
        progress(0.5)
        let sheet: [UInt8]
        do throws(VideoError) {
            sheet = try PNGEncoder().encode(ContactSheet(title: title).draw(analysis))
        } catch {
            throw CommandFailure(.failure, code: error.code.rawValue, "\(error)")
        }
        progress(0.8)
        for artifact in artifacts { try write(artifact.bytes, Self.name(of: artifact)) }
        try write(sheet, Self.sheetName)
        analysis.verdict.timings.drawMilliseconds = ((ContinuousClock.now - start) / .milliseconds(1) * 10).rounded() / 10
        try write(Array(try WhorlJSON.encoder(pretty: true).encode(analysis.verdict)) + [UInt8(ascii: "\n")], "verdict.json")
        progress(1)
        return analysis
    }

    private func write(_ bytes: [UInt8], _ name: String) throws(CommandFailure) {
        let file = "\(path)/\(name)"
        do {
            try Data(bytes).write(to: URL(fileURLWithPath: file), options: .atomic)
        } catch {
            throw Self.unwritable(file, error)
        }
    }

    private static func unwritable(_ path: String, _ error: any Error) -> CommandFailure {
        CommandFailure(
            .failure, code: "unwritable_output", "\(Terminal.printable(path)): cannot be written: \(error.localizedDescription)")
    }

    /// `frame-00.jpg`, `gradcam-00.jpg`, `gradcam-00.png`, for faces `face-00.jpg` and `face-gradcam-00.jpg`; those of further tracks start with `track-N-`.
    static func name(of artifact: Artifact) -> String {
        let number = artifact.frame < 10 ? "0\(artifact.frame)" : "\(artifact.frame)"
        let track = artifact.track == 0 ? "" : "track-\(artifact.track)-"
        return switch artifact.kind {
        case .image: "\(track)frame-\(number).jpg"
        case .gradcam: "\(track)gradcam-\(number).jpg"
        case .map: "\(track)gradcam-\(number).png"
        case .face: "\(track)face-\(number).jpg"
        case .faceGradcam: "\(track)face-gradcam-\(number).jpg"
        }
    }
}
