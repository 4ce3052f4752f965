import Foundation
import DetectionMetrics
import Video

/// One way to make a clip worse.
public struct RobustnessCell: Codable, Sendable, Hashable {
    /// libx264's rate factor, 0…51.
    public var crf: Int
    /// Of each side, 0…1.
    public var scale: Double
    /// Share of the frames that are kept, one of 1, 1/2, 1/3, …
    public var frameShare: Double

    public init(crf: Int, scale: Double = 1, frameShare: Double = 1) {
        self.crf = crf
        self.scale = scale
        self.frameShare = frameShare
    }

    /// CRF 18, 23, 28, 33, 40 × scale 1, 1/2, 1/4 × all frames and every second one: thirty, each a re-encode of every clip.
    public static let full: [RobustnessCell] = [1, 0.5].flatMap { share in
        [1, 0.5, 0.25].flatMap { scale in [18, 23, 28, 33, 40].map { RobustnessCell(crf: $0, scale: scale, frameShare: share) } }
    }

    /// Strong compression, a quarter of the size, half of the frames: one change at a time, beside a mild re-encode.
    public static let quick = [
        RobustnessCell(crf: 23), RobustnessCell(crf: 40), RobustnessCell(crf: 23, scale: 0.25), RobustnessCell(crf: 23, frameShare: 0.5),
    ]

    var isValid: Bool {
        (0...51).contains(crf) && scale > 0 && scale <= 1 && frameShare > 0 && frameShare <= 1
            && abs((1 / frameShare).rounded() - 1 / frameShare) < 1e-9
    }
}

/// A cell and what the model can still tell there.
public struct RobustnessResult: Codable, Sendable, Equatable {
    public var cell: RobustnessCell
    /// Of the clips that were judged there.
    public var auc: Figure
    public var balancedAccuracy: Figure
    /// Clips that could not be judged there though they could before.
    public var lost: Int
    /// Mean bits per second of the re-encoded clips.
    public var meanBitsPerSecond: Double?
}

/// A clip encoded again, in several ways at one decode.
struct Reencoder: Sendable {
    let decoder: DecoderProcess
    /// Frames of a clip that are taken, from its first.
    let frameLimit: Int
    let folder: String

    struct Copies: Sendable {
        /// One a cell, in their order.
        var paths: [String]
        /// How much of the clip they show; nil for all of it.
        var endSeconds: Double?
    }

    /// Writes the copies into the folder under `name`.
    ///
    /// The clip is decoded in the jailed child as everywhere; only its pictures come here and are encoded in this process.
    func copies(
        of path: String, name: String, cells: [RobustnessCell], isolation: isolated (any Actor)? = #isolation
    ) async throws(VideoError) -> Copies {
        let probe = try await decoder.sample(
            path: path, request: SamplingRequest(sampling: .init(count: 1), pictures: [.squeezed(width: 1, height: 1)])) { _ in 0 }
        let rate = min(max(probe.info.averageFrameRate, 1), 240)
        var encoders: [ClipEncoder] = []
        let paths = cells.indices.map { "\(folder)/\(name)-\($0).mp4" }
        var count = 0
        // Larger pictures are shrunk to this by the search for faces anyway.
        let size = SamplingRequest.PictureSize.fitted(maxWidth: 1_920, maxHeight: 1_920)
        let info = try await decoder.everyFrame(path: path, picture: size, limit: frameLimit) { frame throws(VideoError) in
            let picture = frame.kept
            if encoders.isEmpty {
                for (cell, path) in zip(cells, paths) {
                    let settings = ClipEncoder.Settings(
                        crf: cell.crf, width: ClipEncoder.Settings.side(picture.width, scale: cell.scale),
                        height: ClipEncoder.Settings.side(picture.height, scale: cell.scale), framesPerSecond: rate * cell.frameShare)
                    encoders.append(try ClipEncoder(path: path, settings: settings))
                }
            }
            for (cell, encoder) in zip(cells, encoders) where count % Int((1 / cell.frameShare).rounded()) == 0 {
                try encoder.append(picture)
            }
            count += 1
        }
        for encoder in encoders { try encoder.finish() }
        return Copies(
            paths: paths, endSeconds: count < info.frameCount ? Double(count) / info.averageFrameRate : nil)
    }

    func remove(_ copies: Copies) throws(EvaluationError) {
        for path in copies.paths where unlink(path) != 0 && errno != ENOENT {
            throw .unwritable(path: path, reason: String(cString: strerror(errno)))
        }
    }
}

extension RobustnessResult {
    /// - Parameters:
    ///   - before: every clip as it is.
    ///   - after: every one re-encoded, in the same order.
    init(cell: RobustnessCell, before: [JudgedClip], after: [JudgedClip], figures: FigureMaker) {
        self.cell = cell
        let name = "crf \(cell.crf) scale \(cell.scale) frames \(cell.frameShare)"
        auc = figures.area(of: after.filter(\.isJudged), name: name, score: \.logit)
        balancedAccuracy = figures.figure(Scores(after), name: "\(name) accuracy") {
            Metric.balancedAccuracy.value(of: $0, threshold: figures.threshold)
        }
        lost = zip(before, after).count { $0.isJudged && !$1.isJudged }
        let rates = after.compactMap { $0.file?.bitsPerSecond }
        meanBitsPerSecond = rates.isEmpty ? nil : rates.reduce(0, +) / Double(rates.count)
    }
}
