import Foundation
import DetectionMetrics

/// Sections about probabilities, about parts of the clips, and about single ones.
extension ReportPage {
    var probabilities: Section {
        var parts: [Markup] = []
        if let reliability = report.reliability {
            parts.append(
                .element("div", ["class": "plots"], [
                    .element("figure", [:], [
                        ReportChart.reliability(reliability),
                        .element("figcaption", [:], "Reliability. On the dashed line probabilities mean what they say; larger dots are more clips."),
                    ]),
                    ReportTable(
                        caption: "The bins of the curve", headers: ["P(fake)", "Clips", "Mean", "Are fake"],
                        rows: reliability.bins.map { bin in
                            [
                                .text("\(Display.share(bin.low))–\(Display.share(bin.high))"), .number("\(bin.count)"),
                                .number(Display.share(bin.meanProbability)), .number(Display.share(bin.fakeShare)),
                            ]
                        }
                    ).markup,
                ]))
        }
        let names: [(Metric, String)] = [
            (.expectedCalibrationError, "Expected calibration error"), (.brierScore, "Brier score"), (.logLoss, "Log loss, nats"),
        ]
        parts.append(
            ReportTable(
                caption: "How well probabilities fit, at temperature \(Display.number(report.model.card.temperature))",
                headers: ["Figure", "Value", "Over clips", "Over groups", "Clips"], rows: names.map { Self.row($1, report.overall[$0]) }
            ).markup)
        parts.append(abstention.markup)
        return Section(id: "probabilities", title: "Probabilities and abstaining", parts: parts)
    }

    private var abstention: ReportTable {
        let abstention = report.abstention
        func row(_ name: String, _ band: AbstentionBand?) -> [ReportTable.Cell] {
            guard let band else { return [.text(name), .number("none reaches it"), .number("–"), .number("–")] }
            return [
                .text(name), .number("\(Display.share(band.low, digits: 3))–\(Display.share(band.high, digits: 3))"), .proportion(band.decided),
                .proportion(band.wrong),
            ]
        }
        let target = Display.number(abstention.targetError * 100, digits: 0)
        return ReportTable(
            caption: "Abstaining: no call is made inside the band. The second row is fitted to these very clips and promises nothing for others",
            headers: ["Band", "P(fake)", "Decided", "Wrong among decided"],
            rows: [row("The card’s", abstention.stated), row("Narrowest for \(target) % wrong here", abstention.needed)])
    }

    var methods: Section {
        Section(id: "methods", title: "By method", parts: [
            .element("figure", [:], [
                .element(
                    "div", ["class": "wide strips", "tabindex": "0", "role": "region", "aria-label": "Scores by method"],
                    ReportChart.scores(report)),
                .element("figcaption", [:], [
                    .element("span", ["class": "key real"]), "real ", .element("span", ["class": "key fake"]),
                    "fake. Each dot a clip, the bar the median; dashed the threshold, shaded the band of abstention.",
                ]),
            ]),
            subsets(report.methods, caption: "Each method’s fakes against all reals", first: "Method", withReals: false).markup,
        ])
    }

    var groups: Section {
        let shown = report.groups.prefix(EvaluationReport.mostGroupsWithIntervals)
        var parts = [subsets(Array(shown), caption: "Each group’s own clips", first: "Group", withReals: true).markup]
        if report.groups.count > shown.count {
            parts.append(Self.paragraph("\(report.groups.count - shown.count) further groups are in the JSON file."))
        }
        return Section(id: "groups", title: "By group", parts: parts)
    }

    private func subsets(_ subsets: [EvaluationReport.Subset], caption: String, first: String, withReals: Bool) -> ReportTable {
        ReportTable(
            caption: caption,
            headers: [first, "AUC", "Average precision", "Found at 5 % FP", "Fakes called fake"] + (withReals ? ["Reals called real"] : [])
                + ["Mean P, fakes", "Judged"],
            rows: subsets.map { subset in
                let counts = subset.counts
                var row: [ReportTable.Cell] = [
                    .text(subset.name), .figure(subset[.auc]), .number(Display.share(subset[.averagePrecision]?.value)),
                    .number(Display.share(subset[.tprAtFpr5Percent]?.value)), .proportion(subset[.recall]?.proportion),
                ]
                if withReals { row.append(.proportion(subset[.specificity]?.proportion)) }
                row.append(.number(Display.share(subset.meanProbabilityOfFakes)))
                row.append(
                    .number(
                        "\(counts.judgedFakes) of \(counts.fakes) fake", sub: "\(counts.judgedReals) of \(counts.reals) real"))
                return row
            })
    }

