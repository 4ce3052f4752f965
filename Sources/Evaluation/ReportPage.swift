import Foundation
import DetectionMetrics

/// A report as one page that needs nothing else: no script, no file beside it, nothing from the net.
public struct ReportPage: Sendable {
    let report: EvaluationReport
    let sheets: [EvaluationRun.Sheet]

    public init(_ product: EvaluationRun.Product) {
        report = product.report
        sheets = product.sheets
    }

    /// The page; well-formed XML as well as HTML.
    public var html: String {
        let title = "\(report.model.card.name) \(report.model.card.version): evaluation"
        var sections = [ranking, calls, probabilities, methods, groups, baselines]
        if let shortcuts = report.shortcuts { sections.append(self.shortcuts(shortcuts)) }
        if !report.robustness.isEmpty { sections.append(robustness) }
        if let explanations = report.explanations { sections.append(self.explanations(explanations)) }
        sections += [errors, clips, model]
        let page = Markup.element("html", ["lang": "en", "xmlns": "http://www.w3.org/1999/xhtml"], [
            .element("head", [:], [
                .element("meta", ["charset": "utf-8"]),
                .element("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
                .element("title", [:], Markup(title)), .style(ReportStyle.css),
            ]),
            .element("body", [:], .element("main", [:], [
                header, tiles, .element("nav", ["aria-label": "Sections"], sections.map(\.link)), notes,
            ] + sections.map(\.markup))),
        ])
        return "<!DOCTYPE html>\n\(page.text)\n"
    }

    /// A part of the page that the list of contents leads to.
    struct Section {
        var id: String
        var title: String
        var parts: [Markup]

        var markup: Markup {
            .element("section", ["id": id, "aria-labelledby": "\(id)-title"], [.element("h2", ["id": "\(id)-title"], Markup(title))] + parts)
        }

        var link: Markup { .element("a", ["href": "#\(id)"], Markup(title)) }
    }

    static func paragraph(_ words: String, style: String = "small soft") -> Markup { .element("p", ["class": style], Markup(words)) }

    private var header: Markup {
        let counts = report.overall.counts
        let card = report.model.card
        let kinds = "\(counts.reals) real, \(counts.fakes) fake by \(report.methods.count) \(report.methods.count == 1 ? "method" : "methods"), "
            + "\(counts.groups) \(counts.groups == 1 ? "group" : "groups")"
        return .element("header", [:], [
            .element("h1", [:], Markup("\(card.name) \(card.version)")),
            Self.paragraph(
                "\(counts.judged) of \(counts.clips) clips judged: \(kinds). \(report.options.sampling.count) frames a clip. Intervals are "
                    + "95 %, from \(report.options.resamples) draws with seed \(report.options.seed): over clips as if independent, and over groups. "
                    + "\(report.created), model \(report.model.sha256.prefix(12)).", style: "soft"),
        ])
    }

    private var tiles: Markup {
        let shown: [(String, Metric)] = [
            ("AUC", .auc), ("Average precision", .averagePrecision), ("Equal error rate", .equalErrorRate),
            ("Found at 5\u{A0}% false positives", .tprAtFpr5Percent), ("Balanced accuracy", .balancedAccuracy),
            ("Calibration error", .expectedCalibrationError),
        ]
        return .element("div", ["class": "tiles"], shown.map { name, metric in
            let figure = report.overall[metric]
            return .element("div", ["class": "tile"], [
                .element("div", ["class": "name"], Markup(name)), .element("div", ["class": "value"], Markup(Display.share(figure?.value))),
            ] + (figure.map(ReportTable.ranges) ?? []).map { .element("div", ["class": "range"], Markup($0)) } + [
                .element("div", ["class": "range"], Markup(figure.map(ReportTable.counts) ?? "")),
            ])
        })
    }

    private var notes: Markup {
        .element("section", ["class": "notes", "id": "notes", "aria-labelledby": "notes-title"], [
            .element("h2", ["id": "notes-title"], "What these figures do not say"),
            .element("ul", [:], report.notes.map { .element("li", [:], Markup($0)) }),
        ])
    }

    private var ranking: Section {
        let names: [(Metric, String)] = [
            (.auc, "AUC"), (.averagePrecision, "Average precision"), (.equalErrorRate, "Equal error rate"),
            (.tprAtFpr1Percent, "Fakes found at 1\u{A0}% false positives"), (.tprAtFpr5Percent, "Fakes found at 5\u{A0}% false positives"),
        ]
        let table = ReportTable(
            caption: "Ranking at video level, no threshold involved", headers: ["Figure", "Value", "Over clips", "Over groups", "Clips"],
            rows: names.map { Self.row($1, report.overall[$0]) })
        return Section(id: "ranking", title: "Telling fakes from reals", parts: [
            .element("div", ["class": "plots"], [
                .element("figure", [:], [
                    ReportChart.roc(report),
                    .element("figcaption", [:], "ROC. The dashed line is chance; every step up is a fake, to the right a real."),
                ]),
                .element("figure", [:], [
                    ReportChart.precisionRecall(report),
                    .element("figcaption", [:], "Precision and recall. The dashed line is the share of fakes, which chance reaches."),
                ]),
            ]), table.markup,
        ])
    }

    static func row(_ name: String, _ figure: Figure?, digits: Int = 2) -> [ReportTable.Cell] {
        func interval(_ interval: Bootstrap.Interval?) -> ReportTable.Cell {
            guard let interval else { return .number("not given") }
            return .number(
                "\(Display.share(interval.low, digits: digits))–\(Display.share(interval.high, digits: digits))",
                sub: interval.leftOut > 0 ? "\(interval.leftOut) draws left out" : nil)
        }
        return [
            .text(name), .number(Display.share(figure?.value, digits: digits)), interval(figure?.overClips), interval(figure?.overGroups),
            .number(figure.map(ReportTable.counts) ?? "–", sub: figure?.proportion.map(ReportTable.words)),
        ]
    }

    private var calls: Section {
        let names: [(Metric, String)] = [
            (.accuracy, "Accuracy"), (.balancedAccuracy, "Balanced accuracy"), (.precision, "Precision (fake)"), (.recall, "Recall (fake)"),
            (.f1, "F1 (fake)"), (.specificity, "Reals called real"),
        ]
        let ofAll = report.ofAll
        var parts = [
            Self.paragraph(
                "A clip is called fake at P(fake) ≥ \(Display.share(report.model.card.threshold)). Abstaining is left aside here; see below."),
            confusion.markup,
            ReportTable(
                caption: "Rates of the calls", headers: ["Figure", "Value", "Over clips", "Over groups", "Clips"],
                rows: names.map { Self.row($1, report.overall[$0]) }
            ).markup,
        ]
        if let classification = report.classification {
            func row(_ name: String, _ row: ClassificationReport.Row) -> [ReportTable.Cell] {
                [
                    .text(name), .number(Display.share(row.precision)), .number(Display.share(row.recall)), .number(Display.share(row.f1)),
                    .number("\(row.support)"),
                ]
            }
            parts.append(
                ReportTable(
                    caption: "Classification report", headers: ["Label", "Precision", "Recall", "F1", "Support"],
                    rows: [
                        row("real", classification.real), row("fake", classification.fake), row("macro average", classification.macro),
                        row("weighted average", classification.weighted),
                    ]
                ).markup)
        }
        parts.append(
            ReportTable(
                caption: "Of all clips, one that could not be judged counting as a wrong call (for the AUC: as a score on the threshold)",
                headers: ["Figure", "Value"],
                rows: [
                    [.text("Accuracy"), .proportion(ofAll.accuracy)], [.text("Fakes called fake"), .proportion(ofAll.recall)],
                    [.text("Reals called real"), .proportion(ofAll.specificity)],
                    [.text("AUC"), .number(Display.share(ofAll.auc.value), sub: ReportTable.counts(ofAll.auc))],
                ]
            ).markup)
        return Section(id: "calls", title: "Calls at the threshold", parts: parts)
    }

    private var confusion: ReportTable {
        let matrix = report.confusion
        return ReportTable(
            caption: "Confusion matrix, counts of clips", headers: ["", "Called real", "Called fake", "Together"],
            rows: [
                [.text("real"), .number("\(matrix.trueNegatives)"), .number("\(matrix.falsePositives)"), .number("\(matrix.reals)")],
                [.text("fake"), .number("\(matrix.falseNegatives)"), .number("\(matrix.truePositives)"), .number("\(matrix.fakes)")],
            ])
    }
}
