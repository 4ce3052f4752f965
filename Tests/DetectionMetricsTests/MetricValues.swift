import Foundation
import Testing

/// What scikit-learn, SciPy and numpy say: Fixtures/metric-values.json, made by the script beside it.
struct MetricValues: Decodable {
    struct Case: Decodable, CustomTestStringConvertible {
        struct ROC: Decodable {
            var fpr: [Double]
            var tpr: [Double]
            var thresholds: [Double?]
            var auc: Double
            var eer: Double
            var tpr01: Double
            var tpr05: Double
        }

        struct PR: Decodable {
            var precision: [Double]
            var recall: [Double]
            var thresholds: [Double?]
            var ap: Double
        }

        struct Row: Decodable {
            var precision: Double
            var recall: Double
            var f1: Double
            var support: Int
        }

        struct Report: Decodable {
            var accuracy: Double
            var real: Row
            var fake: Row
            var macro: Row
            var weighted: Row
        }

        struct Temperature: Decodable {
            var temperature: Double
            var loss: Double
            var lossBefore: Double
        }

        struct Interval: Decodable {
            var low: Double
            var high: Double
            var resamples: Int
            var leftOut: Int
        }

        var name: String
        var labels: [Bool]
        var logits: [Double]
        var groups: [String]
        var seed: UInt64
        var confusion: [Int]
        var report: Report
        var balancedAccuracy: Double
        var brier: Double
        var logLoss: Double
        var binCounts: [Int]
        var ece: Double
        var pearson: Double?
        var spearman: Double?
        var roc: ROC?
        var pr: PR?
        var temperature: Temperature?
        var balancedTemperature: Temperature?
        var overItems: Interval?
        var overGroups: Interval?

        var testDescription: String { name }
        var probabilities: [Double] { logits.map { 1 / (1 + exp(-$0)) } }
        var hasBothLabels: Bool { Set(labels).count == 2 }
    }

    struct Wilson: Decodable {
        var hits: Int
        var count: Int
        var low: Double
        var high: Double
    }

    struct Pairs: Decodable {
        var first: [Double]
        var second: [Double]
        var pearson: Double
        var spearman: Double
    }

    struct Percentiles: Decodable {
        var values: [Double]
        var percents: [Double]
        var results: [Double]
    }

    var cases: [Case]
    var wilson: [Wilson]
    var pairs: Pairs
    var percentiles: Percentiles

    static let known: MetricValues = {
        do {
            let url = try #require(Bundle.module.url(forResource: "metric-values", withExtension: "json", subdirectory: "Fixtures"))
            return try JSONDecoder().decode(MetricValues.self, from: Data(contentsOf: url))
        } catch {
            preconditionFailure("the values cannot be read: \(error)")
        }
    }()
}

/// Rounding of sums in another order.
func isClose(_ left: Double?, _ right: Double?, within tolerance: Double = 1e-12) -> Bool {
    guard let left, let right else { return left == nil && right == nil }
    return abs(left - right) <= tolerance * max(1, abs(right))
}
