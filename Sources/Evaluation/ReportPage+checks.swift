import Foundation

/// Sections about shortcuts, robustness and explanations.
extension ReportPage {
    func shortcuts(_ shortcuts: ShortcutReport) -> Section {
        let reencoded = shortcuts.reencoded
        return Section(id: "shortcuts", title: "Shortcut checks", parts: [
            Self.paragraph("What the model should not be able to tell: each AUC ought to lie about .5, and the change of a re-encoded real about 0."),
            ReportTable(
                caption: "AUC without what a forgery leaves", headers: ["Check", "AUC", "Over clips", "Over groups", "Clips"],
                rows: [
                    Self.row("Face blanked out", shortcuts.faceBlanked), Self.row("Background only", shortcuts.backgroundOnly),
                    Self.row("Reals against their copies at CRF \(reencoded.crf)", reencoded.auc),
                ]
            ).markup,
            ReportTable(
                caption: "Reals encoded again at CRF \(reencoded.crf): change of P(fake)", headers: ["Figure", "Value"],
                rows: [
                    [.text("Median change"), .number(Display.share(reencoded.medianChange, digits: 3), sub: "\(reencoded.count) reals")],
                    [.text("Largest change"), .number(Display.share(reencoded.largestChange, digits: 3))],
                ]
            ).markup,
            Self.paragraph(
                "\(shortcuts.withoutFace) judged clips had no known face to blank, \(shortcuts.withoutBackground) no room beside the face."),
        ])
    }

    /// A table a share of frames: rates down, scales across.
    var robustness: Section {
        let cells = report.robustness
        let shares = Set(cells.map(\.cell.frameShare)).sorted(by: >)
        var parts = [
            Self.paragraph(
                "AUC after every clip was encoded again with x264 (first \(report.options.frameLimit) frames). As it is: "
                    + "\(Display.share(report.overall[.auc]?.value)). Under each: clips judged, real + fake, and those lost on the way."),
        ]
        for share in shares {
            let some = cells.filter { $0.cell.frameShare == share }
            let scales = Set(some.map(\.cell.scale)).sorted(by: >), rates = Set(some.map(\.cell.crf)).sorted()
            let head = [Markup.element("th", ["scope": "col"], "CRF")]
                + scales.map { .element("th", ["scope": "col"], Markup("scale \(Display.number($0))")) }
            let body = rates.map { rate in
                Markup.element("tr", [:], [.element("th", ["scope": "row"], Markup("\(rate)"))] + scales.map { scale in
                    heatCell(some.first { $0.cell.crf == rate && $0.cell.scale == scale })
                })
            }
            let name = share == 1 ? "All frames" : "One frame in \(Int((1 / share).rounded()))"
            parts.append(
                .element("div", ["class": "wide", "tabindex": "0", "role": "region", "aria-label": name], .element("table", ["class": "heat"], [
                    .element("caption", [:], Markup("\(name): AUC by rate factor and scale")),
                    .element("thead", [:], .element("tr", [:], head)), .element("tbody", [:], body),
                ])))
        }
        parts.append(
            ReportTable(
                caption: "The same with intervals", headers: ["Cell", "AUC", "Balanced accuracy", "Lost", "Mean bitrate"],
                rows: cells.map { result in
                    [
                        .text(Self.name(result.cell)), .figure(result.auc), .number(Display.share(result.balancedAccuracy.value)),
                        .number("\(result.lost)"), .number(Display.bits(result.meanBitsPerSecond)),
                    ]
                }
            ).markup)
        return Section(id: "robustness", title: "Robustness", parts: parts)
    }

    private func heatCell(_ result: RobustnessResult?) -> Markup {
        guard let result else { return .element("td", [:], "–") }
        let counts = "\(result.auc.reals) + \(result.auc.fakes)" + (result.lost > 0 ? ", \(result.lost) lost" : "")
        let content = [Markup(Display.share(result.auc.value)), Markup.element("span", ["class": "sub"], Markup(counts))]
        guard let value = result.auc.value else { return .element("td", [:], content) }
        // From nothing at chance to full at a perfect area; the figure itself is in the cell.
        let strength = Int((max(0, value - 0.5) * 2 * 75).rounded())
        return .element("td", ["style": "background: rgb(var(--shade) / \(strength)%)"], content)
    }

