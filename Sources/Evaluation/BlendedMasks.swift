import Analysis
import Augmentation
import Crops
import DetectionMetrics
import Detector
import NeuralCore
import Video

/// What a model of faces finds in clips that were blended from a dataset's reals, so that it is known where.
public struct BlendedMasksReport: Codable, Sendable, Equatable {
    /// Reals that clips were blended from, at most 100.
    public var clips: Int
    /// Reals that could not be blended: a face without room or landmarks.
    public var skipped: Int
    /// Pictures in all the blended clips.
    public var frames: Int
    /// Area under the ROC of the blended clips against the reals that they were made of, compressed alike; nil without clips.
    public var auc: Double?
    /// Mean of each blended clip's logit less that of its own real; nil without clips.
    public var meanRise: Double?
    public var overlap: MapOverlap
}

/// A dataset whose reals are blended into themselves, every one as a clip of its own.
public struct BlendedMasks: Sendable {
    /// More frames of a real, and more reals, are not blended: those that are, are evenly spread. Their masks are held in memory to the end.
    private static let framesPerClip = 8
    private static let mostReals = 100

    private let dataset: CropDataset
    private let blender = SelfBlender(settings: BlendSettings(), pixels: ResNetDetector.inputSize)

    /// - Throws: `EvaluationError.invalid` where the dataset has no reals, or whole frames, of which faces would be coarser than in use.
    public init(_ dataset: CropDataset) throws(EvaluationError) {
        guard !dataset.settings.wholeFrames else {
            throw .invalid("the dataset holds whole frames, and masks are blended in faces; index the sources without --whole-frames")
        }
        guard dataset.sources.contains(where: { $0.label == .real }) else { throw .invalid("the dataset has no reals to blend") }
        self.dataset = dataset
    }

    /// Blends each real and judges it and its fake; blocks for two forwards a real.
    func report(detector: ResNetDetector, seed: UInt64, progress: (Double) -> Void) throws(EvaluationError) -> BlendedMasksReport {
        var (maps, masks): ([HeatMap], [[Float]]) = ([], [])
        var (labels, logits, rises): ([Bool], [Double], [Double]) = ([], [], [])
        let all = dataset.cropsBySource().enumerated().filter { dataset.sources[$0.offset].label == .real && !$0.element.isEmpty }
        let count = min(Self.mostReals, all.count), reals = (0..<count).map { all[$0 * all.count / count] }
        for (done, real) in reals.enumerated() {
            progress(Double(done) / Double(reals.count))
            guard let pairs = try pairs(of: real.element, seed: seed, name: dataset.sources[real.offset].path) else { continue }
            let fake = try detector.judge(pairs.map(\.fake)), own = try detector.judge(pairs.map(\.real))
            labels += [true, false]
            logits += [fake.logit, own.logit]
            rises.append(fake.logit - own.logit)
            maps += pairs.indices.map { HeatMap(width: 7, height: 7, values: fake.map(frame: $0)) }
            masks += pairs.map(\.mask)
        }
        return BlendedMasksReport(
            clips: rises.count, skipped: reals.count - rises.count, frames: maps.count, auc: ROCCurve(labels: labels, scores: logits)?.area,
            meanRise: rises.isEmpty ? nil : rises.reduce(0, +) / Double(rises.count),
            overlap: MapOverlap(maps: maps, masks: masks, side: ResNetDetector.inputSize))
    }

    /// A real's frames and their fakes; nil where it cannot be blended.
    private func pairs(of crops: [Int], seed: UInt64, name: String) throws(EvaluationError) -> [BlendedPair]? {
        let person = crops.filter { dataset.crops[$0].track == dataset.crops[crops[0]].track }
        let count = min(Self.framesPerClip, person.count)
        var sources: [BlendSource] = []
        for place in (0..<count).map({ person[(2 * $0 + 1) * person.count / (2 * count)] }) {
            let crop = dataset.crops[place]
            do throws(CropsError) {
                sources.append(
                    BlendSource(
                        picture: try dataset.picture(place),
                        box: BlendSource.Box(x: crop.box.x, y: crop.box.y, width: crop.box.width, height: crop.box.height),
                        landmarks: crop.landmarks, mesh: crop.mesh))
            } catch {
                throw .invalid("\(error)")
            }
        }
        do throws(AugmentationError) {
            return try blender.clip(of: sources, random: SeededRandom(seed: seed, stream: "masks \(name)"))
        } catch {
            if case .video(let error) = error { throw .video(error) }
            return nil
        }
    }
}
