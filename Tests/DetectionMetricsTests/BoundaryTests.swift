import Foundation
import DetectionMetrics
import NeuralCore
import Testing

/// What no library defines, or defines with a warning.
@Suite struct BoundaryTests {
    @Test func curvesNeedBothLabels() {
        #expect(ROCCurve(labels: [], scores: []) == nil)
        #expect(ROCCurve(labels: [true, true], scores: [0, 1]) == nil)
        #expect(PRCurve(labels: [false], scores: [3]) == nil)
        #expect(TemperatureFit(labels: [true, true], logits: [0, 1]) == nil)
        #expect(TemperatureFit(labels: [true, false], logits: [.infinity, 1]) == nil)
        #expect(Reliability(labels: [], probabilities: []) == nil)
        #expect(ClassificationReport(ConfusionMatrix(labels: [], calls: [])) == nil)
    }

    @Test func whatNobodyWasCalledHasNoPrecision() throws {
        let report = try #require(ClassificationReport(ConfusionMatrix(labels: [false, true], calls: [false, false])))
        #expect(report.fake.precision == nil)
        #expect(report.fake.recall == 0)
        #expect(report.fake.f1 == 0)
        #expect(report.macro.precision == 0.25)
        let absent = try #require(ClassificationReport(ConfusionMatrix(labels: [false], calls: [false])))
        #expect(absent.fake.recall == nil && absent.fake.f1 == nil && absent.fake.support == 0)
    }

    /// The order of what is given never shows in what comes out.
    @Test func orderDoesNotMatter() {
        var random = SeededRandom(seed: 4)
        let items = (0..<60).map { _ in (label: random.chance(0.4), score: (random.normal() * 4).rounded()) }
        let curve = ROCCurve(labels: items.map(\.label), scores: items.map(\.score))
        let turned = ROCCurve(labels: items.reversed().map(\.label), scores: items.reversed().map(\.score))
        #expect(curve == turned)
    }

    @Test func areaIsTheShareOfPairs() throws {
        var random = SeededRandom(seed: 9)
        let labels = (0..<40).map { _ in random.chance(0.5) }
        let scores = labels.map { ($0 ? 1 : 0) + (random.normal() * 3).rounded() / 3 }
        var (won, pairs) = (0.0, 0.0)
        for (fake, score) in zip(labels, scores) where fake {
            for (other, against) in zip(labels, scores) where !other {
                pairs += 1
                won += score > against ? 1 : score == against ? 0.5 : 0
            }
        }
        let curve = try #require(ROCCurve(labels: labels, scores: scores))
        #expect(isClose(curve.area, won / pairs))
        #expect(curve.truePositiveRate(atFalsePositiveRate: 1) == 1)
        let mirrored = try #require(ROCCurve(labels: labels.map { !$0 }, scores: scores.map { -$0 }))
        #expect(isClose(mirrored.area, curve.area))
    }

    @Test func temperatureStopsAtItsBounds() throws {
        let separable = try #require(TemperatureFit(labels: [false, true], logits: [-1, 1]))
        #expect(separable.temperature == TemperatureFit.range.lowerBound && separable.isAtBound)
        let misleading = try #require(TemperatureFit(labels: [false, true], logits: [1, -1]))
        #expect(misleading.temperature == TemperatureFit.range.upperBound && misleading.isAtBound)
        // Whatever the temperature, all are one half.
        let empty = try #require(TemperatureFit(labels: [false, true], logits: [0, 0]))
        #expect(empty.isAtBound && isClose(empty.lossAfter, log(2)))
        let extreme = try #require(TemperatureFit(labels: [false, true, true], logits: [-1e6, 1e6, -1e5]))
        #expect(extreme.temperature.isFinite && extreme.lossAfter.isFinite)
    }

    @Test func bootstrapSaysWhenItCannot() {
        let bootstrap = Bootstrap(resamples: 100)
        var random = SeededRandom(seed: 1)
        #expect(bootstrap.overItems(count: 0, using: &random) { _ in 1 } == nil)
        #expect(bootstrap.overGroups(["a", "a"], using: &random) { _ in 1 } == nil)
        #expect(bootstrap.overItems(count: 5, using: &random) { _ in nil } == nil)
        // One of two groups has no fakes, so a quarter of the resamples has none.
        let labels = [false, false, true, false]
        let interval = bootstrap.overGroups(["a", "a", "b", "b"], using: &random) { drawn in
            ROCCurve(labels: drawn.map { labels[$0] }, scores: drawn.map(Double.init))?.area
        }
        #expect(interval.map { $0.leftOut > 0 && $0.leftOut + $0.resamples == 100 } == true)
    }

    @Test func bootstrapTakesWholeGroups() {
        let groups = ["b", "a", "b", "c", "a", "c", "c"]
        var random = SeededRandom(seed: 2)
        _ = Bootstrap(resamples: 200).overGroups(groups, using: &random) { drawn in
            for group in Set(groups) {
                let members = groups.indices.filter { groups[$0] == group }
                let counts = Set(members.map { member in drawn.count { $0 == member } })
                #expect(counts.count == 1)
            }
            return Double(drawn.count)
        }
    }

    @Test func constantListsHaveNoCorrelation() {
        #expect(Correlation.pearson([1, 1, 1], [1, 2, 3]) == nil)
        #expect(Correlation.spearman([0.1, 0.1, 0.1], [1, 2, 3]) == nil)
        #expect(Correlation.pearson([1], [2]) == nil)
        #expect(isClose(Correlation.spearman([1, 2, 3], [10, 100, 1_000]), 1))
        #expect(isClose(Correlation.spearman([1, 2, 3], [3, 2, 1]), -1))
    }

    @Test func proportionsOfNoneHaveNoRate() {
        #expect(Proportion(hits: 0, count: 0).rate == nil && Proportion(hits: 0, count: 0).interval == nil)
        #expect(Percentile.median([]) == nil)
        #expect(Percentile.median([3, 1]) == 2)
    }
}
