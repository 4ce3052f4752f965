import DetectionMetrics
import NeuralCore

/// What can be told without looking for a forgery: a model that is no better has learned nothing else.
public struct Baseline: Codable, Sendable, Equatable {
    /// A stable word, such as `bitrate`.
    public var name: String
    /// Higher values speak for fake; an area far below .5 is as telling as one far above.
    public var auc: Figure
    /// Clips without such a value.
    public var missing: Int
}

extension Baseline {
    static func all(of clips: [JudgedClip], figures: FigureMaker, untrained: [String: Double]?) -> [Baseline] {
        let judged = clips.filter(\.isJudged)
        func baseline(_ name: String, _ score: (JudgedClip) -> Double?) -> Baseline {
            let auc = figures.area(of: judged, name: "baseline \(name)", score: score)
            return Baseline(name: name, auc: auc, missing: judged.count - auc.reals - auc.fakes)
        }
        var baselines = [
            chance(judged, figures: figures),
            baseline("bitrate") { $0.file?.bitsPerSecond },
            baseline("resolution") { $0.file.map { Double($0.width * $0.height) } },
            baseline("face_size", \.facePixels),
            baseline("sharpness", \.sharpness),
        ]
        if let untrained { baselines.append(baseline("untrained_network") { untrained[$0.clip.path] }) }
        return baselines
    }

    /// One half by definition; the interval holds 95 % of what random scores reach on these labels, which is how far luck alone goes.
    private static func chance(_ clips: [JudgedClip], figures: FigureMaker) -> Baseline {
        let labels = clips.map(\.clip.isFake)
        let fakes = labels.count { $0 }
        var random = SeededRandom(seed: figures.seed, stream: "baseline chance")
        let areas = (0..<figures.bootstrap.resamples).compactMap { _ in
            ROCCurve(labels: labels, scores: labels.map { _ in random.uniform() })?.area
        }
        var figure = Figure(value: areas.isEmpty ? nil : 0.5, reals: labels.count - fakes, fakes: fakes)
        if let low = Percentile.of(areas, percent: 2.5), let high = Percentile.of(areas, percent: 97.5) {
            figure.overClips = Bootstrap.Interval(low: low, high: high, resamples: areas.count, leftOut: 0)
        }
        return Baseline(name: "chance", auc: figure, missing: 0)
    }
}
