import Analysis
import Foundation
import JobModel
import NeuralCore
import Video

/// What a run has gathered so far.
struct Findings: Sendable {
    /// In the order given.
    var clips: [JudgedClip] = []
    /// By the clip's path.
    var untrained: [String: Double] = [:]
    /// By the clip's path.
    var shortcuts: [String: ShortcutScores] = [:]
    var explanations: [ExplanationScores] = []
    /// Reals over the time that their copies show, and the copies, in the same order.
    var originals: [JudgedClip] = []
    var copies: [JudgedClip] = []
    /// Of each robustness cell, every clip in the order given.
    var cells: [[JudgedClip]]

    private let options: EvaluationOptions
    private var kept: [(rank: UInt64, isFake: Bool, inputs: NetworkInputs)] = []

    init(options: EvaluationOptions) {
        self.options = options
        cells = options.robustness.map { _ in [] }
    }

    /// Of the clips that the shuffled networks judge.
    var keptInputs: [NetworkInputs] { kept.map(\.inputs) }

    /// Keeps a clip's inputs if it is among those drawn: the lowest of random ranks, half of them reals and half fakes.
    mutating func keep(_ inputs: NetworkInputs, of clip: EvaluationClip) {
        var random = SeededRandom(seed: options.seed, stream: "explained \(clip.name)")
        kept.append((random.next(), clip.isFake, inputs))
        kept.sort { $0.rank < $1.rank }
        let room = clip.isFake ? options.explanationClips / 2 : options.explanationClips - options.explanationClips / 2
        let same = kept.indices.filter { kept[$0].isFake == clip.isFake }
        if same.count > room, let last = same.last { kept.remove(at: last) }
    }
}

/// The copies that a run's checks ask for, in a folder that is gone afterwards.
struct Reencoding: Sendable {
    private let cells: [RobustnessCell]
    private let shortcuts: Bool
    private let reencoder: Reencoder

    init(cells: [RobustnessCell], shortcuts: Bool, decoder: DecoderProcess, frameLimit: Int) throws(EvaluationError) {
        self.cells = cells
        self.shortcuts = shortcuts
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("whorl-evaluation-\(UUID().uuidString)").path
        reencoder = Reencoder(decoder: decoder, frameLimit: frameLimit, folder: folder)
        guard !cells.isEmpty || shortcuts else { return }
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw .unwritable(path: folder, reason: error.localizedDescription)
        }
    }

    /// Encodes a clip again in each way that is asked for, judges the copies, and removes them.
    ///
    /// A clip that could not be judged as it is stays so in every cell.
    func examine(
        _ judged: JudgedClip, number: Int, judge: ClipJudge, into findings: inout Findings, isolation: isolated (any Actor)? = #isolation
    ) async throws(EvaluationError) {
        let isShortcut = shortcuts && !judged.clip.isFake
        let wanted = cells + (isShortcut ? [RobustnessCell(crf: ShortcutReport.crf)] : [])
        guard !wanted.isEmpty else { return }
        guard judged.isJudged else {
            for cell in cells.indices { findings.cells[cell].append(judged) }
            return
        }
        let copies: Reencoder.Copies
        do throws(VideoError) {
            copies = try await reencoder.copies(of: judged.clip.path, name: "\(number)", cells: wanted)
        } catch where error.isInputFault {
            // Its sampled frames could be decoded and not all of them: lost in every cell, and the others go on.
            let lost = JudgedClip(clip: judged.clip, failure: JobError(JobFailure(error)))
            for cell in cells.indices { findings.cells[cell].append(lost) }
            return
        } catch {
            throw .video(error)
        }
        var outcomes: [JudgedClip] = []
        for path in copies.paths { outcomes.append(try await judge.judge(judged.clip, at: path).judged) }
        for cell in cells.indices { findings.cells[cell].append(outcomes[cell]) }
        if isShortcut {
            // What a shorter copy does not show must not count as a change.
            let original = copies.endSeconds == nil ? judged : try await judge.judge(judged.clip, endSeconds: copies.endSeconds).judged
            findings.originals.append(original)
            findings.copies.append(outcomes[cells.count])
        }
        try reencoder.remove(copies)
    }

    /// Whatever an error left there goes too. A folder that stays is temporary files in the system's own place, no reason to lose a report.
    func removeFolder() {
        guard FileManager.default.fileExists(atPath: reencoder.folder) else { return }
        do {
            try FileManager.default.removeItem(atPath: reencoder.folder)
        } catch {
            FileHandle.standardError.write(Data("whorl: \(reencoder.folder) stays behind: \(error.localizedDescription)\n".utf8))
        }
    }
}
