import Foundation
import DetectionMetrics

/// The page's drawings: plain SVG in the page's own colours, each with a title that says what it shows.
struct ReportChart {
    private static let side = 360.0
    private static let left = 44.0, right = 18.0, top = 12.0, bottom = 44.0

    private static var plotWidth: Double { side - left - right }
    private static var plotHeight: Double { side - top - bottom }
    private static func x(_ share: Double) -> Double { left + share * plotWidth }
    private static func y(_ share: Double) -> Double { top + (1 - share) * plotHeight }
    private static func at(_ value: Double) -> String { String(format: "%.1f", value) }

    private static func picture(width: Double, height: Double, title: String, _ parts: [Markup]) -> Markup {
        .element(
            "svg", ["viewBox": "0 0 \(at(width)) \(at(height))", "role": "img", "xmlns": "http://www.w3.org/2000/svg"],
            [.element("title", [:], Markup(title))] + parts)
    }

    private static func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) -> Markup {
        .element("line", ["x1": at(x1), "y1": at(y1), "x2": at(x2), "y2": at(y2), "class": style])
    }

    private static func text(_ words: String, _ x: Double, _ y: Double, anchor: String = "middle", style: String = "tick") -> Markup {
        .element("text", ["x": at(x), "y": at(y), "text-anchor": anchor, "class": style], Markup(words))
    }

    private static func axes(xTitle: String, yTitle: String) -> [Markup] {
        var parts: [Markup] = []
        for tick in stride(from: 0.0, through: 1, by: 0.25) {
            parts.append(line(x(tick), y(0), x(tick), y(1), "grid"))
            parts.append(line(x(0), y(tick), x(1), y(tick), "grid"))
            parts.append(text(Display.share(tick), x(tick), y(0) + 16))
            parts.append(text(Display.share(tick), left - 6, y(tick) + 4, anchor: "end"))
        }
        parts += [line(x(0), y(0), x(1), y(0), "axis"), line(x(0), y(0), x(0), y(1), "axis")]
        parts.append(text(xTitle, x(0.5), side - 8))
        let middle = at(y(0.5))
        parts.append(
            .element(
                "text", ["x": "12", "y": middle, "text-anchor": "middle", "transform": "rotate(-90 12 \(middle))", "class": "tick"], Markup(yTitle)))
        return parts
    }

    private static func path(_ points: [(Double, Double)], steps: Bool = false) -> String {
        var text = ""
        var before: (Double, Double)?
        for point in points {
            if steps, let before, before.1 != point.1 { text += "L\(at(x(point.0))) \(at(y(before.1)))" }
            text += "\(before == nil ? "M" : "L")\(at(x(point.0))) \(at(y(point.1)))"
            before = point
        }
        return text
    }

    static func roc(_ report: EvaluationReport) -> Markup {
        let points = report.roc.map { ($0.x, $0.y) }
        let area = report.overall[.auc]?.value
        return picture(
            width: side, height: side, title: "ROC curve: share of fakes found against share of reals called fake, area \(Display.share(area))",
            axes(xTitle: "reals called fake", yTitle: "fakes found") + [
                line(x(0), y(0), x(1), y(1), "chance"), .element("path", ["d": path(points), "class": "curve"]),
            ])
    }

    static func precisionRecall(_ report: EvaluationReport) -> Markup {
        let points = report.precisionRecall.map { ($0.x, $0.y) }
        let counts = report.overall.counts
        let prevalence = Double(counts.judgedFakes) / Double(max(1, counts.judged))
        return picture(
            width: side, height: side,
            title: "Precision against recall, average precision \(Display.share(report.overall[.averagePrecision]?.value)); "
                + "chance is \(Display.share(prevalence))",
            axes(xTitle: "recall: fakes found", yTitle: "precision") + [
                line(x(0), y(prevalence), x(1), y(prevalence), "chance"),
                .element("path", ["d": path(points, steps: true), "class": "curve"]),
            ])
    }

    static func reliability(_ reliability: Reliability) -> Markup {
        let most = Double(max(1, reliability.bins.map(\.count).max() ?? 1))
        let dots = reliability.bins.compactMap { bin -> Markup? in
            guard let probability = bin.meanProbability, let share = bin.fakeShare else { return nil }
            return .element(
                "circle",
                [
                    "cx": at(x(probability)), "cy": at(y(share)), "r": at(3.5 + 7 * (Double(bin.count) / most).squareRoot()), "class": "dot",
                    "fill-opacity": "0.8",
                ], [.element("title", [:], "\(bin.count) clips: mean P(fake) \(Display.share(probability)), \(Display.share(share)) are fake")])
        }
        return picture(
            width: side, height: side,
            title: "Reliability: share of fakes against mean P(fake) in each bin, calibration error "
                + Display.share(reliability.expectedCalibrationError),
            axes(xTitle: "mean P(fake) of a bin", yTitle: "share that is fake") + [line(x(0), y(0), x(1), y(1), "chance")] + dots)
    }

    /// One strip a method: every clip a dot at its P(fake), the median a bar.
    static func scores(_ report: EvaluationReport) -> Markup {
        let width = 820.0, labels = 150.0, rowHeight = 44.0
        let judged = report.clips.filter(\.isJudged)
        var rows: [(name: String, style: String, values: [Double])] = []
        rows.append(("real", "real", judged.filter { !$0.clip.isFake }.compactMap(\.probability)))
        for method in report.methods {
            rows.append((method.name, "fake", judged.filter { $0.clip.isFake && $0.clip.method == method.name }.compactMap(\.probability)))
        }
        let height = rowHeight * Double(rows.count) + 40
        func place(_ probability: Double) -> Double { labels + probability * (width - labels - 20) }
        var parts: [Markup] = []
        let band = report.model.card.abstention
        parts.append(
            .element(
                "rect",
                ["x": at(place(band[0])), "y": "4", "width": at(place(band[1]) - place(band[0])), "height": at(height - 40), "class": "band"]))
        for tick in stride(from: 0.0, through: 1, by: 0.25) {
            parts.append(line(place(tick), 4, place(tick), height - 36, "grid"))
            parts.append(text(Display.share(tick), place(tick), height - 20))
        }
        parts.append(line(place(report.model.card.threshold), 4, place(report.model.card.threshold), height - 36, "chance"))
        parts.append(text("P(fake)", place(0.5), height - 4))
        for (index, row) in rows.enumerated() {
            let middle = 4 + rowHeight * (Double(index) + 0.5)
            parts.append(text(row.name.count > 20 ? "\(row.name.prefix(19))…" : row.name, labels - 10, middle + 4, anchor: "end", style: "label"))
            for (number, value) in row.values.sorted().enumerated() {
                // Golden-ratio steps up and down keep neighbours apart, the same each time.
                let jitter = ((Double(number) * 0.618_034).truncatingRemainder(dividingBy: 1) - 0.5) * 22
                parts.append(
                    .element("circle", ["cx": at(place(value)), "cy": at(middle + jitter), "r": "4", "class": row.style, "fill-opacity": "0.6"]))
            }
            if let median = Percentile.median(row.values) { parts.append(line(place(median), middle - 15, place(median), middle + 15, "median")) }
        }
        let summary = rows.map { "\($0.name) \(Display.share(Percentile.median($0.values))) (\($0.values.count))" }.joined(separator: ", ")
        return picture(width: width, height: height, title: "P(fake) of every clip; medians (clips): \(summary)", parts)
    }
}
