import Analysis
import Detector
import DetectionMetrics
import NeuralCore
import Video

/// Whether the maps explain this model's logits.
public struct ExplanationReport: Codable, Sendable, Equatable {
    /// The maps of a clip and the part of the logit that no place accounts for must add up to the logit.
    public struct Sum: Codable, Sendable, Equatable {
        public static let tolerance = 1e-4

        public var clips: Int
        /// The largest |Σ maps + bias − logit|.
        public var largestDifference: Double
        public var tolerance: Double
        public var passed: Bool
    }

    /// Maps of a model whose layers were shuffled down to here, held against its own.
    public struct Stage: Codable, Sendable, Equatable {
        /// The layer shuffled last: `head`, `layer4.1`, …, `conv1`.
        public var layer: String
        /// Mean Spearman correlation of a frame's map with the model's own, −1…1.
        public var meanCorrelation: Double?
        /// Mean of its absolute values: a map turned upside down is not destroyed.
        public var meanAbsoluteCorrelation: Double?
        /// Frames whose correlation exists.
        public var frames: Int
        public var clips: Int
    }

    /// Blurring a tenth of the picture where the map is hottest, against tenths of the same shape elsewhere.
    public struct Deletion: Codable, Sendable, Equatable {
        /// Share of the picture that is blurred, in whole cells of the map.
        public var share: Double
        public var clips: Int
        public var draws: Int
        /// Mean over clips of how far the logit falls.
        public var hottestDrop: Double?
        /// The same for random tenths, the mean over the draws.
        public var randomDrop: Double?
        /// Standard deviation, over the draws, of the mean over clips.
        public var randomSpread: Double?
        /// Clips whose hottest tenth takes more than their random ones on average.
        public var hottestWins: Proportion
        /// 95 % of hottest less random, over clips; entirely above 0 means more than luck.
        public var advantage: Bootstrap.Interval?
    }

    public var sum: Sum
    public var randomisation: [Stage]
    public var deletion: Deletion
    /// Where clips were given to blend; nil otherwise.
    public var masks: BlendedMasksReport?
}

/// What the checks find on one clip.
struct ExplanationScores: Sendable {
    static let draws = 10
    /// A tenth of 49 cells.
    static let deletedCells = 5

    let sumDifference: Double
    let hottestDrop: Double
    let randomDrops: [Double]

    /// Blocks for a dozen forwards.
    init(_ inputs: NetworkInputs, detector: ResNetDetector, seed: UInt64, name: String) throws(EvaluationError) {
        let pictures = inputs.inputs.map(\.picture)
        let output = try detector.judge(pictures)
        let heat = output.maps.elements.reduce(0) { $0 + Double($1) }
        sumDifference = abs(heat + output.headBias - output.logit)
        let blurred = pictures.map { $0.resized(width: 7, height: 7).resized(width: $0.width, height: $0.height) }
        let hottest = pictures.indices.map { Self.hottest(output.map(frame: $0)) }
        func drop(_ cells: [[Int]]) throws(EvaluationError) -> Double {
            output.logit - (try detector.judge(zip(zip(pictures, blurred), cells).map { Self.blend($0.0, $0.1, cells: $1) })).logit
        }
        hottestDrop = try drop(hottest)
        var random = SeededRandom(seed: seed, stream: "deletion \(name)")
        var drops: [Double] = []
        for _ in 0..<Self.draws {
            // The hottest cells pushed elsewhere, round the edges: a random tenth of the same shape.
            let shift = 1 + random.index(below: 48)
            drops.append(try drop(hottest.map { $0.map { Self.moved($0, by: shift) } }))
        }
        randomDrops = drops
    }

    static func hottest(_ map: [Float]) -> [Int] {
        Array(map.indices.sorted { (map[$0], $1) > (map[$1], $0) }.prefix(deletedCells))
    }

    /// A cell of a 7 × 7 map `shift` % 7 columns and `shift` / 7 rows on.
    static func moved(_ cell: Int, by shift: Int) -> Int {
        (cell / 7 + shift / 7) % 7 * 7 + (cell % 7 + shift % 7) % 7
    }