    var baselines: Section {
        let words = [
            "chance": "Random scores", "bitrate": "Bitrate alone", "resolution": "Resolution alone", "face_size": "Size of the face alone",
            "sharpness": "Sharpness alone", "untrained_network": "Untrained network",
        ]
        func row(_ name: String, _ figure: Figure?, missing: Int) -> [ReportTable.Cell] {
            var row = Self.row(name, figure)
            row.append(.number("\(missing)"))
            return row
        }
        return Section(id: "baselines", title: "Baselines on the same clips", parts: [
            Self.paragraph(
                "What can be told without looking for a forgery. An area well below .5 is as telling as one well above. The interval of random "
                    + "scores is how far luck alone goes."),
            ReportTable(
                caption: "AUC of the model and of simple scores", headers: ["Score", "AUC", "Over clips", "Over groups", "Clips", "Without one"],
                rows: [row("This model", report.overall[.auc], missing: report.overall.counts.clips - report.overall.counts.judged)]
                    + report.baselines.map { row(words[$0.name] ?? $0.name, $0.auc, missing: $0.missing) }
            ).markup,
        ])
    }

    var errors: Section {
        var parts: [Markup] = []
        if report.worstErrors.isEmpty {
            parts.append(Self.paragraph("No judged clip was called wrongly, or none was asked for."))
        } else {
            parts.append(
                Self.paragraph("Wrongly called clips, the furthest from their label first, as the command line draws them: frames, scores, heat."))
        }
        let byName = Dictionary(report.clips.map { ($0.clip.name, $0) }, uniquingKeysWith: { first, _ in first })
        for sheet in sheets {
            guard let clip = byName[sheet.name] else { continue }
            let words = "\(sheet.name): \(clip.clip.label.rawValue) (\(clip.clip.method), group \(clip.clip.group)), "
                + "P(fake) \(Display.share(clip.probability))"
            let data = "data:image/jpeg;base64,\(Data(sheet.jpeg).base64EncodedString())"
            parts.append(
                .element("figure", ["class": "sheet"], [
                    .element("img", ["src": data, "alt": "Contact sheet of \(words)", "width": "\(sheet.width)", "height": "\(sheet.height)"]),
                    .element("figcaption", [:], Markup(words)),
                ]))
        }
        if !report.unjudged.isEmpty {
            parts.append(
                ReportTable(
                    caption: "Clips that could not be judged", headers: ["Clip", "Label", "Why"],
                    rows: report.unjudged.map { [.text($0.name), .text($0.label.rawValue), .text($0.why)] }
                ).markup)
        }
        return Section(id: "errors", title: "Worst errors", parts: parts)
    }

    var clips: Section {
        let table = ReportTable(
            caption: "Every clip", headers: ["Clip", "Label", "P(fake)", "Verdict", "Face, px", "Picture", "Bitrate", "Warnings"],
            rows: report.clips.map { clip in
                [
                    .text(clip.clip.name), .text(clip.clip.label.rawValue), .number(Display.share(clip.probability)),
                    .text(clip.verdict?.rawValue ?? "none"), .number(Display.number(clip.facePixels, digits: 0)),
                    .number(clip.file.map { "\($0.width)×\($0.height)" } ?? "–"), .number(Display.bits(clip.file?.bitsPerSecond)),
                    .text((clip.warnings + (clip.complaint.map { [$0] } ?? [])).joined(separator: ", ")),
                ]
            })
        return Section(id: "clips", title: "Clips", parts: [
            .element("details", [:], [.element("summary", [:], Markup("All \(report.clips.count) clips")), table.markup]),
        ])
    }

    var model: Section {
        let card = report.model.card
        var facts: [(String, String)] = [
            ("Name", "\(card.name) \(card.version)"), ("SHA-256", report.model.sha256), ("Trained", card.trained ? "yes" : "no: random weights"),
            ("Network", "\(card.architecture), \(card.head.rawValue) head, computed in \(card.precision)"),
            ("Looks at", card.region == .face ? "each face, a square of \(card.faceCrop?.scale ?? 0) × its box" : "whole frames"),
            ("Temperature", Display.number(card.temperature, digits: 3)), ("Threshold", Display.share(card.threshold)),
            ("Abstains within", "\(Display.share(card.abstention[0]))–\(Display.share(card.abstention[1]))"),
        ]
        if let seed = card.seed { facts.append(("Seed", "\(seed)")) }
        if let created = card.created { facts.append(("Made", created)) }
        if !card.notes.isEmpty { facts.append(("Notes", card.notes)) }
        return Section(id: "model", title: "The model’s card", parts: [
            .element("dl", [:], facts.flatMap { [.element("dt", [:], Markup($0)), .element("dd", [:], Markup($1))] }),
        ])
    }
}
