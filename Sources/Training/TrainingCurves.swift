import Foundation

/// A run's loss and validation AUC over its steps, as a self-contained SVG.
struct TrainingCurves {
    private struct Curve {
        var name: String
        var color: String
        var points: [(step: Int, value: Double)]
    }

    /// Points drawn of one curve at most.
    private static let maximumPoints = 600
    private static let colors = ["#0b6e99", "#b5541c", "#4a7c2c", "#7a3b8f", "#8a6d00", "#555555"]
    private static let panel = (left: 60.0, width: 640.0, height: 180.0)

    private let steps: Int
    private var losses: [Curve]
    private var areas: [Curve]

    /// Of what happened so far in a run of `steps`.
    init(_ history: [TrainingMetrics], steps: Int) {
        self.steps = max(1, steps)
        var loss: [(step: Int, value: Double)] = []
        var smoothed = 0.0
        var byName: [String: [(step: Int, value: Double)]] = [:]
        var lossByName: [String: [(step: Int, value: Double)]] = [:]
        for metrics in history {
            switch metrics {
            case .step(let step):
                smoothed = loss.isEmpty ? step.loss : smoothed + 0.05 * (step.loss - smoothed)
                loss.append((step.step, smoothed))
            case .validation(let validation):
                for (name, result) in validation.sets {
                    lossByName[name, default: []].append((validation.step, result.loss))
                    if let auc = result.auc { byName[name, default: []].append((validation.step, auc)) }
                }
            }
        }
        let names = Set(byName.keys).union(lossByName.keys).sorted()
        func color(_ name: String) -> String { Self.colors[(1 + (names.firstIndex(of: name) ?? 0)) % Self.colors.count] }
        losses = [Curve(name: "training (smoothed)", color: Self.colors[0], points: Self.thinned(loss))]
        losses += lossByName.sorted { $0.key < $1.key }.map { Curve(name: $0.key, color: color($0.key), points: $0.value) }
        areas = byName.sorted { $0.key < $1.key }.map { Curve(name: $0.key, color: color($0.key), points: $0.value) }
    }

    var svg: String {
        let highest = losses.flatMap(\.points).map(\.value).max() ?? 1
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 880 500" font-family="sans-serif" font-size="12">
            <rect width="880" height="500" fill="#ffffff"/>
            \(drawn(losses, title: "Loss", top: 30, low: 0, high: max(0.1, (highest * 10).rounded(.up) / 10)))
            \(drawn(areas, title: "AUC of the moving average, by source", top: 270, low: 0, high: 1))
            </svg>

            """
    }

    private func drawn(_ curves: [Curve], title: String, top: Double, low: Double, high: Double) -> String {
        let panel = Self.panel
        func x(_ step: Int) -> Double { panel.left + panel.width * Double(step) / Double(steps) }
        func y(_ value: Double) -> Double { top + panel.height * (1 - (min(max(value, low), high) - low) / (high - low)) }
        var parts = ["<text x=\"\(panel.left)\" y=\"\(top - 10)\" font-size=\"14\">\(title)</text>"]
        for fifth in 0...5 {
            let value = low + (high - low) * Double(fifth) / 5
            parts.append(
                "<path d=\"M\(panel.left) \(text(y(value)))h\(panel.width)\" stroke=\"#dddddd\"/>"
                    + "<text x=\"\(panel.left - 8)\" y=\"\(text(y(value) + 4))\" text-anchor=\"end\">\(String(format: "%.2f", value))</text>")
            let step = steps * fifth / 5
            parts.append("<text x=\"\(text(x(step)))\" y=\"\(text(top + panel.height + 18))\" text-anchor=\"middle\">\(step)</text>")
        }
        for (place, curve) in curves.enumerated() {
            let points = curve.points.map { "\(text(x($0.step))),\(text(y($0.value)))" }.joined(separator: " ")
            parts.append("<polyline points=\"\(points)\" fill=\"none\" stroke=\"\(curve.color)\" stroke-width=\"1.5\"/>")
            for point in curve.points where curve.points.count <= 40 {
                parts.append("<circle cx=\"\(text(x(point.step)))\" cy=\"\(text(y(point.value)))\" r=\"2.5\" fill=\"\(curve.color)\"/>")
            }
            let last = curve.points.last.map { String(format: " %.3f", $0.value) } ?? ""
            parts.append(
                "<text x=\"\(panel.left + panel.width + 12)\" y=\"\(text(top + 14 + 18 * Double(place)))\" fill=\"\(curve.color)\">"
                    + "\(escaped(curve.name))\(last)</text>")
        }
        return parts.joined(separator: "\n")
    }

    private static func thinned(_ points: [(step: Int, value: Double)]) -> [(step: Int, value: Double)] {
        guard points.count > maximumPoints else { return points }
        return (0..<maximumPoints).map { points[$0 * (points.count - 1) / (maximumPoints - 1)] }
    }

    private func text(_ value: Double) -> String { String(format: "%.1f", value) }

    private func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
    }
}