    private static func blend(_ picture: RGBImage, _ other: RGBImage, cells: [Int]) -> RGBImage {
        var result = picture
        for cell in cells {
            let rows = cell / 7 * picture.height / 7..<(cell / 7 + 1) * picture.height / 7
            let first = cell % 7 * picture.width / 7 * 3, last = (cell % 7 + 1) * picture.width / 7 * 3
            for y in rows {
                let row = y * picture.width * 3
                result.pixels.replaceSubrange(row + first..<row + last, with: other.pixels[row + first..<row + last])
            }
        }
        return result
    }
}

extension ExplanationReport.Sum {
    init(_ scores: [ExplanationScores]) {
        clips = scores.count
        largestDifference = scores.map(\.sumDifference).max() ?? 0
        tolerance = Self.tolerance
        passed = largestDifference <= Self.tolerance
    }
}

extension ExplanationReport.Deletion {
    init(_ scores: [ExplanationScores], figures: FigureMaker) {
        func mean(_ values: [Double]) -> Double? { values.isEmpty ? nil : values.reduce(0, +) / Double(values.count) }
        share = Double(ExplanationScores.deletedCells) / 49
        clips = scores.count
        draws = ExplanationScores.draws
        hottestDrop = mean(scores.map(\.hottestDrop))
        let byDraw = (0..<ExplanationScores.draws).compactMap { draw in mean(scores.map { $0.randomDrops[draw] }) }
        let middle = mean(byDraw)
        randomDrop = middle
        randomSpread = middle.flatMap { middle in mean(byDraw.map { ($0 - middle) * ($0 - middle) })?.squareRoot() }
        let advantages = scores.map { $0.hottestDrop - (mean($0.randomDrops) ?? 0) }
        hottestWins = Proportion(hits: advantages.count { $0 > 0 }, count: advantages.count)
        var generator = SeededRandom(seed: figures.seed, stream: "deletion advantage")
        advantage = figures.bootstrap.overItems(count: advantages.count, using: &generator) { drawn in mean(drawn.map { advantages[$0] }) }
    }
}

extension ExplanationReport.Stage {
    /// The maps of one shuffled model against the model's own, `[clip][frame][cell]`.
    init(layer: String, own: [[[Float]]], shuffled: [[[Float]]]) {
        let correlations = zip(own, shuffled).flatMap { zip($0, $1) }.compactMap { first, second in
            Correlation.spearman(first.map(Double.init), second.map(Double.init))
        }
        self.layer = layer
        frames = correlations.count
        clips = own.count
        meanCorrelation = frames > 0 ? correlations.reduce(0, +) / Double(frames) : nil
        meanAbsoluteCorrelation = frames > 0 ? correlations.reduce(0) { $0 + abs($1) } / Double(frames) : nil
    }

    /// One stage after the other on some clips' inputs; compiles a network for each, and blocks.
    static func all(
        of checkpoint: Checkpoint, detector: ResNetDetector, inputs: [NetworkInputs], seed: UInt64, progress: (Double) -> Void
    ) throws(EvaluationError) -> [ExplanationReport.Stage] {
        func maps(_ detector: ResNetDetector) throws(EvaluationError) -> [[[Float]]] {
            var all: [[[Float]]] = []
            for clip in inputs {
                let output = try detector.judge(clip.inputs.map(\.picture))
                all.append(clip.inputs.indices.map { output.map(frame: $0) })
            }
            return all
        }
        let own = try maps(detector)
        let randomisation = WeightRandomisation(checkpoint: checkpoint, seed: seed)
        var stages: [ExplanationReport.Stage] = []
        for (place, layer) in WeightRandomisation.stages.enumerated() {
            progress(Double(place) / Double(WeightRandomisation.stages.count))
            let checkpoint = try randomisation.checkpoint(downTo: place)
            let shuffled: ResNetDetector
            do throws(CheckpointError) {
                shuffled = try ResNetDetector(checkpoint: checkpoint, threads: detector.threads, selection: detector.plan.selection)
            } catch {
                throw .checkpoint(error)
            }
            stages.append(ExplanationReport.Stage(layer: layer, own: own, shuffled: try maps(shuffled)))
        }
        return stages
    }
}
