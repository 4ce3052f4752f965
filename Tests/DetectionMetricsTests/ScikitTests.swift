import DetectionMetrics
import NeuralCore
import Testing

/// Every figure against scikit-learn's, SciPy's or numpy's.
@Suite struct ScikitTests {
    @Test(arguments: MetricValues.known.cases)
    func rocCurve(_ known: MetricValues.Case) throws {
        let curve = ROCCurve(labels: known.labels, scores: known.logits)
        #expect((curve != nil) == known.hasBothLabels)
        guard let curve, let expected = known.roc else { return }
        #expect(curve.points.map(\.falsePositiveRate) == expected.fpr)
        #expect(curve.points.map(\.truePositiveRate) == expected.tpr)
        #expect(curve.points.map(\.threshold) == expected.thresholds.map { $0 ?? .infinity })
        #expect(isClose(curve.area, expected.auc))
        #expect(isClose(curve.equalErrorRate, expected.eer))
        #expect(curve.truePositiveRate(atFalsePositiveRate: 0.01) == expected.tpr01)
        #expect(curve.truePositiveRate(atFalsePositiveRate: 0.05) == expected.tpr05)
    }

    @Test(arguments: MetricValues.known.cases)
    func precisionAndRecallCurve(_ known: MetricValues.Case) throws {
        let curve = PRCurve(labels: known.labels, scores: known.logits)
        #expect((curve != nil) == known.hasBothLabels)
        guard let curve, let expected = known.pr else { return }
        #expect(curve.points.map(\.precision) == expected.precision)
        #expect(curve.points.map(\.recall) == expected.recall)
        #expect(curve.points.map(\.threshold) == expected.thresholds.map { $0 ?? .infinity })
        #expect(isClose(curve.averagePrecision, expected.ap))
    }

    @Test(arguments: MetricValues.known.cases)
    func confusionAndReport(_ known: MetricValues.Case) throws {
        let matrix = ConfusionMatrix(labels: known.labels, scores: known.probabilities, threshold: 0.5)
        #expect([matrix.trueNegatives, matrix.falsePositives, matrix.falseNegatives, matrix.truePositives] == known.confusion)
        #expect(isClose(matrix.balancedAccuracy, known.balancedAccuracy))
        let report = try #require(ClassificationReport(matrix))
        #expect(isClose(report.accuracy, known.report.accuracy))
        #expect(matrix.accuracy == report.accuracy)
        for (row, expected) in [
            (report.real, known.report.real), (report.fake, known.report.fake), (report.macro, known.report.macro),
            (report.weighted, known.report.weighted),
        ] {
            // What scikit-learn gives as 0 with a warning is nil here.
            #expect(isClose(row.precision ?? 0, expected.precision))
            #expect(isClose(row.recall ?? 0, expected.recall))
            #expect(isClose(row.f1 ?? 0, expected.f1))
            #expect(row.support == expected.support)
        }
    }

    @Test(arguments: MetricValues.known.cases)
    func reliability(_ known: MetricValues.Case) throws {
        let reliability = try #require(Reliability(labels: known.labels, probabilities: known.probabilities))
        #expect(reliability.bins.map(\.count) == known.binCounts)
        #expect(isClose(reliability.expectedCalibrationError, known.ece))
        #expect(isClose(reliability.brierScore, known.brier))
        #expect(isClose(reliability.logLoss, known.logLoss))
        #expect(reliability.bins.allSatisfy { ($0.meanProbability == nil) == ($0.count == 0) })
    }

    @Test(arguments: MetricValues.known.cases)
    func bootstrapIntervals(_ known: MetricValues.Case) {
        let bootstrap = Bootstrap(resamples: 400)
        func area(_ drawn: [Int]) -> Double? {
            ROCCurve(labels: drawn.map { known.labels[$0] }, scores: drawn.map { known.logits[$0] })?.area
        }
        var generator = SeededRandom(seed: known.seed)
        expectEqual(bootstrap.overItems(count: known.labels.count, using: &generator, statistic: area), known.overItems)
        generator = SeededRandom(seed: known.seed)
        expectEqual(bootstrap.overGroups(known.groups, using: &generator, statistic: area), known.overGroups)
    }

    private func expectEqual(_ interval: Bootstrap.Interval?, _ expected: MetricValues.Case.Interval?) {
        #expect(isClose(interval?.low, expected?.low))
        #expect(isClose(interval?.high, expected?.high))
        #expect(interval?.resamples == expected?.resamples)
        #expect(interval?.leftOut == expected?.leftOut)
    }

    /// SciPy's search ends where the loss is flat to its last digits, so temperatures agree less closely than losses.
    @Test(arguments: MetricValues.known.cases, [false, true])
    func temperature(_ known: MetricValues.Case, isBalanced: Bool) throws {
        let fit = TemperatureFit(labels: known.labels, logits: known.logits, isBalanced: isBalanced)
        #expect((fit != nil) == known.hasBothLabels)
        guard let fit, let expected = isBalanced ? known.balancedTemperature : known.temperature else { return }
        #expect(isClose(fit.temperature, expected.temperature, within: 2e-6))
        #expect(isClose(fit.lossAfter, expected.loss, within: 1e-7))
        #expect(fit.lossAfter <= expected.loss + 1e-15)
        #expect(isClose(fit.lossBefore, expected.lossBefore))
    }

    @Test(arguments: MetricValues.known.cases)
    func correlationOfCases(_ known: MetricValues.Case) {
        let labels = known.labels.map { $0 ? 1.0 : 0 }
        #expect(isClose(Correlation.pearson(labels, known.logits), known.pearson))
        #expect(isClose(Correlation.spearman(labels, known.logits), known.spearman))
    }

    @Test func correlationPercentilesAndWilson() {
        let known = MetricValues.known
        #expect(isClose(Correlation.pearson(known.pairs.first, known.pairs.second), known.pairs.pearson))
        #expect(isClose(Correlation.spearman(known.pairs.first, known.pairs.second), known.pairs.spearman))
        for (percent, expected) in zip(known.percentiles.percents, known.percentiles.results) {
            #expect(isClose(Percentile.of(known.percentiles.values.shuffled(), percent: percent), expected))
        }
        for wilson in known.wilson {
            let interval = Proportion(hits: wilson.hits, count: wilson.count).interval
            #expect(isClose(interval?.low, wilson.low) && isClose(interval?.high, wilson.high))
        }
    }
}