    private static func name(_ cell: RobustnessCell) -> String {
        let frames = cell.frameShare == 1 ? "" : ", 1 of \(Int((1 / cell.frameShare).rounded())) frames"
        return "CRF \(cell.crf), scale \(Display.number(cell.scale))\(frames)"
    }

    func explanations(_ explanations: ExplanationReport) -> Section {
        let (sum, deletion) = (explanations.sum, explanations.deletion)
        let wins = deletion.hottestWins
        let advantage = deletion.advantage.map { "\(Display.number($0.low, digits: 3)) to \(Display.number($0.high, digits: 3)) over clips" }
        var parts = [
            ReportTable(
                caption: "A clip’s maps and its bias add up to its logit", headers: ["Check", "Largest difference", "Allowed", "Result"],
                rows: [[
                    .text("Sum of maps (\(sum.clips) clips)"), .number(Display.scientific(sum.largestDifference)),
                    .number(Display.scientific(sum.tolerance)), .text(sum.passed ? "holds" : "DOES NOT HOLD"),
                ]]
            ).markup,
            ReportTable(
                caption: "Blurring \(Display.share(deletion.share)) of the picture: how far the logit falls, mean over \(deletion.clips) clips",
                headers: ["Where", "Fall of the logit", "Spread"],
                rows: [
                    [.text("The hottest cells"), .number(Display.number(deletion.hottestDrop, digits: 3)), .text("")],
                    [
                        .text("The same shape elsewhere, \(deletion.draws) draws"), .number(Display.number(deletion.randomDrop, digits: 3)),
                        .text("± \(Display.number(deletion.randomSpread, digits: 3)) over the draws"),
                    ],
                    [
                        .text("Hottest less random"),
                        .number(Display.number(zip2(deletion.hottestDrop, deletion.randomDrop).map { $0 - $1 }, digits: 3), sub: advantage),
                        .text("\(wins.hits) of \(wins.count) clips above their random ones"),
                    ],
                ]
            ).markup,
            ReportTable(
                caption: "Shuffling layers from the head down: rank correlation of a frame’s map with the model’s own, which should fall towards 0",
                headers: ["Down to", "Mean", "Mean of magnitudes", "Maps"],
                rows: explanations.randomisation.map { stage in
                    [
                        .text(stage.layer), .number(Display.share(stage.meanCorrelation)), .number(Display.share(stage.meanAbsoluteCorrelation)),
                        .number("\(stage.frames)", sub: "of \(stage.clips) clips"),
                    ]
                }
            ).markup,
            Self.paragraph("Two maps of 49 unrelated cells have a magnitude of about .11 by luck; maps are smooth, so theirs is larger."),
        ]
        if let masks = explanations.masks { parts.append(self.masks(masks)) }
        return Section(id: "explanations", title: "Whether the maps explain the model", parts: parts)
    }

    private func masks(_ masks: BlendedMasksReport) -> Markup {
        let overlap = masks.overlap
        let skipped = masks.skipped > 0 ? ", \(masks.skipped) could not be blended" : ""
        return ReportTable(
            caption: "Maps over \(masks.frames) pictures of \(masks.clips) reals that were blended into themselves\(skipped), against the blended masks",
            headers: ["Measure", "Value", "Without aim"],
            rows: [
                [
                    .text("Share of the positive heat on the mask"), .number(Display.share(overlap.heatInside), sub: "\(overlap.count) maps"),
                    .number(Display.share(overlap.maskShare)),
                ],
                [.text("Rank correlation of cells and mask"), .number(Display.share(overlap.rankCorrelation)), .number(Display.share(0))],
                [.text("Area of telling blended cells by their heat"), .number(Display.share(overlap.cellArea)), .number(Display.share(0.5))],
                [.text("AUC of the blended clips against their reals"), .number(Display.share(masks.auc)), .number(Display.share(0.5))],
                [.text("Rise of the logit from a real to its blend, mean"), .number(Display.number(masks.meanRise, digits: 3)), .number(Display.share(0))],
            ]
        ).markup
    }

    private func zip2(_ first: Double?, _ second: Double?) -> (Double, Double)? {
        first.flatMap { first in second.map { (first, $0) } }
    }
}
